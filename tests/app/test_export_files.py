"""Where the files of `posecore export` go, what is never written over, and what is left when it fails."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_export import NAMES, FakeExport
from predict_command import Command, written

from posecore.errors import MissingExtra, ModelError, SourceError
from posecore.usage import UsageError


@pytest.fixture
def fake(monkeypatch: Any) -> FakeExport:
    return FakeExport(monkeypatch)


def test_nothing_is_overwritten_without_force(command: Command, fake: FakeExport) -> None:
    for name in NAMES:
        fake.opened = {}
        Path(name).write_text("mine")
        code, _, err = command("export", "run", "--target", "tflite")
        assert code == 2
        assert f"--out: {name} is there already; add --force" in err
        assert Path(name).read_text() == "mine"
        assert written() == [name]
        assert fake.opened == {}, "it says so before the model is there"
        assert command("export", "run", "--target", "tflite", "--force")[0] == 0
        assert Path(NAMES[0]).read_bytes() == b"the model"
        for one in NAMES:
            Path(one).unlink()


def test_the_model_is_not_written_over_itself(command: Command, fake: FakeExport) -> None:
    Path("net.tflite").write_text("a network")
    fake.source = replace(fake.source, files=(Path("net.tflite"),))
    code, _, err = command("export", "net.tflite", "--target", "tflite", "--out", "net.tflite", "--force")
    assert code == 2
    assert "net.tflite is one of the files to read" in err


@pytest.mark.parametrize(
    ("target", "name", "suffix"),
    [
        ("tflite", "pose.log", ".tflite"),
        ("tflite", "pose.onnx", ".tflite"),
        ("onnx", "pose", ".onnx"),
        ("k210", "x.h", ".kmodel"),
    ],
)
def test_the_ending_is_the_targets(
    command: Command, fake: FakeExport, target: str, name: str, suffix: str
) -> None:
    noise = ("--random-calibration",) if target == "k210" else ()
    code, _, err = command("export", "run", "--target", target, "--out", f"there/{name}", *noise)
    assert code == 2
    assert f"--out: wanted a name that ends in {suffix} for {target}, got there/{name}" in err
    assert fake.opened == {}
    assert command("export", "run", "--target", target, "--out", f"X{suffix.upper()}", *noise)[0] == 0


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ModelError("the converter gives up"), 1, "the converter gives up"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x.tflite"),
            1,
            "x.tflite: No space left on device",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ValueError("size: wanted 64x64, got 257x257"), 2, "--size: wanted 64x64, got 257x257"),
    ],
)
def test_what_goes_wrong_leaves_no_file(
    command: Command, fake: FakeExport, error: BaseException, code: int, sentence: str
) -> None:
    def fail(path: Path) -> None:
        raise error

    fake.during = fail
    got, out, err = command("export", "run", "--target", "tflite", "--out", "new/x.tflite")
    assert (got, out) == (code, "")
    assert sentence in err
    assert written() == []


@pytest.mark.parametrize(("target", "log"), [("k210", "x.kmodel.log"), ("coral", "x_edgetpu.log")])
@pytest.mark.parametrize("fails", [True, False])
def test_the_log_of_the_last_run_does_not_ask_for_force(
    command: Command, fake: FakeExport, target: str, log: str, fails: bool
) -> None:
    def say(path: Path) -> None:
        path.with_name(log).write_text("new")
        if fails:
            raise ModelError("its compiler crashed")

    fake.during = say
    Path(log).write_text("old")
    name = "x.kmodel" if target == "k210" else "x.tflite"
    code, _, err = command("export", "run", "--target", target, "--random-calibration", "--out", name)
    assert code == int(fails), err
    assert Path(log).read_text() == "new"
    assert Path(name).exists() is not fails


def test_a_model_is_no_log_whatever_its_name(tmp_path: Path) -> None:
    from posecore.export_files import ExportFiles

    with ExportFiles(tmp_path / "pose.log") as files:
        files.work_model.write_text("a model")
    assert written(tmp_path) == []


def test_what_a_targets_tools_say_calls_files_by_their_places(command: Command, fake: FakeExport) -> None:
    words = ("export", "run", "--target", "coral", "--random-calibration")
    code, out, err = command(*words, "--out", "there/x.tflite")
    assert code == 0, err
    assert f"made {Path('there/x.tflite')}\n" in out
    assert command(*words)[1].count("made net_257x257_coral.tflite\n") == 1

    def fail(path: Path) -> None:
        raise ModelError(f"the compiler's log is {path}.log")

    fake.during = fail
    code, out, err = command(*words, "--out", "elsewhere/x.tflite")
    assert f"the compiler's log is {Path('elsewhere/x.tflite.log')}" in err


@pytest.mark.parametrize("step", ["during", "while_verifying"])
@pytest.mark.parametrize("kind", [ModelError, SourceError, MissingExtra, OSError])
def test_errors_of_every_step_call_files_by_their_places(
    command: Command, fake: FakeExport, step: str, kind: Any
) -> None:
    def fail(path: Path) -> None:
        if kind is OSError:
            raise OSError(errno.EACCES, "Permission denied", str(path))
        more = {"extra": "export"} if kind is MissingExtra else {}
        raise kind(f"{path}: wanted a whole model", **more)

    setattr(fake, step, fail)
    code, _, err = command("export", "run", "--target", "tflite", "--out", "there/x.tflite")
    assert code == 1
    assert ".part" not in err
    assert f"posecore: {Path('there/x.tflite')}: " in err


def test_what_an_exporter_writes_beside_is_looked_for_before_the_work(
    command: Command, fake: FakeExport
) -> None:
    for name in ("x_edgetpu.tflite", "x_edgetpu.tflite.json", "x_heads.tflite", "x_heads.tflite.json"):
        Path(name).write_text("mine")
        words = ("export", "run", "--target", "coral", "--random-calibration", "--out", "x.tflite")
        code, _, err = command(*words)
        assert code == 2
        assert f"--out: {name} is there already" in err
        assert fake.made == {}
        Path(name).unlink()


def test_a_folder_where_a_file_belongs_is_named_before_anything_moves(tmp_path: Path) -> None:
    from posecore.export_files import ExportFiles

    model, folder = tmp_path / "x.tflite", tmp_path / "x_late.tflite"
    model.write_text("the old model")
    folder.mkdir()
    (folder / "mine").write_text("mine")
    with ExportFiles(model) as files:
        for name in ("a.json", "x.tflite", "x_late.tflite"):
            (files.work / name).write_text("new")
        with pytest.raises(
            UsageError, match=r"^--out: wanted a file or nothing at .*x_late\.tflite, got a folder$"
        ):
            files.publish(force=True)
    assert written(tmp_path) == ["x.tflite", str(Path("x_late.tflite/mine"))]
    assert model.read_text() == "the old model"
