"""`posecore export`: what it asks for, what it writes, how it ends."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_export import NAMES, FakeExport, FakeVerification
from labelled_pictures import Pictures
from predict_command import Command, written

from export.known_people import KnownRunner, heads_of
from posecore import COCO17, export_verification
from posecore.errors import ModelError
from posecore.export.calibration import calibration_pictures
from posecore.export.comparison import verify


@pytest.fixture
def fake(monkeypatch: Any) -> FakeExport:
    return FakeExport(monkeypatch)


@pytest.fixture
def photographs(tmp_path: Path, cv2: Any) -> Path:
    from fake_estimator import red_square

    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(1, 13):
        cv2.imwrite(str(folder / f"{number}.png"), red_square(32, 24, number, 4))
    return folder


def test_a_model_goes_to_four_places_and_its_heads_to_stdout(command: Command, fake: FakeExport) -> None:
    code, out, err = command("export", "run", "--target", "tflite")
    assert code == 0, err
    assert written() == NAMES
    assert "head   keypoints         keypoints  1x17x2          float32, fraction" in out
    assert out.endswith("people 1\ngood: nothing moves\n")
    assert "run: a network\n" in err
    assert "verification: the 1 picture that comes with posecore; --verify-pictures names others" in err
    assert [line for line in err.splitlines() if line.startswith("written: ")] == [
        f"written: {one}" for one in NAMES
    ]
    assert json.loads(Path(NAMES[2]).read_text())["ok"] is True
    assert fake.made["size"] == (257, 257)
    assert list(fake.verified["pictures"]) == ["people.jpg"]


def test_what_fails_verification_stays_and_says_so(command: Command, fake: FakeExport) -> None:
    fake.verification = FakeVerification(False, "offset_2", "bad: keypoints move by 9.0 px")
    code, out, err = command("export", "run", "--target", "tflite", "--max-shift", "2")
    assert code == 1
    assert written() == NAMES
    assert "bad: keypoints move" in out
    assert f"{NAMES[0]}: it is there, but verification says that it is bad, offset_2 most of all" in err
    assert json.loads(Path(NAMES[2]).read_text())["ok"] is False
    assert fake.verified["max_shift_px"] == 2
    assert json.loads(Path(NAMES[2]).read_text())["judged"] is True


def test_what_could_not_be_judged_is_not_called_bad(command: Command, fake: FakeExport, cv2: Any) -> None:
    nobody = KnownRunner(heads_of())
    verdict = verify(nobody, nobody, pictures=[np.full((20, 30, 3), 40, np.uint8)]).verdict
    fake.verification = FakeVerification(False, None, verdict)
    code, out, err = command("export", "run", "--target", "tflite", "--json")
    assert code == 1
    assert "bad" not in err
    assert (
        f"{NAMES[0]}: it is there, but whether it is good could not be judged: the float model finds" in err
    )
    assert err.rstrip().endswith("show it pictures with people (--verify-pictures)")
    for found in (json.loads(out)["verification"], json.loads(Path(NAMES[2]).read_text())):
        assert (found["judged"], found["ok"]) == (False, False)


def test_json_is_all_of_it_and_quiet_is_quiet(command: Command, fake: FakeExport) -> None:
    code, out, err = command("export", "run", "--target", "onnx", "--json", "--quiet", "--size", "dynamic")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["exit_code"] == 0
    assert found["written"][0] == "net_any_float32.onnx"
    assert found["artifact"]["input"]["size"] is None
    assert found["verification"]["ok"] is True
    assert fake.verified["size"] == (257, 257), "a file of any size is verified at the model's own"


def test_what_an_exporter_writes_beside_is_published_and_logs_outlive_a_failure(
    command: Command, fake: FakeExport, photographs: Path
) -> None:
    def header(path: Path) -> None:
        path.with_name("net.h").write_text("#pragma once")
        path.with_name("nncase.log").write_text("said")

    fake.during = header
    words = ("export", "run", "--target", "k210", "--calibration", photographs, "--out", "net.kmodel")
    assert command(*words)[0] == 0
    assert written() == [
        *("net.h", "net.kmodel", "net.kmodel.json", "net.kmodel.verify.json", "net.kmodel.verify.png"),
        "nncase.log",
    ]

    def fail(path: Path) -> None:
        header(path)
        raise ModelError("nncase crashed")

    fake.during = fail
    assert command(*words, "--force", "--out", "other/net.kmodel")[0] == 1
    assert written("other") == ["nncase.log"]


def test_calibration_keeps_a_quarter_for_verification(
    command: Command, fake: FakeExport, photographs: Path
) -> None:
    words = ("export", "run", "--target", "tflite", "--quantize", "int8", "--calibration", photographs)
    code, _, err = command(*words)
    assert code == 0
    assert "calibration: 9 pictures of 12 in" in err
    assert "verification: 3 pictures of" in err
    shown = {path.name for path in fake.made["calibration"]}
    assert fake.made["calibration_count"] == len(shown) == 9
    assert shown.isdisjoint(fake.verified["pictures"])
    assert set(fake.verified["pictures"]) | shown == {f"{number}.png" for number in range(1, 13)}
    code, _, err = command(*words, "--calibration-count", "12", "--force")
    assert "verification: the 1 picture that comes with posecore" in err
    code, _, err = command(*words, "--verify-pictures", photographs, "--verify-count", "2", "--force")
    assert "verification: 2 pictures of 12" in err
    assert "2 of them calibrated too, which flatters the result" in err


def test_pictures_that_cannot_be_read_are_left_out_and_named(
    command: Command, fake: FakeExport, photographs: Path
) -> None:
    (photographs / "1.png").write_bytes(b"no picture")
    whole = (photographs / "3.png").read_bytes()
    (photographs / "3.png").write_bytes(whole[: len(whole) // 2])
    words = ("export", "run", "--target", "tflite", "--quantize", "int8", "--calibration", photographs)
    code, _, err = command(*words)
    assert code == 0, err
    assert "2 pictures that cannot be read are left out" in err
    assert f"{photographs / '1.png'}: wanted a picture, got a file that is not one" in err
    assert f"{photographs / '3.png'}: wanted a picture, got a PNG file that is cut off" in err
    shown = {path.name for path in fake.made["calibration"]}
    assert len(shown) == 7
    assert set(fake.verified["pictures"]) | shown == {f"{n}.png" for n in range(1, 13) if n not in (1, 3)}
    said = json.loads(Path("net_257x257_int8.tflite.verify.json").read_text())["shown"]
    assert "2 pictures that cannot be read" in said, "whoever reads the verification knows it, too"


def test_others_take_the_places_of_broken_pictures_while_there_are_some(
    command: Command, fake: FakeExport, photographs: Path
) -> None:
    (photographs / "1.png").write_bytes(b"no picture")
    words = ("export", "run", "--target", "tflite", "--quantize", "int8", "--calibration", photographs)
    assert command(*words, "--calibration-count", "11")[0] == 0
    assert len(fake.made["calibration"]) == 11
    fake.opened = {}
    code, _, err = command(*words, "--calibration-count", "12", "--out", "new.tflite")
    assert (code, fake.opened) == (1, {})
    assert "wanted 12 pictures to calibrate with, got 11 (1 picture that cannot be read is left out" in err
    for number in range(1, 13):
        (photographs / f"{number}.png").write_bytes(b"no picture")
    code, _, err = command(*words, "--out", "new.tflite")
    assert (code, fake.opened) == (1, {})
    assert "wanted pictures, got none that can be read: 12 pictures that cannot be read are left out" in err
    assert "and 9 more" in err


def test_a_broken_picture_to_verify_with_is_known_before_the_work(
    command: Command, fake: FakeExport, photographs: Path
) -> None:
    (photographs / "1.png").write_bytes(b"no picture")
    words = ("export", "run", "--target", "tflite", "--verify-pictures")
    assert command(*words, photographs)[0] == 0
    assert len(fake.verified["pictures"]) == 11
    fake.opened = {}
    code, _, err = command(*words, photographs / "1.png", "--force")
    assert (code, fake.opened) == (1, {})
    assert "1.png: wanted a picture, got a file that is not one" in err


def test_noise_is_insisted_on(command: Command, fake: FakeExport) -> None:
    words = ("export", "run", "--target", "coral")
    code, _, err = command(*words)
    assert code == 2
    assert (
        "--calibration: wanted a folder of pictures like those that the network will see, since coral" in err
    )
    assert command(*words, "--random-calibration")[0] == 0
    assert fake.made["random_calibration"] is True
    assert fake.made["calibration"] is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--target", "tflite", "--nms", "5"), "--nms: wanted --decoder with it, got none"),
        (
            ("--target", "tflite", "--calibration", "."),
            "--calibration: wanted it with int8, uint8, coral or k210",
        ),
        (("--target", "onnx", "--quantize", "float16"), "--quantize: wanted float32 or none with onnx"),
        (
            ("--target", "coral", "--quantize", "int8", "--random-calibration"),
            "--quantize: wanted none with coral, which has 8 bits and nothing else, got int8",
        ),
        (
            ("--target", "k210", "--size", "dynamic", "--random-calibration"),
            "--size: wanted HxW for k210, got dynamic",
        ),
        (("--target", "tflite", "--setup"), "--setup: wanted it with --target k210"),
        (("--target", "tflite", "--pictures", "."), "--pictures: wanted a .json whose pictures lie there"),
        (
            ("--target", "tflite", "--labels", "gt.json", "--pictures", "nowhere"),
            "--pictures: wanted a folder that is there, got nowhere",
        ),
        (
            ("--target", "coral", "--calibration", ".", "--random-calibration"),
            "--random-calibration: wanted it or --calibration, got both",
        ),
        (("--target", "tflite", "--size", "0"), "wanted a long side such as 353"),
        (
            ("--target", "tflite", "--quantize", "int8", "--random-calibration", "--decoder"),
            "--decoder: wanted uint8 with it, since PosenetDecoderOp reads no int8, got int8",
        ),
        (
            ("--target", "k210", "--random-calibration", "--size", "240x640"),
            "--size: wanted even sides of at most 256x512 (height x width) for k210, which the KPU takes, got 240x640",
        ),
        (("--target", "k210", "--random-calibration", "--size", "225"), "(height x width) for k210"),
    ],
)
def test_options_that_do_not_fit_get_one_sentence(
    command: Command, fake: FakeExport, options: tuple[str, ...], sentence: str
) -> None:
    code, out, err = command("export", "run", *options)
    assert (code, out) == (2, "")
    assert sentence in err
    assert written() == []
    assert fake.opened == {}, "it says so before the model is there"


def test_labels_are_looked_for_beside_their_file(
    command: Command, fake: FakeExport, cv2: Any, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def score(*given: Any) -> Any:
        asked.append((given[4].file, given[4].folder))
        raise ValueError("image: wanted another")

    fake.monkeypatch.setattr(export_verification, "_accuracy", score)
    labels, pictures = Pictures().write(tmp_path, cv2)
    words = ("export", "run", "--target", "tflite", "--labels", labels)
    code, _, err = command(*words, "--pictures", pictures)
    assert code == 2
    assert "--labels: image: wanted another" in err
    pictures.rename(tmp_path / "gt")
    command(*words)
    for path in (tmp_path / "gt").iterdir():
        path.rename(tmp_path / path.name)
    (tmp_path / "gt").rmdir()
    command(*words)
    file = str(labels)
    assert asked == [(file, pictures), (file, tmp_path / "gt"), (file, tmp_path)]
    assert written() == []


def test_labels_are_looked_at_before_the_work(
    command: Command, fake: FakeExport, cv2: Any, tmp_path: Path
) -> None:
    words = ("export", "run", "--target", "tflite", "--labels")
    code, _, err = command(*words, "nowhere.json")
    assert (code, fake.opened) == (1, {})
    assert "nowhere.json: there is no such file" in err
    Path("gt.json").write_text("[]")
    code, _, err = command(*words, "gt.json")
    assert (code, fake.opened) == (1, {})
    assert "gt.json" in err
    labels, pictures = Pictures().write(tmp_path, cv2)
    (pictures / "1.png").unlink()
    code, _, err = command(*words, labels, "--pictures", pictures)
    assert (code, fake.opened) == (1, {})
    assert "1 are not there, first 1.png" in err


def test_labels_of_other_keypoints_are_refused_before_the_work(
    command: Command, fake: FakeExport, cv2: Any, tmp_path: Path
) -> None:
    from posecore import skeletons

    fake.source = replace(fake.source, skeleton=skeletons.get("mpii16"))
    labels, pictures = Pictures().write(tmp_path, cv2)
    code, _, err = command("export", "run", "--target", "tflite", "--labels", labels, "--pictures", pictures)
    assert code == 2, err
    assert "--labels: " in err
    assert fake.made == {}


def test_noise_among_the_pictures_is_told_in_options(command: Command, fake: FakeExport, cv2: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    cv2.imwrite("noise.png", noise)

    def look(path: Path) -> None:
        calibration_pictures(fake.made["calibration"], (64, 64))

    fake.during = look
    words = ("export", "run", "--target", "coral", "--calibration", "noise.png")
    code, _, err = command(*words)
    assert code == 2
    assert (
        "--calibration: wanted pictures like those that the network will see, got noise in noise.png" in err
    )
    assert "--random-calibration instead insists on it" in err
    assert "random=True" not in err


def test_names_of_strangers_steer_no_terminal(command: Command, fake: FakeExport) -> None:
    fake.skeleton = replace(COCO17, name="\x1b[31mred")
    code, out, _ = command("export", "run", "--target", "tflite")
    assert code == 0
    assert "\x1b" not in out
    assert "?[31mred" in out


@pytest.mark.parametrize("name", ["net.npz", "run"])
@pytest.mark.parametrize("words", [("export", "--target", "tflite"), ("convert",)])
def test_without_keras_the_extra_of_exports_is_asked_for(
    command: Command, monkeypatch: Any, name: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    np.savez("net.npz", x=np.zeros(1, np.float32))
    Path("run").mkdir()
    Path("run/config.toml").write_text("")
    command_name, *options = words
    code, _, err = command(command_name, name, *(["x.keras"] if command_name == "convert" else []), *options)
    assert code == 1
    assert (
        'Opening a Keras model needs the package keras, which is not installed: pip install "posecore[export]"'
        in err
    )


def test_a_model_is_wanted(command: Command) -> None:
    code, _, err = command("export", "--target", "tflite")
    assert code == 2
    assert "MODEL: wanted a run folder" in err
    code, _, err = command("export", "nowhere", "--target", "tflite")
    assert code == 1
    assert "nowhere: there is no such file or folder" in err


def test_convert_exports_in_float_and_verifies(command: Command, fake: FakeExport) -> None:
    code, out, err = command("convert", "run", "here.tflite", "--output-stride", "8")
    assert code == 0, err
    assert "good: nothing moves" in out
    assert fake.made["target"] == "tflite"
    assert fake.made["quantize"] is None
    assert fake.opened == {"path": "run", "output_stride": 8, "skeleton": None, "weights": None}
    assert written() == [name.replace("net_257x257_float32", "here") for name in NAMES]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x.kmodel", "needs pictures: `posecore export --target k210"),
        ("x.txt", "OUT: wanted a name that ends in .keras, .npz, .tflite or .onnx, got x.txt"),
    ],
)
def test_convert_knows_what_it_makes(command: Command, name: str, sentence: str) -> None:
    code, _, err = command("convert", "run", name)
    assert code == 2
    assert sentence in err
