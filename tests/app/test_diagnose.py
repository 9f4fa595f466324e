"""`posecore diagnose` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from predict_command import Command

POINTS = [float(n) for k in range(17) for n in (100 + 5 * k, 100 + 11 * k, 2)]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """Truth and two results, in an empty folder that the command runs in."""
    truth, results, others = (tmp_path / name for name in ("truth.json", "results.json", "<b>others.json"))
    person = {"id": 0, "image_id": 1, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
    person |= {"area": 20000.0, "bbox": [100, 100, 85, 187], "keypoints": POINTS}
    image = {"id": 1, "width": 640, "height": 480, "file_name": "<script>alert(1)</script>.jpg"}
    truth.write_text(
        json.dumps({"images": [image], "annotations": [person], "categories": [{"id": 1, "name": "person"}]})
    )
    for path, shift in ((results, 8.0), (others, 20.0)):
        points = [value + shift if k % 3 == 0 else value for k, value in enumerate(POINTS)]
        path.write_text(json.dumps([{"image_id": 1, "category_id": 1, "keypoints": points, "score": 0.9}]))
    monkeypatch.chdir(tmp_path)
    return truth, results, others


def test_a_page_is_written_and_the_table_printed(command: Command, files: tuple[Path, Path, Path]) -> None:
    code, out, err = command("diagnose", *files[:2])
    assert code == 0
    assert "left_wrist" in out
    assert err.startswith("diagnosis.html: 0.1 MB")
    page = (files[0].parent / "diagnosis.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "Keypoint evaluation of truth.json" in page
    assert "<script>alert" not in page


def test_two_results_are_shown_beside_each_other(command: Command, files: tuple[Path, Path, Path]) -> None:
    code, out, _ = command("diagnose", *files, "--out", "new/both.html", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["page"] == "new/both.html"
    assert [run["results"] for run in told["runs"]] == ["results.json", "<b>others.json"]
    assert told["runs"][0]["stats"]["AP"] >= told["runs"][1]["stats"]["AP"]
    assert told["runs"][0]["diagnosis"]["steps"][0] == "baseline"
    page = (files[0].parent / "new" / "both.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;others.json" in page


def test_the_table_says_what_its_words_mean(command: Command, files: tuple[Path, Path, Path]) -> None:
    _, out, _ = command("diagnose", *files[:2])
    assert "The first number is cumulative" in out
    for word in ("good", "jitter", "inversion", "swap", "miss", "score", "background FP", "FN", "areas"):
        assert sum(
            line.startswith(f"{word} ") and line.endswith((".", "coco-analyze")) for line in out.split("\n")
        )
    assert "all (from 1,024 px²)" in out
    assert max(map(len, out.split("\n"))) <= 100


def test_of_two_results_the_differences_are_printed(command: Command, files: tuple[Path, Path, Path]) -> None:
    _, out, _ = command("diagnose", *files)
    a, b, change = (
        next(line for line in part.split("\n") if line.startswith("baseline"))
        for part in (
            out.partition(start)[2] for start in ("A: results.json", "B: <b>others.json", "B minus A: AP")
        )
    )
    assert float(change.split()[1]) == pytest.approx(float(b.split()[1]) - float(a.split()[1]), abs=0.11)
    assert out.count("\nFN   ") == 4


def test_nothing_is_overwritten(command: Command, files: tuple[Path, Path, Path]) -> None:
    (files[0].parent / "diagnosis.html").write_text("mine")
    code, _, err = command("diagnose", *files[:2])
    assert (code, err.partition(" (")[0]) == (
        2,
        "posecore: --out: diagnosis.html is there already; add --force to overwrite, or choose another name",
    )
    assert (files[0].parent / "diagnosis.html").read_text() == "mine"
    assert command("diagnose", *files[:2], "--force")[0] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--out", "truth.json", "--force"), "--out: truth.json is one of the files to read"),
        (("--out", "-"), "--out: wanted a file, got - for stdout"),
        (("--out", "."), "--out: wanted a file, got the folder ."),
        (("--images", "nowhere"), "--images: wanted a folder, got nowhere"),
        (("--worst", "many"), "wanted a whole number from 0 to 1000, got 'many'"),
        (("--worst", "1001"), "wanted a whole number from 0 to 1000, got '1001'"),
    ],
)
def test_options_that_are_wrong(
    command: Command, files: tuple[Path, Path, Path], options: tuple[str, ...], sentence: str
) -> None:
    code, out, err = command("diagnose", *files[:2], *options)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert list(files[0].parent.rglob("*.html")) == []


def test_one_file_alone_may_be_stdin(command: Command, files: tuple[Path, Path, Path]) -> None:
    code, _, err = command("diagnose", "-", "-")
    assert code == 2
    assert "-: wanted one file from stdin, got more" in err


def test_a_file_that_is_not_there_is_one_sentence(command: Command, files: tuple[Path, Path, Path]) -> None:
    code, _, err = command("diagnose", files[0], "nothing.json")
    assert code == 1
    assert err.count("\n") == 1
    assert "nothing.json" in err
    assert not (files[0].parent / "diagnosis.html").exists()


def test_pictures_that_are_missing_are_told(command: Command, files: tuple[Path, Path, Path]) -> None:
    pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
    code, _, err = command("diagnose", *files[:2], "--images", files[0].parent)
    assert code == 0
    assert err.startswith(
        "1 of 1 pictures could not be read or have another shape than the truth says, first <script>alert(1)"
    )
    page = (files[0].parent / "diagnosis.html").read_text(encoding="utf-8")
    assert "1 picture could not be read from the folder of pictures" in page
