"""The command with the default model on labelled pictures: the full pipeline is the estimator's, and parts are worth
something."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from posecore import Estimator, cli, evaluate
from posecore.sources import Source, read_picture

INTERPRETERS = ("ai_edge_litert", "tflite_runtime", "tensorflow")

pytestmark = [
    pytest.mark.usefixtures("cv2"),
    pytest.mark.skipif(
        not any(importlib.util.find_spec(name) for name in INTERPRETERS),
        reason='no interpreter is installed: pip install "posecore[app]"',
    ),
]


@pytest.fixture(scope="module")
def truth(shared: Path) -> dict[str, Any]:
    """The first pictures of the labelled set."""
    whole = json.loads((shared / "data" / "train" / "coco.json").read_text(encoding="utf-8"))
    images = whole["images"][:12]
    ids = {image["id"] for image in images}
    annotations = [one for one in whole["annotations"] if one["image_id"] in ids]
    return whole | {"images": images, "annotations": annotations}


@pytest.mark.parametrize(
    "model", [None, "coral/posenet_mobilenet_v1_075_353_481_quant_decoder.tflite"], ids=["default", "coral"]
)
def test_the_default_model_on_labelled_pictures(
    shared: Path, truth: dict[str, Any], tmp_path: Path, capsys: Any, model: str | None
) -> None:
    (tmp_path / "gt.json").write_text(json.dumps(truth), encoding="utf-8")
    pictures = shared / "data" / "train" / "coco"
    path = None if model is None else shared / "data" / "models" / model
    words = [] if path is None else ["--model", str(path)]
    words += ["--json", "--quiet", "--out", "none", "--draws", "100"]
    assert cli.main(["ablate", str(tmp_path / "gt.json"), str(pictures), *words]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    estimator = Estimator(path)
    found = []
    for image in truth["images"]:
        file = pictures / image["file_name"]
        found.append((image["id"], estimator(read_picture(Source("picture", file.name, file)))))
    report = evaluate(truth, found)
    # Quantised heads are decoded as the real numbers that they stand for: equal to the last bits of float32.
    within = 0 if model is None else 0.01
    assert rows["full pipeline"]["AP"] == pytest.approx(report["AP"], abs=within)
    assert rows["full pipeline"]["poses"] == len(report.detections)
    for name in ("refinement: 0 of 5", "suppression", "re-scoring"):
        assert rows[name]["high"] < 0
    for name in ("short offsets", "all heads", "pose scores"):
        assert rows[name]["low"] > 0
    assert rows["all heads"]["AP"] > rows["short offsets"]["AP"] > 2 * rows["full pipeline"]["AP"]
