"""`posecore smooth` as it is typed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from predict_command import Command, written

from posecore import offline
from posecore.evaluation.jitter import jitter
from posecore.evaluation.lag import lag
from posecore.offline import OfflineSmoother
from posecore.outputs import open_writer
from posecore.pose_files import read_poses
from posecore.poses import Poses
from posecore.skeletons import COCO17, MPII16, Skeleton
from posecore.smooth_file import METHODS
from posecore.smooth_receipt import SmoothReceipt

SVG = "{http://www.w3.org/2000/svg}"


def save(
    name: str = "poses.json",
    *,
    ids: tuple[int, ...] = (2, 7),
    video: str = "walk.mp4",
    skeleton: Skeleton = COCO17,
) -> Path:
    """60 frames at 30 fps of people who swing and tremble, with an outlier and a gap where they have so many
    keypoints."""
    rng = np.random.default_rng(0)
    path = Path(name)
    writer = open_writer(path.suffix[1:], Path(), path.stem, skeleton)
    keypoints = skeleton.num_keypoints
    body = rng.uniform(100, 400, (1, keypoints, 2))
    for t in range(60):
        xy = body + 60 * np.sin(t / 8 + np.arange(len(ids)))[:, None, None]
        xy = xy + rng.normal(0, 2, xy.shape)
        visible = np.ones(xy.shape[:2], bool)
        if t == 30 and len(ids) and keypoints > 14:
            xy[0, 14] += 90
        if t in (40, 41) and keypoints > 3:
            visible[:, 3] = False
        poses = Poses(
            xy.astype(np.float32),
            np.full(xy.shape[:2], 0.8, np.float32),
            skeleton=skeleton,
            visible=visible,
            track_ids=np.array(ids, np.int64),
            image_size=(640, 480),
            time_s=t / 30,
        )
        writer.write(video, t, poses)
    writer.close()
    return path


def test_a_file_goes_in_and_one_like_it_comes_out(command: Command) -> None:
    save()
    code, out, err = command("smooth", "poses.json", "--max-gap", "0.2")
    assert (code, out) == (0, "")
    before, after = read_poses("poses.json"), read_poses("poses.smoothed.json")
    assert after.skeleton == before.skeleton
    assert [(clip.video, clip.numbers) for clip in after.clips] == [("walk.mp4", list(range(60)))]
    assert [frame.track_ids.tolist() for frame in after.clips[0].frames] == [[2, 7]] * 60
    lines = err.splitlines()
    assert lines[0].startswith("jitter ")
    assert " px before, " in lines[0]
    assert " px after; lag " in lines[0]
    assert lines[1].startswith("4 keypoints filled in, ")
    assert lines[2] == "60 frames, 2 people, lowess; written: poses.smoothed.json"


@pytest.mark.parametrize("method", METHODS)
def test_the_receipt_is_data_too(command: Command, method: str) -> None:
    save()
    code, out, _ = command("smooth", "poses.json", "--smooth", method, "--json")
    report = json.loads(out)
    assert code == 0
    assert (report["method"], report["saved"]) == (method, ["poses.smoothed.json"])
    assert [file["source"] for file in report["files"]] == ["walk.mp4"]
    told = report["files"][0]["receipt"]
    assert told["jitter_after_px"] < 0.75 * told["jitter_before_px"]
    assert abs(told["lag_frames"]) < (2 if method in ("kalman", "one-euro") else 0.2)
    assert told["lag_ms"] == pytest.approx(told["lag_frames"] * 1000 / 30, rel=1e-3)
    assert (told["frames"], told["people"], told["gaps_filled"]) == (60, 2, 0)
    assert told["outliers_dropped"] >= 1
    assert told["poses_without_id"] == 0


def test_the_command_knows_every_method() -> None:
    assert METHODS == offline.METHODS


@pytest.mark.parametrize("form", ["json", "jsonl", "npz"])
def test_every_form_stays_itself(command: Command, form: str) -> None:
    save(f"in.{form}")
    assert command("smooth", f"in.{form}", "--out", f"new/out.{form}")[0] == 0
    assert len(read_poses(f"new/out.{form}").clips[0].frames) == 60
    assert written("new") == [f"out.{form}"]


def test_poses_go_to_stdout(command: Command) -> None:
    save("in.jsonl")
    code, out, err = command("smooth", "in.jsonl", "--out", "-")
    assert code == 0
    assert len([json.loads(line) for line in out.splitlines()]) == 60
    assert err.splitlines()[-1] == "60 frames, 2 people, lowess"


def test_a_keypoint_is_drawn(command: Command) -> None:
    save(video="<b>walk.mp4")
    code, out, _ = command(
        "smooth", "poses.json", "--plot", "knee.svg", "--track", "2", "--max-gap", "0.5", "--json"
    )
    assert code == 0
    assert json.loads(out)["saved"] == ["poses.smoothed.json", "knee.svg"]
    text = Path("knee.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    words = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert words[0] == "right knee of person 2 in <b>walk.mp4"
    assert "measured, 60 frames" in words
    assert "outlier, 1" in words
    assert "interpolated, 1 frame" in words
    assert {"x, px", "y, px", "seconds"} <= set(words)
    dots = [path.get("d") or "" for path in root.iter(f"{SVG}path") if path.get("class") == "sight"]
    # One in the legend; the outlier is a cross.
    assert [d.count("M") for d in dots] == [1, 59, 59]
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_another_keypoint_and_skeleton_are_drawn(command: Command) -> None:
    save("own.json", skeleton=Skeleton("dog", ("nose", "tail"), edges=((0, 1),)), ids=(2,))
    assert command("smooth", "own.json", "--plot", "tail.svg", "--keypoint", "tail")[0] == 0
    assert "tail of person 2" in Path("tail.svg").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--out", "poses.json"), "--out: poses.json is the file to read"),
        (("--out", "x.npz"), "--out: wanted a file ending in .json as poses.json does, got x.npz"),
        (("--out", "-", "--json"), "--out: wanted a file beside --json"),
        (("--plot", "x.png"), "--plot: wanted a file ending in .svg, got x.png"),
        (("--keypoint", "nose"), "--keypoint: wanted --plot beside it, got none"),
        (("--track", "2"), "--track: wanted --plot beside it, got none"),
        (("--video", "walk.mp4"), "--video: wanted --plot beside it, got none"),
        (("--plot", "x.svg", "--video", "run.mp4"), "--video: wanted one of walk.mp4, got run.mp4"),
        (("--plot", "x.svg", "--keypoint", "wing"), "--keypoint: wanted one of nose, left_eye"),
        (("--plot", "x.svg", "--track", "5"), "--track: wanted one of 2, 7, got 5"),
        (("--smooth", "magic"), "invalid choice: 'magic'"),
        (("--window", "2"), "wanted a whole number from 3 to 1001, got '2'"),
        (("--outliers", "0.1"), "--outliers: wanted 0 for none, or a number from 0.5 to 1000, got 0.1"),
        (("--max-gap", "100"), "--max-gap: wanted a number from 0 to 60, got 100"),
        (("--max-gap", "nan"), "wanted a number from 0, such as 0.5, got 'nan'"),
        (("--fps", "0.1"), "--fps: wanted a number from 1 to 1000, got 0.1"),
    ],
)
def test_options_that_are_wrong(command: Command, words: tuple[str, ...], sentence: str) -> None:
    save()
    code, out, err = command("smooth", "poses.json", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert written() == ["poses.json"]


def test_nothing_is_overwritten(command: Command) -> None:
    save()
    for name, words in (("poses.smoothed.json", ()), ("knee.svg", ("--plot", "knee.svg"))):
        Path(name).write_text("mine")
        code, _, err = command("smooth", "poses.json", *words)
        assert code == 2
        assert f"{name} is there already; add --force to overwrite" in err
        assert Path(name).read_text() == "mine"
        assert command("smooth", "poses.json", *words, "--force")[0] == 0
        assert Path(name).read_text() != "mine"
        Path("poses.smoothed.json").unlink()


def test_files_that_cannot_be_smoothed(command: Command) -> None:
    save(ids=(-1,))
    code, _, err = command("smooth", "poses.json")
    assert code == 1
    assert err == (
        "posecore: poses.json: wanted people with track ids, got none; posecore predict --track gives them\n"
    )
    text = Path("poses.json").read_text().replace('"time_s": 0.0333', '"time_s": 0.5')
    Path("back.json").write_text(text)
    code, _, err = command("smooth", "back.json")
    assert code == 1
    assert "back.json: frames: wanted time_s that ascends, got 0.5 and then 0.0667 at 2" in err
    assert command("smooth", "nowhere.json") == (1, "", "posecore: nowhere.json: there is no such file\n")
    assert written() == ["back.json", "poses.json"]


def test_nobody_is_smoothed_to_nobody(command: Command) -> None:
    save(ids=())
    code, _, err = command("smooth", "poses.json")
    assert code == 0
    assert err.splitlines()[0] == "nobody is tracked"
    Path("poses.smoothed.json").unlink()
    code, _, err = command("smooth", "poses.json", "--plot", "x.svg")
    assert code == 1
    assert err.splitlines()[-1] == "posecore: poses.json: nobody is there to draw, so x.svg is not written"
    assert "; written: poses.smoothed.json\n" in err
    assert written() == ["poses.json", "poses.smoothed.json"]


def test_a_keypoint_that_is_never_seen_is_not_drawn(command: Command) -> None:
    path = save()
    report = json.loads(path.read_text())
    for frame in report["frames"]:
        for person in frame["people"]:
            person["keypoints"][0] = None
    path.write_text(json.dumps(report))
    code, _, err = command("smooth", "poses.json", "--plot", "x.svg", "--keypoint", "nose", "--track", "7")
    assert code == 1
    assert "poses.json: nose of person 7 is never seen, so x.svg is not written" in err
    assert written() == ["poses.json", "poses.smoothed.json"]


def merged(*names: str) -> None:
    """Files of poses as one, as `posecore predict` writes those of several videos."""
    parts = [json.loads(Path(name).read_text()) for name in names]
    parts[0]["frames"] = [frame for part in parts for frame in part["frames"]]
    Path("poses.json").write_text(json.dumps(parts[0]))


@pytest.mark.parametrize("form", ["json", "jsonl", "npz"])
def test_each_video_of_a_file_is_smoothed_by_itself(command: Command, form: str) -> None:
    """Their ids are their own: person 2 of one is nobody in the other, and time begins anew."""
    save("a.json", video="a.mp4")
    save("b.json", video="in/b.mp4", ids=(2,))
    merged("a.json", "b.json")
    clips = read_poses("poses.json").clips
    writer = open_writer(form, Path(), "both", COCO17)
    for clip in clips:
        for number, poses in zip(clip.numbers, clip.frames, strict=True):
            writer.write(clip.video, number, poses)
    writer.close()
    code, _, err = command("smooth", f"both.{form}")
    assert code == 0
    lines = err.splitlines()
    assert [line.partition(": ")[0] for line in lines[:4]] == ["a.mp4", "a.mp4", "in/b.mp4", "in/b.mp4"]
    assert lines[4].startswith(
        "120 frames of 2 videos and pictures, 3 people, lowess; written: both.smoothed."
    )
    for name, clip in zip("ab", read_poses(f"both.smoothed.{form}").clips, strict=True):
        assert command("smooth", f"{name}.json", "--force")[0] == 0
        (alone,) = read_poses(f"{name}.smoothed.json").clips
        for one, other in zip(alone.frames, clip.frames, strict=True):
            assert other.xy == pytest.approx(one.xy, abs=0.011)
            assert other.track_ids.tolist() == one.track_ids.tolist()


def test_of_several_videos_one_is_drawn(command: Command) -> None:
    save("a.json", video="a.mp4", ids=(2,))
    save("b.json", video="b.mp4", ids=(2, 5))
    merged("a.json", "b.json")
    for words, title in (
        ((), "right knee of person 2 in a.mp4"),
        (("--track", "5"), "right knee of person 5 in b.mp4"),
        (("--video", "b.mp4"), "right knee of person 2 in b.mp4"),
    ):
        assert command("smooth", "poses.json", "--plot", "x.svg", "--force", *words)[0] == 0
        assert title in Path("x.svg").read_text()
    code, _, err = command("smooth", "poses.json", "--plot", "x.svg", "--force", "--video", "c.mp4")
    assert (code, "--video: wanted one of a.mp4, b.mp4, got c.mp4" in err) == (2, True)


def test_pictures_beside_a_video_stay_as_they_are(command: Command) -> None:
    save("a.json", video="a.mp4")
    save("b.json", video="b.png", ids=(-1,))
    merged("a.json", "b.json")
    code, _, err = command("smooth", "poses.json")
    assert code == 0
    assert err.splitlines()[2] == "1 of 2 videos and pictures have no track ids: left as they are"
    before, after = (read_poses(name).clips[1] for name in ("poses.json", "poses.smoothed.json"))
    assert before.frames == after.frames


def test_a_wrong_video_of_several_is_named(command: Command) -> None:
    save("a.json", video="a.mp4")
    save("b.json", video="b.mp4")
    text = Path("b.json").read_text().replace('"time_s": 0.0333', '"time_s": 0.5')
    Path("b.json").write_text(text)
    merged("a.json", "b.json")
    code, _, err = command("smooth", "poses.json")
    assert code == 1
    assert "posecore: poses.json: b.mp4: frames: wanted time_s that ascends, got 0.5" in err


def test_somebody_without_an_id_is_counted_and_left_alone(command: Command) -> None:
    save(ids=(2, -1))
    code, out, err = command("smooth", "poses.json", "--json")
    assert code == 0
    assert json.loads(out)["files"][0]["receipt"]["poses_without_id"] == 60
    assert err.splitlines()[1].endswith(", 60 poses without an id left alone")


def test_frames_hardly_apart_are_smoothed_without_a_word(command: Command) -> None:
    path = save()
    report = json.loads(path.read_text())
    for t, frame in enumerate(report["frames"]):
        frame["time_s"] = t * 1e-300
    path.write_text(json.dumps(report))
    assert command("smooth", "poses.json", "--plot", "x.svg")[0] == 0


def test_somebody_who_stands_still_is_not_called_unsmoothed(command: Command) -> None:
    path = save()
    report = json.loads(path.read_text())
    for frame in report["frames"]:
        frame["people"] = report["frames"][0]["people"]
    path.write_text(json.dumps(report))
    _, _, err = command("smooth", "poses.json")
    assert err.splitlines()[0] == "jitter 0.00 px, nothing to smooth"


def test_the_receipt_measures_as_the_evaluation_does(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many people are measured at once, and in how many parts they come."""
    save(ids=(1, 2, 3))
    path = Path("poses.json")
    report = json.loads(path.read_text())
    for t, frame in enumerate(report["frames"]):
        frame["people"] = [p for p in frame["people"] if p["track_id"] != 2 or not 20 < t < 35]
    path.write_text(json.dumps(report))
    (clip,) = read_poses(path).clips
    smoothed = OfflineSmoother(outlier_sigmas=0).smooth(clip.frames)
    assert len(smoothed.tracks) == 4
    tracks = np.zeros((2, 60, 3, 17, 2))
    seen = np.zeros((60, 3, 17), bool)
    for frames, xy in ((clip.frames, tracks[0]), (smoothed.frames, tracks[1])):
        for t, poses in enumerate(frames):
            xy[t, poses.track_ids - 1] = poses.xy
            seen[t, poses.track_ids - 1] = poses.visible
    raw, new = (xy.reshape(60, -1, 2) for xy in tracks)
    both = seen.reshape(60, -1)
    times_s = np.array([poses.time_s for poses in clip.frames])
    for batch in (1, 1 << 20):
        monkeypatch.setattr("posecore.smooth_receipt._BATCH", batch)
        receipt = SmoothReceipt.of(smoothed, times_s)
        assert receipt.people == 3
        assert receipt.jitter_before_px == pytest.approx(jitter(raw, both, times_s=times_s).px)
        assert receipt.jitter_after_px == pytest.approx(jitter(new, both, times_s=times_s).px)
        expected = lag(new, both, raw, both, times_s=times_s)
        assert receipt.lag_frames == pytest.approx(expected.frames)
        assert receipt.lag_ms == pytest.approx(1e3 * expected.seconds)


def test_jsonl_of_another_skeleton(command: Command) -> None:
    save("in.jsonl", skeleton=MPII16)
    assert command("smooth", "in.jsonl", "--plot", "a.svg")[0] == 0
    code, _, err = command("smooth", "in.jsonl", "--skeleton", "coco17", "--force")
    assert code == 1
    assert "frame record 0, person 0: wanted 17 keypoints of coco17, got 16" in err
