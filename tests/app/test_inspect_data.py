"""`posecore inspect-data`: files in, page and clean file out, one sentence for what is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.posed_people import exchange, fly_away, people
from posecore import cli
from posecore.evaluation.inspection_clean import THRESHOLD
from posecore.evaluation.inspection_findings import CLEAN_RULES, SAFE_RULES
from posecore.inspect_data import _CLEAN_RULES, _CLEAN_THRESHOLD, _SAFE_RULES

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    data, _ = fly_away(people(200), [0, 10, 20], np.random.default_rng(1))
    data["images"][0]["file_name"] = "<script>alert(1)</script>.jpg"
    path = tmp_path / "gt.json"
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    return path


def run(capsys: Any, *words: object) -> tuple[int, str, str]:
    code = cli.main(["inspect-data", *map(str, words)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def test_people_read_a_table_and_get_a_page(truth: Path, capsys: Any) -> None:
    code, out, err = run(capsys, truth)
    assert (code, out) == (0, "")
    assert "200 people in 100 pictures" in err
    assert "keypoint flies away" in err
    assert "written: inspect.html" in err
    assert (truth.parent / "inspect.html").read_bytes().startswith(b"<!doctype html>")
    # The next one has a name of its own.
    assert "written: inspect-2.html" in run(capsys, truth)[2]


def test_programs_read_json(truth: Path, capsys: Any) -> None:
    code, out, err = run(capsys, truth, "--json", "--quiet", "--out", "none", "--write-clean", "clean.json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["counts"]["people"] == 200
    assert {one["annotation_id"] for one in report["findings"] if one["kind"] == "flown"} >= {
        1000,
        1010,
        1020,
    }
    assert {one["annotation_id"] for one in report["left_out"]} >= {1000, 1010, 1020}
    assert report["written"] == {"page": None, "clean": "clean.json"}
    assert [path.name for path in truth.parent.iterdir() if path.suffix == ".html"] == []


def test_the_clean_file_is_read_again_and_is_clean(truth: Path, capsys: Any) -> None:
    run(capsys, truth, "--write-clean", "clean.json", "--quiet")
    before, after = truth.read_text(encoding="utf-8"), Path("clean.json").read_text(encoding="utf-8")
    changed = [
        pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]
    ]
    assert 12 <= len(changed) <= 40
    assert {new.strip().rstrip(",").rpartition(" ")[0] for _, new in changed} <= {"", '"num_keypoints":'}
    report = json.loads(run(capsys, "clean.json", "--json", "--quiet")[1])
    assert [one for one in report["findings"] if one["kind"] == "flown" and one["suspicion"] >= 2] == []


def test_exchanged_sides_are_left_out_only_where_that_is_asked_for(truth: Path, capsys: Any) -> None:
    data = exchange(people(200), list(range(4, 40, 4)), ((11, 12),))
    truth.write_text(json.dumps(data), encoding="utf-8")
    base = (truth, "--json", "--quiet", "--out", "none", "--clean-threshold", 1, "--force")
    report = json.loads(run(capsys, *base, "--write-clean", "clean.json")[1])
    sides = {one["annotation_id"] for one in report["findings"] if one["kind"] == "sides"}
    assert sides
    assert all(why["kind"] != "sides" for one in report["left_out"] for why in one["reasons"])
    asked = json.loads(run(capsys, *base, "--write-clean", "clean.json", "--clean-rules", "sides")[1])
    assert {one["annotation_id"] for one in asked["left_out"]} == sides
    assert {why["kind"] for one in asked["left_out"] for why in one["reasons"]} == {"sides"}


def test_the_help_says_what_a_clean_file_changes(capsys: Any) -> None:
    code, out, _ = run(capsys, "--help")
    said = " ".join(out.split())
    assert code == 0
    assert "become 0, 0, 0 (x, y and v)" in said
    assert "num_keypoints is less accordingly" in said
    assert "default flown,picture,twin" in said
    assert "certain" not in said


def test_people_can_be_left_out_whole(truth: Path, capsys: Any) -> None:
    run(capsys, truth, "--write-clean", "clean.json", "--clean-people", "--clean-threshold", "1.5")
    ids = {a["id"] for a in json.loads(Path("clean.json").read_text(encoding="utf-8"))["annotations"]}
    assert not ids & {1000, 1010, 1020}
    assert len(ids) > 185


@pytest.mark.parametrize("option", ["--out", "--write-clean"])
def test_nothing_is_overwritten_without_force(truth: Path, capsys: Any, option: str) -> None:
    there = Path("there.html")
    there.write_text("mine", encoding="utf-8")
    code, _, err = run(capsys, truth, option, there)
    assert (code, there.read_text(encoding="utf-8")) == (2, "mine")
    assert f"{option}: there.html is there already; add --force" in err
    assert run(capsys, truth, option, there, "--force")[0] == 0
    assert there.read_text(encoding="utf-8") != "mine"


def test_the_annotations_are_never_overwritten(truth: Path, capsys: Any) -> None:
    before = truth.read_bytes()
    for option in ("--out", "--write-clean"):
        code, _, err = run(capsys, truth, option, truth, "--force")
        assert code == 2
        assert f"{option}: {truth} is one of the files to read" in err
    assert truth.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--images", "nowhere"), "--images: wanted a folder, got nowhere"),
        (("--clean-people",), "--clean-people: wanted --write-clean with it, got none"),
        (("--clean-rules", "flown"), "--clean-rules: wanted --write-clean with it, got none"),
        (
            ("--write-clean", "c.json", "--clean-rules", "flown,rare"),
            "wanted some of flown, sides, picture, twin with commas between them, each once, got 'flown,rare'",
        ),
        (("--clean-threshold", "0.5"), "wanted a number from 1 to 1000, got '0.5'"),
        (("--clean-threshold", "nan"), "wanted a number from 1 to 1000, got 'nan'"),
        (("--gallery", "-1"), "wanted a whole number from 0 to 2000, got '-1'"),
        (
            ("--skeleton", "mpii16"),
            "--skeleton: wanted one of 17 keypoints, as the file has, got mpii16 with 16",
        ),
        (("--fields", "a,,b"), "wanted different names with commas between them, got 'a,,b'"),
        (("--out", "x", "--write-clean", "x"), "--write-clean: wanted another file than the page, got x"),
        (("--out", "."), "--out: wanted a file, got the folder ."),
    ],
)
def test_options_that_are_wrong_get_one_sentence(
    truth: Path, capsys: Any, words: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, truth, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_the_defaults_of_the_options_are_those_of_the_function() -> None:
    assert _CLEAN_THRESHOLD == THRESHOLD
    assert (_CLEAN_RULES, _SAFE_RULES) == (CLEAN_RULES, SAFE_RULES)


def test_stdin_is_not_taken(capsys: Any) -> None:
    code, out, err = run(capsys, "-")
    assert (code, out) == (2, "")
    assert "GT: wanted a file, which is read several times, got -: stdin is not taken" in err


def test_pictures_without_opencv_are_refused_before_anything_is_written(
    truth: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    Path("pictures").mkdir()
    code, _, err = run(capsys, truth, "--images", "pictures", "--write-clean", "clean.json")
    assert code == 1
    assert ": a gallery with pictures needs the package cv2" in err
    assert 'pip install "posecore[eval]"' in err
    assert not Path("clean.json").exists()
    # Without a page there is no gallery.
    assert run(capsys, truth, "--images", "pictures", "--out", "none")[0] == 0


def test_pictures_that_are_missing_are_counted_and_cost_nothing_else(truth: Path, capsys: Any) -> None:
    pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[eval]"')
    Path("pictures").mkdir()
    code, out, err = run(capsys, truth, "--images", "pictures", "--json")
    assert code == 0
    missing = json.loads(out)["pictures"]["missing"]
    assert len(missing) >= 3
    assert f"{len(missing)} pictures missing, first " in err


def test_the_page_opens_in_chromium_without_a_complaint(truth: Path, capsys: Any, tmp_path: Path) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    run(capsys, truth, "--quiet", "--write-clean", "clean.json")
    page = Path("inspect.html")
    # What the gallery does when it is sorted and filtered is written where the dumped document shows it.
    probe = """
    <script>
      const say = (name, value) => document.body.setAttribute("data-" + name, value);
      const form = document.getElementById("filters");
      const shown = () => [...document.querySelectorAll(".entry .top span")].map((e) => e.textContent);
      const change = (name, value) => {
        form.elements[name].value = value;
        form.dispatchEvent(new Event("input", { bubbles: true }));
        return shown();
      };
      say("first", shown().length);
      say("sorted", change("order", "id").join(" "));
      say("flown", change("kind", "flown").length);
      say("none", change("search", "no such picture").length);
      say("lines", document.querySelectorAll("svg").length);
    </script>"""
    text = page.read_text(encoding="utf-8")
    # The policy allows the page's own script alone; the probe needs to run as well.
    start = text.index("script-src")
    text = text[:start] + "script-src 'unsafe-inline'" + text[text.index("; base-uri", start) :]
    Path("probed.html").write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    for name in ("inspect.html", "probed.html"):
        done = subprocess.run(
            [
                str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--v=0",
                "--virtual-time-budget=3000", "--dump-dom", Path(name).resolve().as_uri(),
            ],
            capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
        assert "CONSOLE" not in done.stderr
    document = done.stdout
    shutil.rmtree(tmp_path / "profile", ignore_errors=True)

    def said(name: str) -> str:
        return document.partition(f'data-{name}="')[2].partition('"')[0]

    ids = [int(word) for word in said("sorted").split()]
    assert int(said("first")) == len(ids) >= 3
    assert ids == sorted(ids)
    assert 3 <= int(said("flown")) <= len(ids)
    assert said("none") == "0"
    assert "alert(1)" in document
    assert "<script>alert(1)" not in document
