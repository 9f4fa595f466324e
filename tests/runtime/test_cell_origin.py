"""Where a PoseNet's cells lie at a size of one's choice, and that nobody gets poses of cells that have moved."""

from __future__ import annotations

import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from posecore import cli
from posecore.runtime.cell_origin import cell_origin
from posecore.runtime.estimator import Estimator
from posecore.runtime.tflite_file import TfliteFile

DEFAULT = files("posecore") / "data" / "posenet_mobilenet_v1_075.tflite"

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")


@pytest.fixture(scope="module")
def file() -> TfliteFile:
    return TfliteFile.read(DEFAULT.read_bytes())


def same(sides: int) -> int:
    """By the definition of SAME: each 3x3 convolution of stride 2 begins a cell later on an even side."""
    origin, step = 0, 1
    for _ in range(4):
        origin += step * (sides % 2 == 0)
        sides, step = -(-sides // 2), 2 * step
    return origin


@pytest.mark.parametrize(
    ("width", "height"), [(257, 257), (256, 353), (480, 255), (260, 250), (16, 17), (1, 2)]
)
def test_cells_move_where_sides_are_even(file: TfliteFile, width: int, height: int) -> None:
    heatmaps = [one.name for one in file.outputs].index("heatmap_2")
    assert cell_origin(file, heatmaps, (width, height)) == (same(width), same(height))


def test_all_outputs_have_one_grid(file: TfliteFile) -> None:
    assert {cell_origin(file, output, (256, 300)) for output in range(4)} == {(15.0, same(300))}


@pytest.mark.parametrize(
    ("size", "near", "moved"),
    [
        ((256, 256), "(257, 257)", "(15, 15)"),
        ((320, 481), "(321, 481)", "(15, 0)"),
        ((353, 500), "(353, 497)", "(0, 3)"),
    ],
)
def test_a_size_that_moves_cells_is_refused_with_the_next(size: Any, near: str, moved: str) -> None:
    with pytest.raises(
        ValueError, match=r"^size: wanted a height and width at which the cells of posenet_"
    ) as error:
        Estimator(size=size)
    said = str(error.value)
    assert (
        f"at sides of 16 n + 1, such as {near}, got {size}, which moves keypoints by {moved} pixels" in said
    )


@pytest.mark.parametrize("size", [(257, 257), (353, 481), (17, 33), 256, 480, None])
def test_other_sizes_are_taken(size: Any) -> None:
    width, height = Estimator(size=size).input_size
    assert (width % 16, height % 16) == (1, 1)


def test_of_somebodys_model_of_any_size_nobody_knows(tmp_path: Path) -> None:
    model = DEFAULT.read_bytes()
    with pytest.warns(UserWarning, match=r"^size: .* such as \(257, 257\), got \(256, 256\), .* trained so$"):
        assert Estimator(model, size=(256, 256)).input_size == (256, 256)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Estimator(model, size=(257, 257))


def test_a_model_of_one_size_keeps_its_grid_at_others(shared: Path) -> None:
    model = shared / "data" / "models" / "posenet_mobilenet_v1_075_337_float.tflite"
    assert Estimator(model, size=(241, 321)).input_size == (321, 241)
    with pytest.raises(ValueError, match=r"at its own 337x337, such as \(241, 321\), got \(240, 320\)"):
        Estimator(model, size=(240, 320))


@pytest.mark.parametrize(
    ("model", "taken", "own", "moved"),
    [
        ("bodypix_mobilenet_v1_075_512_512_16_quant_decoder", [(257, 257), (353, 481)], "512x512", "(8, 1)"),
        ("posenet_mobilenet_v1_075_353_481_16_quant_decoder", [(256, 256), (512, 481)], "353x481", "(7, 0)"),
    ],
    ids=["BodyPix", "family C"],
)
def test_a_pixel_from_where_a_models_own_cells_lie_is_taken_in_both_directions(
    shared: Path, model: str, taken: list[tuple[int, int]], own: str, moved: str
) -> None:
    path = shared / "data" / "models" / "coral" / f"{model}.tflite"
    for size in taken:
        assert Estimator(path, size=size).input_size == size[::-1]
    with pytest.raises(ValueError, match=rf"at its own {own}, such as .*, got \(264, 257\)") as error:
        Estimator(path, size=(264, 257))
    assert f"moves keypoints by {moved} pixels" in str(error.value)


def test_the_command_says_it_in_options(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["predict", "--size", "256x256", "--quiet"]) == 2
    assert "posecore: --size: wanted a height and width at which" in capsys.readouterr().err
    (tmp_path / "mine.tflite").write_bytes(DEFAULT.read_bytes())
    assert cli.main(["predict", "--size", "256x256", "--model", "mine.tflite", "--quiet"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("posecore: --size: wanted a height and width at which the cells of mine lie")
    assert said.count("\n") == 1
