"""`posecore eval` and `posecore merge-feet` as they are typed."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from predict_command import Command

POINTS = [float(n) for k in range(17) for n in (100 + 5 * k, 100 + 11 * k, 2)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    truth, results = tmp_path / "truth.json", tmp_path / "results.json"
    person = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
    person |= {"area": 20000.0, "bbox": [100, 100, 85, 187], "keypoints": POINTS}
    image = {"id": 1, "width": 640, "height": 480, "file_name": "a\x1b[31m.jpg"}
    truth.write_text(
        json.dumps({"images": [image], "annotations": [person], "categories": [{"id": 1, "name": "person"}]})
    )
    results.write_text(json.dumps([{"image_id": 1, "category_id": 1, "keypoints": POINTS, "score": 0.9}]))
    return truth, results


def test_the_card_and_ten_numbers_are_printed(command: Command, files: tuple[Path, Path]) -> None:
    code, out, err = command("eval", *files)
    assert (code, err) == (0, "")
    assert "protocol              coco" in out
    assert [line.split()[0] for line in out.splitlines()[-10:]] == [
        "AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL",
    ]  # fmt: skip


def test_json_is_for_programs(command: Command, files: tuple[Path, Path]) -> None:
    code, out, _ = command("eval", *files, "--json")
    assert code == 0
    assert json.loads(out)["stats"]["AR"] == 1.0


def test_tables_of_keypoints_and_pictures(command: Command, files: tuple[Path, Path]) -> None:
    _, out, _ = command("eval", *files, "--per-keypoint", "--per-image")
    assert "left_wrist" in out
    assert "left_eye minus right_eye: similarity +0.000" in out
    assert "\x1b" not in out


def test_results_may_come_from_stdin(
    command: Command, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stdin:
        buffer = io.BytesIO(files[1].read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    code, out, _ = command("eval", files[0], "-")
    assert code == 0
    assert "AP50        1.0000" in out


def test_a_report_file_is_not_overwritten_without_force(
    command: Command, files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    assert command("eval", *files, "--out", out)[0] == 0
    code, _, err = command("eval", *files, "--out", out)
    assert code == 2
    assert "is there already; add --force to overwrite" in err
    assert command("eval", *files, "--out", out, "--force")[0] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sigmas", "1,2"], "skeleton 'coco17' wants 17 numbers"),
        (["--sigmas", "a"], "wanted numbers with commas"),
        (["--max-detections", "0"], "wanted a whole number above 0"),
        (["--max-detections", "²"], "wanted a whole number above 0"),
        (["--max-detections", "9" * 5000], "wanted a whole number above 0"),
        (["--sigmas", ".1,.2", "--metric", "px"], "--sigmas: skeleton 'coco17' wants 17 numbers"),
        (
            ["--skeleton", "mpii16"],
            "--skeleton: mpii16 has no sigmas, and OKS needs one a keypoint; add --sigmas, or",
        ),
        (["--protocol", "crowdpose"], "crowdpose has 14 keypoints"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(
    command: Command, files: tuple[Path, Path], options: list[str], sentence: str
) -> None:
    code, _, err = command("eval", *files, *options)
    assert code == 2
    assert sentence in err


def test_keypoints_of_no_protocol_are_scored_by_all_metrics_with_sigmas(
    command: Command, tmp_path: Path
) -> None:
    truth, results = tmp_path / "four.json", tmp_path / "found.json"
    points = [100, 100, 2, 200, 100, 2, 100, 200, 2, 200, 200, 2]
    person = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "num_keypoints": 4}
    person |= {"area": 20000.0, "bbox": [100, 100, 100, 100], "keypoints": points}
    names = ["left_shoulder", "right_shoulder", "left_hip", "right_hip"]
    categories = [{"id": 1, "name": "person", "keypoints": names}]
    truth.write_text(json.dumps({"images": [{"id": 1}], "annotations": [person], "categories": categories}))
    results.write_text(
        json.dumps([{"image_id": 1, "category_id": 1, "keypoints": [108, *points[1:]], "score": 1}])
    )
    for metric in ("ap", "px", "pck"):
        code, _, err = command("eval", truth, results, "--metric", metric)
        assert code == 2
        assert "OKS needs a sigma for each: add --skeleton or --sigmas" in err
        assert command("eval", truth, results, "--metric", metric, "--sigmas", ".1,.1,.1,.1")[0] == 0
    options = ("--metric", "px", "--threshold", 7, "--sigmas", ".1,.1,.1,.1", "--json")
    assert json.loads(command("eval", truth, results, *options)[1])["mean"] == 75.0


def test_a_protocol_is_of_coco_files_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    for option in (("--protocol", "coco"), ("--skeleton", "coco17"), ("--sigmas", "1,1")):
        words = ("eval", tmp_path / "list.json", tmp_path / "list.json", "--metric", "px")
        code, _, err = command(*words, *option)
        assert code == 2
        assert f"{option[0]}: wanted with COCO files, which are matched, alone, got it for" in err


def test_a_file_that_is_wrong_is_one_sentence(command: Command, files: tuple[Path, Path]) -> None:
    files[1].write_text("[{]")
    code, out, err = command("eval", *files)
    assert (code, out) == (1, "")
    assert str(files[1]) in err
    assert len(err.splitlines()) == 1


def test_a_file_that_is_not_there(command: Command, files: tuple[Path, Path]) -> None:
    code, _, err = command("eval", "nowhere.json", files[1])
    assert code == 1
    assert "nowhere.json" in err


def test_feet_are_merged_into_a_file(command: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    feet = tmp_path / "feet.json"
    record: dict[str, Any] = {"id": 1, "image_id": 1, "keypoints": [5, 5, 2] * 6}
    feet.write_text(json.dumps({"annotations": [record]}))
    merged = tmp_path / "merged.json"
    code, _, err = command("merge-feet", files[0], feet, "--out", merged)
    assert code == 0
    assert "1 people have body and feet" in err
    assert len(json.loads(merged.read_text())["annotations"][0]["keypoints"]) == 69
    assert command("merge-feet", files[0], feet, "--out", merged)[0] == 2


def test_distance_metrics_are_options_of_the_same_command(command: Command, files: tuple[Path, Path]) -> None:
    code, out, _ = command("eval", *files, "--metric", "px", "--threshold", 5)
    assert code == 0
    assert "mean             100.00       17" in out
    code, out, _ = command("eval", *files, "--metric", "pck", "--json")
    assert json.loads(out)["mean"] == 100.0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--metric", "px", "--per-keypoint"], "--per-keypoint: wanted with --metric ap only"),
        (["--threshold", "3"], "--threshold: wanted with another --metric only"),
        (["--metric", "pckh", "--normaliser", "box"], "normaliser: wanted it for pck alone"),
    ],
)
def test_options_of_other_metrics_are_refused(
    command: Command, files: tuple[Path, Path], options: list[str], sentence: str
) -> None:
    code, _, err = command("eval", *files, *options)
    assert code == 2
    assert sentence in err
