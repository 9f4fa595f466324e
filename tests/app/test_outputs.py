"""Files of poses: what was found can be read back, and nothing else is in them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import person_at

from posecore.outputs import FORMATS, STREAMS, file_names, image_ids, open_writer
from posecore.poses import TIMES_S, Poses
from posecore.skeletons import COCO17


def two_people() -> Poses:
    one, two = (person_at((x, 50.123456), size=40, image_size=(320, 240)) for x in (60, 160))
    visible = np.ones((2, 17), bool)
    visible[1, 3] = False
    scores = np.concatenate([one.scores, two.scores * np.float32(0.5)])
    return Poses(
        np.concatenate([one.xy, two.xy]),
        scores,
        np.array([0.9, 0.4], np.float32),
        skeleton=COCO17,
        visible=visible,
        track_ids=np.array([7, -1]),
        image_size=(320, 240),
        time_s=0.25,
    )


def write(
    form: str, folder: Path, frames: list[tuple[str, int, Poses]], files: list[str] | None = None
) -> None:
    writer = open_writer(form, folder, "poses", COCO17, files or [])
    for frame in frames:
        writer.write(*frame)
    assert not list(folder.glob("poses*")), "names appear only with whole files"
    writer.close()
    assert sorted(path.name for path in folder.iterdir()) == sorted(file_names(form, "poses"))


FRAMES = [("a.png", 0, two_people()), ("b.mp4", 12, Poses.empty(COCO17, image_size=(8, 4), time_s=0.5))]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_gives_back_what_was_found(tmp_path: Path, form: str) -> None:
    write(form, tmp_path, FRAMES)
    text = (tmp_path / f"poses.{form}").read_text()
    if form == "json":
        whole = json.loads(text)
        assert whole["skeleton"] == "coco17"
        assert tuple(whole["keypoints"]) == COCO17.keypoints
        assert [tuple(limb) for limb in whole["limbs"]] == list(COCO17.limbs)
        frames = whole["frames"]
    else:
        frames = [json.loads(line) for line in text.splitlines()]
    assert [(f["file"], f["frame"], f["time_s"], f["width"], f["height"]) for f in frames] == [
        ("a.png", 0, 0.25, 320, 240),
        ("b.mp4", 12, 0.5, 8, 4),
    ]
    assert frames[1]["people"] == []
    poses = two_people()
    first, second = frames[0]["people"]
    assert (first["track_id"], second["track_id"]) == (7, None)
    assert (first["score"], second["score"]) == (0.9, 0.4)
    assert second["keypoints"][3] is None
    assert np.allclose(first["keypoints"], np.c_[poses.xy[0], poses.scores[0]], atol=0.006)
    assert np.allclose(first["box"], poses.boxes()[0], atol=0.006)


def test_csv_has_a_row_for_each_visible_keypoint(tmp_path: Path) -> None:
    write("csv", tmp_path, FRAMES)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "poses.csv").read_text())))
    assert list(rows[0]) == ["file", "frame", "time_s", "person", "track_id", "keypoint", "x", "y", "score"]
    assert len(rows) == 17 + 16
    assert {row["file"] for row in rows} == {"a.png"}
    assert "left_ear" not in {row["keypoint"] for row in rows if row["person"] == "1"}
    wrist = next(row for row in rows if row["person"] == "1" and row["keypoint"] == "left_wrist")
    assert (wrist["frame"], wrist["time_s"], wrist["track_id"], wrist["score"]) == ("0", "0.25", "", "0.45")
    x, y = two_people().xy[1, 9]
    assert (float(wrist["x"]), float(wrist["y"])) == pytest.approx((x, y), abs=0.006)


def test_a_file_name_with_commas_and_quotes_survives_csv(tmp_path: Path) -> None:
    write("csv", tmp_path, [('a, "b".png', 0, two_people())])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "poses.csv").read_text())))
    assert rows[0]["file"] == 'a, "b".png'


def test_coco_results_follow_cocos_format(tmp_path: Path) -> None:
    frames = [("v/000000000139.jpg", 0, two_people()), ("v/000000000285.jpg", 0, Poses.empty(COCO17))]
    write("coco", tmp_path, frames, [name for name, _, _ in frames])
    results = json.loads((tmp_path / "poses.coco.json").read_text())
    assert [(r["image_id"], r["category_id"], r["score"]) for r in results] == [(139, 1, 0.9), (139, 1, 0.4)]
    triplets = np.array(results[1]["keypoints"]).reshape(17, 3)
    assert triplets[3].tolist() == [0, 0, 0]
    assert set(np.delete(triplets[:, 2], 3)) == {1}
    assert np.allclose(np.delete(triplets[:, :2], 3, 0), np.delete(two_people().xy[1], 3, 0), atol=0.006)
    assert results[0]["keypoint_scores"] == pytest.approx([0.9] * 17)
    images = json.loads((tmp_path / "poses.coco_images.json").read_text())
    assert [(i["id"], i["file_name"]) for i in images["images"]] == [(139, frames[0][0]), (285, frames[1][0])]
    assert images["categories"][0]["keypoints"] == list(COCO17.keypoints)
    assert images["categories"][0]["skeleton"][0] == [a + 1 for a in COCO17.limbs[0]]


def test_pycocotools_reads_the_results(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    frames = [("139.jpg", 0, two_people())]
    write("coco", tmp_path, frames, ["139.jpg"])
    images = tmp_path / "poses.coco_images.json"
    truth = json.loads(images.read_text()) | {"annotations": []}
    images.write_text(json.dumps(truth))
    loaded = coco.COCO(str(images)).loadRes(str(tmp_path / "poses.coco.json"))
    assert [annotation["image_id"] for annotation in loaded.anns.values()] == [139, 139]


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        (["a/000123.jpg", "b/7.png"], {"a/000123.jpg": 123, "b/7.png": 7}),
        (["000123.jpg", "cat.png"], {}),
        (["1.jpg", "001.jpg"], {}),
        ([], {}),
    ],
)
def test_image_ids_come_from_names_only_where_all_are_different_numbers(files: list[str], ids: Any) -> None:
    assert image_ids(files) == ids


def test_without_numbers_images_are_counted_from_one(tmp_path: Path) -> None:
    write("coco", tmp_path, [("clip.mp4", 0, two_people()), ("clip.mp4", 5, two_people())])
    results = json.loads((tmp_path / "poses.coco.json").read_text())
    images = json.loads((tmp_path / "poses.coco_images.json").read_text())["images"]
    assert [r["image_id"] for r in results] == [1, 1, 2, 2]
    assert [(i["id"], i["file_name"], i["frame"]) for i in images] == [(1, "clip.mp4", 0), (2, "clip.mp4", 5)]


def test_npz_is_exact(tmp_path: Path) -> None:
    write("npz", tmp_path, [*FRAMES, ("c.png", 0, two_people().replace(time_s=None, image_size=None))])
    with np.load(tmp_path / "poses.npz", allow_pickle=False) as data:
        poses = two_people()
        for name in ("xy", "scores", "pose_scores", "visible", "track_ids"):
            both = np.concatenate([getattr(poses, name)] * 2)
            assert np.array_equal(data[name], both)
            assert data[name].dtype == both.dtype
        assert data["frame_index"].tolist() == [0, 0, 2, 2]
        assert data["files"].tolist() == ["a.png", "b.mp4", "c.png"]
        assert data["frames"].tolist() == [0, 12, 0]
        assert data["times_s"].tolist() == [0.25, 0.5, -1]
        assert data["image_sizes"].tolist() == [[320, 240], [8, 4], [0, 0]]
        assert tuple(data["keypoints"]) == COCO17.keypoints


@pytest.mark.parametrize("form", FORMATS)
def test_no_frame_is_a_valid_file(tmp_path: Path, form: str) -> None:
    write(form, tmp_path, [])
    if form == "json":
        assert json.loads((tmp_path / "poses.json").read_text())["frames"] == []
    elif form == "coco":
        assert json.loads((tmp_path / "poses.coco.json").read_text()) == []
    elif form == "npz":
        with np.load(tmp_path / "poses.npz") as data:
            assert data["xy"].shape == (0, 17, 2)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_discarded_leaves_nothing(tmp_path: Path, form: str) -> None:
    writer = open_writer(form, tmp_path, "poses", COCO17)
    writer.write(*FRAMES[0])
    writer.discard()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", STREAMS)
def test_a_stream_goes_to_stdout(capsys: Any, form: str) -> None:
    writer = open_writer(form, None, "", COCO17)
    for frame in FRAMES:
        writer.write(*frame)
    writer.close()
    text = capsys.readouterr().out
    if form == "json":
        assert len(json.loads(text)["frames"]) == 2
    elif form == "jsonl":
        assert [len(json.loads(line)["people"]) for line in text.splitlines()] == [2, 0]
    else:
        assert len(list(csv.DictReader(io.StringIO(text)))) == 33


def furthest() -> Poses:
    """Two people as far away as float32 and `Poses` go, the second one with no visible keypoint."""
    far = np.finfo(np.float32).max
    xy = np.full((2, 17, 2), far, np.float32)
    xy[:, ::2] = -far
    visible = np.array([[True] * 17, [False] * 17])
    scores = np.full((2, 17), np.finfo(np.float32).smallest_subnormal, np.float32)
    return Poses(xy, scores, skeleton=COCO17, visible=visible, image_size=(1, 1), time_s=TIMES_S)


@pytest.mark.parametrize("form", ["json", "jsonl", "coco"])
def test_what_is_furthest_away_is_still_a_number_of_json(tmp_path: Path, form: str) -> None:
    def no_number(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    write(form, tmp_path, [("a.png", 0, furthest())])
    for path in tmp_path.iterdir():
        whole = json.loads(path.read_text(), parse_constant=no_number)
        if form == "jsonl":
            assert whole["time_s"] == TIMES_S
            assert whole["people"][0]["keypoints"][0][0] == float(-np.finfo(np.float32).max)
            assert whole["people"][1] == {
                "score": 0.0,
                "track_id": None,
                "box": [0, 0, 0, 0],
                "keypoints": [None] * 17,
            }


def test_a_file_name_that_is_no_utf8_is_still_valid_json(tmp_path: Path) -> None:
    write("json", tmp_path, [("bad\udcff.png", 0, two_people())])
    assert json.loads((tmp_path / "poses.json").read_text())["frames"][0]["file"] == "bad\udcff.png"


def test_formats_that_do_not_exist_or_stream_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="save: wanted some of json, jsonl, csv, coco, npz, got 'xml'"):
        open_writer("xml", tmp_path, "poses", COCO17)
    with pytest.raises(ValueError, match="save: wanted one of json, jsonl, csv for stdout, got 'npz'"):
        open_writer("npz", None, "poses", COCO17)
