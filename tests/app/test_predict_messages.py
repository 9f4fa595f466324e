"""What `posecore predict` says: the summary, JSON for programs, and sentences for what went wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from predict_command import Command, written

from posecore import cli

pytestmark = pytest.mark.usefixtures("cv2")


def test_the_summary_has_milliseconds_for_each_stage(command: Command, picture: Path) -> None:
    _, _, err = command("predict", picture)
    stages = ("read", "resize", "network", "decode", "draw", "write")
    table = {line.split()[0]: line.split()[1] for line in err.splitlines() if line.split()[0] in stages}
    assert tuple(table) == stages
    assert (table["resize"], table["network"], table["decode"]) == ("1.00", "2.00", "0.50")


def test_json_is_all_that_is_on_stdout(command: Command, picture: Path) -> None:
    _, out, _ = command("predict", picture, "--json", "--quiet")
    report = json.loads(out)
    assert (report["model"], report["library"], report["skeleton"]) == (
        "fake",
        "no interpreter 1.0",
        "coco17",
    )
    assert (report["frames"], report["poses"], report["exit_code"], report["interrupted"]) == (1, 1, 0, False)
    assert report["files"][0]["drawn"] == str(Path("posecore-out/one.png"))
    assert report["saved"] == [str(Path("posecore-out/poses.json"))]
    assert report["ms_per_frame"]["network"] == 2


def test_quiet_says_nothing_but_errors(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--quiet") == (0, "", "")
    (picture.parent / "bad.png").write_bytes(b"no picture")
    code, out, err = command("predict", picture.parent, "--quiet")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1


def test_opencv_that_is_missing_gets_the_line_that_installs_it(
    command: Command, picture: Path, monkeypatch: Any
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    code, _, err = command("predict", picture)
    assert code == 1
    sentence = "posecore: Reading pictures needs the package cv2, which is not installed: "
    assert err.endswith(sentence + 'pip install "posecore[app]"\n')
    assert not written()


def test_a_mistake_of_ours_asks_for_a_report_and_debug_shows_it(
    command: Command, picture: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(command.estimator, "detail", lambda image: 1 / 0)
    code, _, err = command("predict", picture)
    assert code == 1
    assert "posecore: this is a mistake in posecore (ZeroDivisionError: division by zero); please" in err
    assert not written()
    assert cli.main(["predict", str(picture), "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
