"""The options of `posecore predict`: what they do to the estimator, and which are wrong usage."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest
from predict_command import Command, written

from posecore import cli, network_options, predict, skeletons

INTERPRETERS = ("ai_edge_litert", "tflite_runtime", "tensorflow")

pytestmark = pytest.mark.usefixtures("cv2")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "a.mp4"], "--out: wanted a picture name ending in .jpg, .jpeg, .png"),
        (["--out", "a.png", "--draw", "none"], "--out: wanted a folder, since nothing is drawn"),
        (
            ["--out", "-", "--save", "npz"],
            "--out: wanted one --save format of json, jsonl, csv for stdout, got npz",
        ),
        (["--out", "-", "--save", "csv,json"], "for stdout, got csv, json"),
        (["--out", "-", "--draw", "poses"], "for stdout, got a drawing too"),
        (["--out", "-", "--json"], "--json: stdout is taken by --out -"),
        (["--out", __file__], "which is a file"),
        (
            ["--mirror", "--save", "json,coco"],
            "--mirror: COCO results are of the pictures as they are; leave it or --save coco out",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_wrong_usage(
    command: Command, picture: Path, words: list[str], sentence: str
) -> None:
    code, out, err = command("predict", picture, *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.startswith("posecore: ")
    assert not written()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--size", "0"], "wanted a long side such as 353 or height x width such as 353x481, got '0'"),
        (["--size", "353x"], "got '353x'"),
        (["--threads", "0"], "wanted a whole number from 1 to 1024, got '0'"),
        (["--max-poses", "1.5"], "got '1.5'"),
        (["--conf", "1.1"], "wanted a number from 0 to 1, got '1.1'"),
        (["--conf", "nan"], "wanted a number from 0 to 1, got 'nan'"),
        (["--input-range", "0"], "argument --input-range: expected 2 arguments"),
        (["--input-range", "a", "b"], "argument --input-range: invalid float value: 'a'"),
        (["--scores", "sigmoid"], "invalid choice: 'sigmoid'"),
        (["--stride", "wide"], "wanted a number of pixels, got 'wide'"),
        (["--stride", "nan"], "wanted a number of pixels, got 'nan'"),
        (["--resize", "crop"], "invalid choice: 'crop'"),
        (["--refine", "dark"], "invalid choice: 'dark'"),
        (["--refine-steps", "101"], "wanted a whole number from 0 to 100, got '101'"),
        (["--nms", "-1"], "wanted a number of pixels from 0, got '-1'"),
        (["--save", "xml"], "wanted some of json,jsonl,csv,coco,npz, or none, got 'xml'"),
        (["--draw", "faces"], "wanted some of poses,heatmaps,offsets,names, or none, got 'faces'"),
        (["--every", "0"], "got '0'"),
        (["--color", "grey"], "invalid choice: 'grey'"),
        (["--colour", "rgb"], "unrecognized arguments: --colour"),
        (["--forc"], "unrecognized arguments: --forc"),
    ],
)
def test_an_option_that_is_wrong_is_wrong_usage(
    command: Command, picture: Path, words: list[str], sentence: str
) -> None:
    code, _, err = command("predict", picture, *words)
    assert code == 2
    assert sentence in err


def test_options_reach_the_estimator(command: Command, picture: Path) -> None:
    command(
        "predict", picture, "--model", "m.tflite", "--size", "353x481", "--device", "coral", "--threads", "2",
        "--max-poses", "7", "--conf", "0.3", "--nms", "12.5",
    )  # fmt: skip
    assert command.options == {
        "model": "m.tflite",
        "size": (353, 481),
        "device": "coral",
        "skeleton": None,
        "threads": 2,
        "max_poses": 7,
        "root_threshold": 0.3,
        "pose_threshold": 0.3,
        "nms_radius_px": 12.5,
        "refine_steps": None,
        "refine": None,
        "semantics": None,
        "resize": "letterbox",
        "input_range": None,
        "scores": None,
        "stride_px": None,
        "x_first": None,
    }
    command("predict", picture, "--size", "257")
    assert command.options["size"] == 257
    assert command.options["max_poses"] is None


@pytest.mark.parametrize(
    ("words", "option", "value"),
    [
        (["--input-range", "0", "1"], "input_range", (0.0, 1.0)),
        (["--input-range", "-1", "1"], "input_range", (-1.0, 1.0)),
        (["--input-range", "-103.94", "151.06"], "input_range", (-103.94, 151.06)),
        (["--scores", "logits"], "scores", "logits"),
        (["--scores", "probabilities"], "scores", "probabilities"),
        (["--stride", "8"], "stride_px", 8.0),
        (["--x-first", "both"], "x_first", "both"),
        (["--resize", "stretch"], "resize", "stretch"),
        (["--resize", "coral"], "resize", "coral"),
        (["--refine", "taylor"], "refine", "taylor"),
        (["--refine-steps", "0"], "refine_steps", 0),
        (["--semantics", "tfjs"], "semantics", "tfjs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_models_of_elsewhere_need_can_be_said(
    command: Command, picture: Path, words: list[str], option: str, value: Any
) -> None:
    code, _, err = command("predict", picture, *words)
    assert code == 0, err
    assert command.options[option] == value


def test_every_option_of_the_estimator_can_be_said_or_has_a_reason(command: Command, picture: Path) -> None:
    from posecore.runtime.estimator import Estimator

    # Colours are turned before the estimator sees them; the interpreter is POSECORE_INTERPRETER's; the blur of
    # one refinement of plain heatmaps is left to Python.
    elsewhere = {"color", "interpreter", "blur_sigma_cells"}
    command("predict", picture)
    assert set(command.options) == set(inspect.signature(Estimator).parameters) - elsewhere


@pytest.mark.parametrize("name", skeletons.names())
def test_a_skeletons_name_reaches_the_estimator(command: Command, picture: Path, name: str) -> None:
    assert command("predict", picture, "--skeleton", name)[0] == 0
    assert command.options["skeleton"] == name


def test_a_skeleton_that_does_not_exist_is_wrong_usage(command: Command, picture: Path) -> None:
    code, _, err = command("predict", picture, "--skeleton", "coco18")
    assert code == 2
    assert "--skeleton: invalid choice: 'coco18'" in err
    assert all(name in err for name in skeletons.names())
    assert not written()


def test_a_skeleton_of_other_keypoints_than_the_models_is_wrong_usage(
    picture: Path, capsys: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    if not any(importlib.util.find_spec(name) for name in INTERPRETERS):
        pytest.skip('no interpreter is installed: pip install "posecore[app]"')
    monkeypatch.chdir(tmp_path)
    assert cli.main(["predict", str(picture), "--skeleton", "mpii16"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "posecore: --skeleton: wanted 17 keypoints, as posenet_mobilenet_v1_075 gives them, got mpii16 with 16 "
        "(posecore predict --help lists the options)"
    )
    assert not (tmp_path / "posecore-out").exists()


def test_an_option_value_that_the_estimator_refuses_is_wrong_usage(
    command: Command, picture: Path, monkeypatch: Any
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError('device: wanted "cpu" or "coral", got "gpu"')

    monkeypatch.setattr(predict, "load_estimator", network_options.load_estimator)
    monkeypatch.setattr("posecore.runtime.estimator.Estimator", refuse)
    code, _, err = command("predict", picture, "--device", "gpu")
    assert code == 2
    assert 'posecore: --device: wanted "cpu" or "coral", got "gpu"' in err


def test_warnings_of_libraries_are_not_swallowed(monkeypatch: Any, capsys: Any) -> None:
    def warn(*_: Any, **__: Any) -> str:
        warnings.warn("size: wanted 257x257, got 256x256", stacklevel=2)
        warnings.warn("that goes away", DeprecationWarning, stacklevel=2)
        warnings.warn("slow here", RuntimeWarning, stacklevel=2)
        return "an estimator"

    monkeypatch.setattr("posecore.runtime.estimator.Estimator", warn)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert network_options.load_estimator(model=None) == "an estimator"
    assert [(one.category, str(one.message)) for one in seen] == [
        (DeprecationWarning, "that goes away"),
        (RuntimeWarning, "slow here"),
    ]
    assert capsys.readouterr().err == "posecore: --size: wanted 257x257, got 256x256\n"


def test_the_command_without_a_subcommand_is_wrong_usage(command: Command) -> None:
    assert command()[0] == 2


def test_version_and_the_places_for_cmake(command: Command) -> None:
    import posecore

    assert command("--version") == (0, f"posecore {posecore.__version__}\n", "")
    for option, folder in (("--cmake-dir", posecore.cmake_dir()), ("--include-dir", posecore.include_dir())):
        assert command(option) == (0, f"{folder}\n", "")


def test_help_names_every_option_and_exit_code(command: Command) -> None:
    code, out, _ = command("predict", "--help")
    assert code == 0
    network = "model size skeleton device resize input-range scores stride x-first threads"
    people = "max-poses conf nms refine-steps refine"
    for option in f"{network} {people} mirror color save draw show out every force json quiet".split():
        assert f"\n  --{option}" in out
    assert "exit codes: 0 done, 1 something failed, 2 wrong usage, 130 Ctrl-C" in out
