"""`posecore doctor --model`: the right reading is found, of models that are as they should be and of bent ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_variants import bent

from posecore import cli, doctor_command
from posecore.doctor import readings
from posecore.doctor.diagnosis import Diagnosis
from posecore.doctor.readings import RANGES, VIEWS, Reading, Trials, Tried, steps, try_readings
from posecore.doctor.sense import likeness
from posecore.doctor.sheet import sheet
from posecore.poses import Poses
from posecore.runtime.estimator import Estimator
from posecore.skeletons import COCO17
from posecore.sources import find_sources, read_picture
from runtime.tiny_tflite import heatmaps_only

SIZE = 257


@pytest.fixture(scope="module")
def picture(cv2: Any) -> Any:
    pytest.importorskip("ai_edge_litert", reason='no interpreter is installed: pip install "posecore[app]"')
    return read_picture(find_sources([])[0])


@pytest.fixture(scope="module")
def usual(picture: Any) -> Diagnosis:
    """The default model on the default picture."""
    return Diagnosis(try_readings(None, picture, size=SIZE))


def answers(diagnosis: Diagnosis) -> Reading:
    assert diagnosis.doubt == "", "\n".join(diagnosis.lines())
    return diagnosis.best.reading


def test_the_default_model_is_read_as_it_is(usual: Diagnosis) -> None:
    assert answers(usual) == Reading("rgb", (-1.0, 1.0), "logits", None)
    assert usual.options == {}
    assert usual.calls(None, {"size": SIZE}) == (
        f"posecore.Estimator(size={SIZE})",
        f"posecore predict PICTURE --size {SIZE}",
    )
    assert [facet.name for facet in usual.facets] == ["colors", "range", "scores", "axes"]
    assert len(usual.ranked) == 2 * 3 * 2 * 4


@pytest.mark.parametrize(
    "bending",
    [
        {"bgr": True, "input_range": (0.0, 1.0), "probabilities": True, "x_first": "both"},
        {"input_range": (0.0, 255.0), "x_first": "offsets"},
        {"probabilities": True, "x_first": "displacements"},
    ],
    ids=["everything", "bytes and offsets", "probabilities and displacements"],
)
def test_a_bent_model_is_seen_through(bending: dict[str, Any], picture: Any) -> None:
    straight = Estimator(size=SIZE)(picture)
    with bent(**bending):
        diagnosis = Diagnosis(try_readings(None, picture, size=SIZE))
        read_so = Estimator(size=SIZE, **diagnosis.options)(picture)
    assert answers(diagnosis) == Reading(
        "bgr" if bending.get("bgr") else "rgb",
        bending.get("input_range", (-1.0, 1.0)),
        "probabilities" if bending.get("probabilities") else "logits",
        bending.get("x_first"),
    )
    # What it says to type gives the people that the model gave before it was bent.
    assert likeness(straight.xy[0], read_so.xy[0], straight.scores[0]) > 0.95


def test_nobody_there_cannot_be_told(usual: Diagnosis) -> None:
    empty = np.random.default_rng(0).integers(90, 160, (240, 320, 3)).astype(np.uint8)
    diagnosis = Diagnosis(try_readings(None, empty, size=SIZE))
    assert "no reading finds a person" in diagnosis.doubt


def test_somebody_tiny_cannot_be_told(picture: Any, cv2: Any) -> None:
    tiny = np.full((720, 960, 3), 127, np.uint8)
    tiny[300:390, 400:490] = cv2.resize(picture, (90, 90), interpolation=cv2.INTER_AREA)
    assert Diagnosis(try_readings(None, tiny, size=SIZE)).doubt


def test_a_grey_picture_does_not_tell_colours(picture: Any) -> None:
    grey = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    diagnosis = Diagnosis(try_readings(None, grey, size=SIZE))
    (colors,) = (facet for facet in diagnosis.facets if facet.name == "colors")
    assert (colors.sure, colors.probability) == ("cannot tell", 0.5)
    assert "colours" in diagnosis.doubt


def test_heatmaps_that_are_neither_logits_nor_probabilities_are_said(picture: Any) -> None:
    # Every value is .5: as a probability, and as a logit more so, that is somebody everywhere.
    diagnosis = Diagnosis(try_readings(bytes(heatmaps_only()), picture))
    assert "neither logits nor probabilities" in diagnosis.doubt
    assert {one.reading.x_first for one in diagnosis.ranked} == {None}
    assert len(diagnosis.ranked) == 2 * 3 * 2


def test_the_progress_ends_where_it_was_said(picture: Any) -> None:
    seen: list[None] = []
    try_readings(None, np.zeros((40, 40, 3), np.uint8), size=65, advance=lambda: seen.append(None))
    assert len(seen) == steps(None, size=65) == len(RANGES) * 2 * len(VIEWS)


def test_people_read_a_table_and_what_to_type(usual: Diagnosis) -> None:
    text = list(usual.lines())
    assert text[0].split()[:3] == ["sense", "takes", "bytes"]
    assert len(text) == 1 + 24 + 1 + 1 + 4
    senses = [float(line.split()[0]) for line in text[1:25]]
    assert senses == sorted(senses, reverse=True)
    assert text[25].startswith("and 24 more readings take heatmaps for what their values cannot be (--all")
    everything = list(usual.lines(all_readings=True))
    assert len(everything) == 1 + 48 + 1 + 4
    assert sum("not what its values can be" in line for line in everything) == 24
    assert [line for line in text if line in everything] == [*text[:25], *text[26:]]


def test_the_table_has_what_sense_is_made_of(usual: Diagnosis) -> None:
    best = usual.best
    parts = (best.confidence, best.anatomy, best.agreement)
    heading, first, *_ = usual.lines()
    assert heading.split()[-4:] == ["confidence", "anatomy", "agreement", "plausible"]
    shown = [float(word) for word in first.split()[-4:]]
    assert shown == [round(float(np.mean(one)), 2) for one in (*parts, best.plausible)]
    help_ = " ".join(doctor_command.DETAILS.split())
    assert "Sense = confidence * anatomy * sqrt(agreement) * plausible" in help_
    assert best.sense == pytest.approx(parts[0] * parts[1] * np.sqrt(parts[2]) * best.plausible)


def test_the_sheet_shows_what_makes_sense(usual: Diagnosis) -> None:
    drawn = sheet(usual)
    assert drawn.dtype == np.uint8
    # Four in a row, and two rows, for the six that are always there.
    tile = 420 * min(1, usual.trials.image.shape[0] / usual.trials.image.shape[1])
    assert drawn.shape[1] > 4 * 420
    assert drawn.shape[0] > 2 * tile


def tried(color: Any, sense: list[float], *, extent_px: float = 200.0, plausible: float = 1.0) -> Tried:
    """A reading that makes so much sense on each view."""
    ones = np.ones(len(sense))
    poses = Poses.empty(COCO17, image_size=(40, 30))
    return Tried(Reading(color, None, None, None), np.array(sense), ones, ones, plausible, poses, extent_px)


def diagnosis_of(*readings: Tried) -> Diagnosis:
    usual = Reading("rgb", None, None, None)
    image = np.zeros((30, 40, 3), np.uint8)
    return Diagnosis(Trials(readings, usual, "m", "made 1.0", (40, 30), "movenet-single", image))


def test_a_steady_lead_is_surer_than_one_that_comes_and_goes() -> None:
    steady = diagnosis_of(tried("rgb", [0.7] * 4 + [0.71] * 4), tried("bgr", [0.64] * 4 + [0.65] * 4))
    shaky = diagnosis_of(tried("rgb", [0.9, 0.5] * 4), tried("bgr", [0.5, 0.86] * 4))
    none = diagnosis_of(tried("rgb", [0.7] * 8), tried("bgr", [0.7] * 8))
    by_sureness = [one.facets[0].probability for one in (steady, shaky, none)]
    assert by_sureness == sorted(by_sureness, reverse=True)
    assert [one.facets[0].sure for one in (steady, shaky, none)] == ["sure", "cannot tell", "cannot tell"]
    assert none.facets[0].probability == 0.5


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (tried("rgb", [0.0] * 8), "no reading finds a person"),
        (tried("rgb", [0.29] * 8), "no reading finds a person"),
        (tried("rgb", [0.6] * 8, extent_px=30), "30 pixels long"),
        (tried("rgb", [0.6] + [0.05] * 7), "harder views"),
        (tried("rgb", [0.6] * 8, plausible=0.0), "neither logits nor probabilities"),
    ],
)
def test_doubts_are_said(reading: Tried, said: str) -> None:
    diagnosis = diagnosis_of(reading)
    assert said in diagnosis.doubt
    assert diagnosis.doubt == " ".join(diagnosis.doubt.split())


def test_what_is_typed_can_be_typed() -> None:
    one = tried("bgr", [0.7] * 8)
    one = replace(one, reading=Reading("bgr", (0.0, 1.0), "probabilities", "both"))
    python, command = diagnosis_of(one).calls("my model.tflite", {"size": (353, 481), "stride_px": 8.0})
    assert python == (
        "posecore.Estimator('my model.tflite', size=(353, 481), stride_px=8.0, color='bgr', input_range=(0.0, 1.0), "
        "scores='probabilities', x_first='both')"
    )
    words = command.removeprefix("posecore predict ").replace("'my model.tflite'", "x")
    args = cli._parser(["predict"]).parse_args(["predict", *words.split()])
    assert (args.size, args.stride, args.color, args.input_range) == ((353, 481), 8.0, "bgr", [0.0, 1.0])
    assert (args.scores, args.x_first) == ("probabilities", "both")


def run(capsys: Any, *words: object) -> tuple[int, str, str]:
    code = cli.main(["doctor", *map(str, words)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


@pytest.fixture
def photo(tmp_path: Path, picture: Any, cv2: Any) -> Path:
    path = tmp_path / "person.png"
    cv2.imwrite(str(path), picture[:, :, ::-1])
    return path


def test_the_command_says_it_and_draws_it(photo: Path, capsys: Any, cv2: Any) -> None:
    out = photo.with_name("sheet.png")
    code, text, err = run(capsys, "--image", photo, "--size", SIZE, "--save", out)
    assert code == 0
    assert text.endswith(f"  posecore.Estimator(size={SIZE})\n  posecore predict PICTURE --size {SIZE}\n")
    assert f"written: {out}" in err
    assert cv2.imread(str(out)) is not None
    code, text, err = run(capsys, "--image", photo, "--save", out)
    assert (code, text) == (2, "")
    assert "is there already; add --force" in err


def test_all_readings_are_listed_where_that_is_wanted(photo: Path, capsys: Any) -> None:
    _, few, _ = run(capsys, "--image", photo, "--size", SIZE)
    _, many, _ = run(capsys, "--image", photo, "--size", SIZE, "--all")
    assert "(--all shows them)" in few
    assert "(--all shows them)" not in many
    assert many.count("not what its values can be") == 24
    code, _, err = run(capsys, "--all")
    assert code == 2
    assert "--all: wanted --model or --image beside it, got neither" in err


def test_programs_read_json(tmp_path: Path, capsys: Any, picture: Any, cv2: Any) -> None:
    path = tmp_path / "nobody.png"
    cv2.imwrite(str(path), np.full((90, 120, 3), 127, np.uint8))
    code, text, err = run(capsys, "--image", path, "--size", 129, "--json", "--quiet")
    report = json.loads(text)
    assert (code, err, report["told"], report["exit_code"]) == (1, "", False, 1)
    assert "no reading finds a person" in report["doubt"]
    assert len(report["readings"]) == 48
    assert set(report["answers"]) == {"colors", "range", "scores", "axes"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--save", "x.png"), 2, "--save: wanted --model or --image beside it, got neither"),
        (("--size", "257"), 2, "--size: wanted --model or --image beside it, got neither"),
        (
            ("--image", "PHOTO", "--save", "x.txt"),
            2,
            "--save: wanted a name ending in .png, .jpg, .jpeg, got x.txt",
        ),
        (
            ("--image", "PHOTO", "--save", "no/such/x.png"),
            2,
            "--save: wanted a file in a folder that is there",
        ),
        (("--image", "nothing.png"), 1, "nothing.png: there is no such file or folder"),
        (("--image", "0"), 2, "--image: wanted one picture, got 0"),
        (("--model", "PHOTO"), 1, "person.png is not a TFLite model"),
        (("--image", "PHOTO", "--skeleton", "mpii16"), 2, "--skeleton: wanted 17 keypoints"),
    ],
)
def test_mistakes_are_one_sentence(
    words: tuple[str, ...], code: int, said: str, photo: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    found, out, err = run(capsys, *(str(photo) if word == "PHOTO" else word for word in words))
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


CORAL = "models/coral/posenet_mobilenet_v1_075_353_481"


@pytest.mark.parametrize(
    ("model", "photograph", "bgr"),
    [
        ("models/posenet_mobilenet_v1_075_337_float.tflite", "coral_couple.jpg", True),
        (f"{CORAL}_quant.tflite", "tfjs_pose.jpg", False),
        (f"{CORAL}_quant_decoder.tflite", "openpeople_P007_posture.jpg", True),
        (f"{CORAL}_16_quant_decoder.tflite", "coral_squat.png", False),
        ("models/movenet_single_pose_lightning_ptq.tflite", "openpeople_P005_posture.jpg", True),
        ("models/movenet_multipose_lightning_f16.tflite", "coral_squat.png", False),
    ],
)
def test_published_models_are_read_rightly(
    model: str, photograph: str, bgr: bool, shared: Path, cv2: Any
) -> None:
    image = read_picture(find_sources([str(shared / "data" / "pictures" / photograph)])[0])
    with bent(bgr=bgr):
        diagnosis = Diagnosis(try_readings(str(shared / "data" / model), image))
    assert answers(diagnosis).color == ("bgr" if bgr else "rgb")
    assert diagnosis.options == ({"color": "bgr"} if bgr else {})


def test_a_model_for_the_edge_tpu_is_refused_by_name(shared: Path, photo: Path, capsys: Any) -> None:
    model = shared / "data" / f"{CORAL}_quant_decoder_edgetpu.tflite"
    code, _, err = run(capsys, "--model", model, "--image", photo)
    assert code == 1
    assert "compiled for the Edge TPU" in err


def test_a_description_beside_a_model_does_not_decide(tmp_path: Path) -> None:
    model = tmp_path / "pose.tflite"
    model.write_bytes(b"its bytes")
    assert readings._without_description(model) == model
    (tmp_path / "pose.tflite.json").write_text("{}")
    assert readings._without_description(model) == b"its bytes"
    assert readings._without_description(None) is None
