"""What all networks have in common: Keras when they are built and not before, one form of input, named outputs."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from posecore import MPII16
from posecore.errors import MissingExtra
from posecore.train import networks

BUILDERS: dict[str, dict[str, Any]] = {
    "posenet": {"backbone": "mobilenet_v1_050"},
    "cpm": {"stages": 2, "width": 0.0625},
    "simple_baseline": {"deconvolution_filters": 4},
    "five_conv": {"width": 0.0625},
    "four_conv": {"width": 0.0625},
    "vgg16": {"width": 0.0625, "dense_units": 8},
}
OUTPUTS = {
    "posenet": ["heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2"],
    "cpm": ["stage1", "stage2"],
    "simple_baseline": ["heatmap"],
    "five_conv": ["keypoints"],
    "four_conv": ["keypoints"],
    "vgg16": ["keypoints"],
}


def test_importing_them_does_not_import_keras() -> None:
    program = "import sys, posecore.train.networks; print({'keras', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("name", BUILDERS)
def test_without_keras_a_sentence_says_what_brings_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(
        MissingExtra, match=r'keras, which is not installed: pip install "posecore\[train\]"$'
    ):
        getattr(networks, name)(**BUILDERS[name])


@pytest.mark.parametrize("name", BUILDERS)
def test_any_skeleton_and_grey_pictures_in_named_outputs_out(name: str) -> None:
    model = getattr(networks, name)(skeleton=MPII16, channels=1, input_size=(96, 64), **BUILDERS[name])
    assert model.input.name == "image"
    assert model.input.shape == (None, 64, 96, 1)
    assert list(model.output) == OUTPUTS[name]
    rng = np.random.default_rng(0)
    outputs = model(rng.uniform(-1, 1, (1, 64, 96, 1)).astype(np.float32))
    for output in outputs.values():
        assert np.isfinite(np.asarray(output)).all()
        assert 16 in output.shape or output.shape[-1] in (32, 30)  # keypoints; twice, and twice the edges
