"""`posecore.export`: its names, and what it does not bring."""

from __future__ import annotations

import subprocess
import sys

import pytest

from posecore import export


@pytest.mark.parametrize("name", export.__all__)
def test_every_name_is_there_and_explains_itself(name: str) -> None:
    found = getattr(export, name)
    assert found.__name__ == name
    assert found.__doc__


def test_names_that_are_not_there_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'to_tflight'"):
        _ = export.to_tflight
    assert set(export.__all__) <= set(dir(export))


def test_nothing_heavy_comes_with_it_or_with_its_names() -> None:
    program = "import sys; from posecore import export; [getattr(export, name) for name in export.__all__]; "
    program += "print([name for name in ('tensorflow', 'keras', 'onnx', 'onnxruntime', 'cv2') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
