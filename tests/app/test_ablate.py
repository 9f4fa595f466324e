"""`posecore ablate` as it is typed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labelled_pictures import KnowingEstimator, Pictures, moved, person
from predict_command import written

from posecore import ablate, cli


class Asked:
    """The command in this process; `options` are those of every estimator that it loaded."""

    def __init__(self, capsys: Any, monkeypatch: Any, pictures: Pictures) -> None:
        self._capsys, self.pictures = capsys, pictures
        self.options: list[dict[str, Any]] = []
        self.network: dict[str, Any] = {"spoil": moved("short_offsets", 5.0)}
        monkeypatch.setattr(ablate, "load_estimator", self._load)

    def _load(self, **options: Any) -> KnowingEstimator:
        self.options.append(options)
        view = {name: options[name] for name in ("size", "resize")}
        return KnowingEstimator(self.pictures, **view, **self.network)

    def __call__(self, *words: Any) -> tuple[int, str, str]:
        code = cli.main(["ablate", *map(str, words)])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err


@pytest.fixture
def asked(capsys: Any, monkeypatch: Any, tmp_path: Path, cv2: Any) -> Asked:
    pictures = Pictures()
    pictures.write(tmp_path, cv2)
    monkeypatch.chdir(tmp_path)
    return Asked(capsys, monkeypatch, pictures)


FILES = ("gt.json", "pictures")


def test_people_read_a_table_and_get_a_page(asked: Asked) -> None:
    code, out, err = asked(*FILES, "--draws", 20)
    assert code == 0
    assert re.search(r"^full pipeline( +[01]?\.\d{3}){4} +6  AP \[", out, re.MULTILINE)
    assert re.search(
        r"^  short offsets +1\.000 .*\+0\.\d{3}  \[\+0\.\d{3}, \+0\.\d{3}\] \*$", out, re.MULTILINE
    )
    assert re.search(r"^  re-scoring .* 0\.000  \[0\.000, 0\.000\]$", out, re.MULTILINE)
    assert re.search(r"^decoder +max_poses 20, root_threshold 0\.2, pose_threshold 0\.2", out, re.MULTILINE)
    assert re.search(r"^input +longer side 257 px, stride 16$", out, re.MULTILINE)
    assert "95% of 20 sets of 3 pictures" in out
    assert "written: ablation.html" in err
    page = Path("ablation.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") == 1


def test_programs_read_json(asked: Asked) -> None:
    code, out, err = asked(*FILES, "--json", "--quiet", "--draws", 20, "--out", "new/all.json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["pictures"], told["people"], told["draws"]) == (3, 6, 20)
    assert told["written"] == ["new/all.json"]
    rows = {row["name"]: row for row in told["rows"]}
    assert rows["short offsets"]["AP"] == pytest.approx(1)
    base = rows["full pipeline"]["AP"]
    assert rows["short offsets"]["difference"] == pytest.approx(1 - base)
    assert rows["short offsets"]["low"] <= 1 - base <= rows["short offsets"]["high"]
    saved = json.loads(Path("new/all.json").read_text(encoding="utf-8"))
    assert saved == {key: told[key] for key in saved}


def test_the_ending_says_what_is_written(asked: Asked) -> None:
    assert asked(*FILES, "--draws", 0, "--out", "a.html", "--out", "a.svg", "--out", "a.JSON")[0] == 0
    assert Path("a.svg").read_text(encoding="utf-8").startswith("<svg xmlns=")
    assert Path("a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(Path("a.JSON").read_text(encoding="utf-8"))["draws"] == 0
    assert asked(*FILES, "--draws", 0, "--out", "none")[0] == 0
    assert "ablation.html" not in written()


def test_without_sets_nobody_knows_what_is_chance(asked: Asked) -> None:
    _, out, _ = asked(*FILES, "--draws", 0, "--out", "none")
    assert "nobody knows which differences are chance" in out
    assert "[" not in out.partition("full pipeline")[2]


def test_the_same_command_writes_the_same_bytes(asked: Asked) -> None:
    asked(*FILES, "--draws", 30, "--out", "a.html", "--out", "a.json")
    asked(*FILES, "--draws", 30, "--out", "b.html", "--out", "b.json")
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_options_reach_the_network_and_the_decoder(asked: Asked) -> None:
    words = ("--model", "m.tflite", "--size", 321, "--threads", 3, "--skeleton", "coco17", "--max-poses", 7)
    words += ("--conf", 0.3, "--nms", 12.5, "--refine-steps", 1)
    _, out, _ = asked(*FILES, *words, "--out", "none", "--draws", 0)
    given = {"model": "m.tflite", "skeleton": "coco17", "threads": 3}
    assert asked.options == [
        given | {"size": size, "resize": resize}
        for size, resize in [
            (321, "letterbox"),
            ((321, 321), "letterbox"),
            ((321, 321), "stretch"),
            ((321, 321), "coral"),
            (214, "letterbox"),
            (482, "letterbox"),
        ]
    ]
    assert "max_poses 7, root_threshold 0.3, pose_threshold 0.3, nms_radius_px 12.5, refine_steps 1" in out
    assert "refinement: 0 of 1" in out


def test_a_network_of_one_size_says_so(asked: Asked) -> None:
    asked.network["fixed"] = (193, 257)
    _, out, _ = asked(*FILES, "--out", "none", "--draws", 0)
    assert re.search(r"^input +193x257 px, stride 16$", out, re.MULTILINE)
    assert "three sizes" not in out


@pytest.mark.parametrize("name", ["page.html", "gt.json"])
def test_nothing_is_overwritten(asked: Asked, name: str) -> None:
    Path("page.html").write_text("mine", encoding="utf-8")
    before = Path(name).read_bytes()
    code, out, err = asked(*FILES, "--out", name)
    assert (code, out) == (2, "")
    assert f"--out: {name} is " in err
    assert Path(name).read_bytes() == before
    assert asked.options == []


def test_force_overwrites_what_is_there_but_not_the_truth(asked: Asked) -> None:
    Path("page.html").write_text("mine", encoding="utf-8")
    assert asked(*FILES, "--draws", 0, "--out", "page.html", "--force")[0] == 0
    assert Path("page.html").read_text(encoding="utf-8") != "mine"
    assert asked(*FILES, "--out", "gt.json", "--force")[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gt.json", "nowhere"), "PICTURES: wanted a folder, got nowhere"),
        ((*FILES, "--out", "a.png"), "--out: wanted a name that ends in .html, .svg, .json, got a.png"),
        ((*FILES, "--out", "a.html", "--out", "none"), "--out: wanted none alone, or files, got both"),
        ((*FILES, "--out", "a.html", "--out", "./a.html"), "--out: wanted different files, got a.html twice"),
        ((*FILES, "--draws", "-1"), "wanted a whole number from 0 to 100000, got '-1'"),
        ((*FILES, "--conf", "2"), "wanted a number from 0 to 1, got '2'"),
        (("-", "pictures"), "GT: wanted a file, got -: stdin is not taken"),
    ],
)
def test_options_that_are_wrong_get_one_sentence(asked: Asked, words: tuple[str, ...], said: str) -> None:
    code, out, err = asked(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert asked.options == []


def test_another_skeleton_than_the_truths(asked: Asked, monkeypatch: Any) -> None:
    from posecore.skeletons import CROWDPOSE14

    monkeypatch.setattr(KnowingEstimator, "skeleton", CROWDPOSE14)
    code, _, err = asked(*FILES, "--quiet")
    assert code == 2
    assert err.startswith("posecore: --skeleton: wanted the truth's 17 keypoints, got crowdpose14 with 14 ")


def spoil_truth(change: Callable[[dict[str, Any]], None]) -> None:
    truth = json.loads(Path("gt.json").read_text(encoding="utf-8"))
    change(truth)
    Path("gt.json").write_text(json.dumps(truth), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda truth: truth["images"][1].update(file_name="gone.png"),
            "pictures: wanted the 3 pictures of gt.json, but 1 are not there, first gone.png",
        ),
        (
            lambda truth: truth["images"][1].update(file_name="../gt.json"),
            "pictures: wanted the 3 pictures of gt.json, but 1 are not there, first ../gt.json",
        ),
        (
            lambda truth: truth["images"][1].update(width=190, height=250),
            "pictures/1.png: wanted a picture of 190x250 as gt.json says, got one of 250x190",
        ),
        (lambda truth: truth.update(images=[], annotations=[]), "gt.json: wanted images, got none"),
        (
            lambda truth: truth["annotations"][5]["keypoints"].__setitem__(0, 1e9),
            "2.png: heatmaps: sample_xy: wanted",
        ),
    ],
)
def test_files_that_are_wrong_get_one_sentence_and_nothing_is_written(
    asked: Asked, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    spoil_truth(change)
    code, out, err = asked(*FILES, "--quiet")
    assert (code, out) == (1, "")
    assert err.startswith(f"posecore: {said}")
    assert err.count("\n") == 1
    assert "ablation.html" not in written()


def test_a_network_that_is_no_posenet(asked: Asked) -> None:
    asked.network["spoil"] = lambda _: None
    code, _, err = asked(*FILES, "--quiet")
    assert code == 1
    assert err == (
        "posecore: knowing: wanted a PoseNet, whose heads can be taken apart, got another network\n"
    )


def test_ctrl_c_leaves_nothing_half_written(asked: Asked, monkeypatch: Any) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(ablate, "read_labelled", interrupted)
    before = written()
    code, _, err = asked(*FILES)
    assert code == 130
    assert err.endswith("posecore: interrupted\n")
    assert written() == before


def test_names_cannot_break_out_of_the_page(asked: Asked, monkeypatch: Any) -> None:
    monkeypatch.setattr(KnowingEstimator, "name", "<script>alert(1)</script>")
    assert asked(*FILES, "--draws", 0)[0] == 0
    assert "<script>alert" not in Path("ablation.html").read_text(encoding="utf-8")


def test_pictures_without_opencv_are_refused(asked: Asked, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    code, _, err = asked(*FILES, "--quiet")
    assert code == 1
    assert 'pip install "posecore[app]"' in err


def test_nobody_to_be_found_is_a_dash(asked: Asked) -> None:
    def unlabelled(truth: dict[str, Any]) -> None:
        for one in truth["annotations"]:
            one.update(keypoints=[0] * 51, num_keypoints=0)

    spoil_truth(unlabelled)
    code, out, _ = asked(*FILES, "--draws", 5)
    assert code == 0
    assert re.search(r"^full pipeline +– +– +– +– ", out, re.MULTILINE)
    assert asked.pictures.people[0][0].shape == person(0, 0, 1).shape
