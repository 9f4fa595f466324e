"""Files of poses read back: what was written comes back, and whatever else is there gets one sentence."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posecore import SourceError
from posecore.outputs import open_writer
from posecore.pose_files import FORMS, read_poses
from posecore.poses import Poses
from posecore.skeletons import COCO17, MPII16, Skeleton


def poses(people: int = 2, *, time_s: float | None = 0.25, skeleton: Skeleton = COCO17) -> Poses:
    rng = np.random.default_rng(people)
    keypoints = skeleton.num_keypoints
    visible = rng.random((people, keypoints)) < 0.8
    scores = np.where(visible, rng.uniform(0.1, 1, visible.shape), 0).astype(np.float32)
    return Poses(
        rng.uniform(-50, 400, (people, keypoints, 2)).astype(np.float32),
        scores,
        np.linspace(0.9, 0.4, people, dtype=np.float32),
        skeleton=skeleton,
        visible=visible,
        track_ids=np.arange(people, dtype=np.int64) * 5 - 1,
        image_size=(320, 240),
        time_s=time_s,
    )


def written(folder: Path, form: str, frames: list[Poses], *, videos: tuple[str, ...] = ("a.mp4",)) -> Path:
    skeleton = frames[0].skeleton if frames else COCO17
    writer = open_writer(form, folder, "poses", skeleton)
    for number, frame in enumerate(frames):
        writer.write(videos[number % len(videos)], 3 * number, frame)
    writer.close()
    return folder / f"poses.{form}"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("skeleton", [COCO17, MPII16], ids=["coco17", "mpii16"])
def test_what_was_written_comes_back(tmp_path: Path, form: str, skeleton: Skeleton) -> None:
    frames = [
        poses(2, skeleton=skeleton),
        poses(0, time_s=0.5, skeleton=skeleton),
        poses(3, skeleton=skeleton),
    ]
    found = read_poses(written(tmp_path, form, frames))
    (clip,) = found.clips
    assert (found.form, found.skeleton, clip.video, clip.numbers) == (form, skeleton, "a.mp4", [0, 3, 6])
    for before, after in zip(frames, clip.frames, strict=True):
        assert np.array_equal(before.visible, after.visible)
        assert np.array_equal(before.track_ids, after.track_ids)
        assert (before.time_s, before.image_size) == (after.time_s, after.image_size)
        seen = before.visible
        exact = form == "npz"
        assert before.xy[seen] == pytest.approx(after.xy[seen], abs=0 if exact else 0.006)
        assert before.scores[seen] == pytest.approx(after.scores[seen], abs=0 if exact else 6e-5)


@pytest.mark.parametrize("form", ["json", "npz"])
def test_a_skeleton_of_ones_own_comes_with_the_file(tmp_path: Path, form: str) -> None:
    own = Skeleton("dog", ("nose", "tail"), edges=((0, 1),))
    found = read_poses(written(tmp_path, form, [poses(2, skeleton=own)])).skeleton
    assert (found.name, found.keypoints) == ("dog", ("nose", "tail"))
    if form == "json":
        assert found.limbs == ((0, 1),)


@pytest.mark.parametrize("form", FORMS)
def test_no_frame_is_a_valid_file(tmp_path: Path, form: str) -> None:
    assert read_poses(written(tmp_path, form, [])).clips == []


@pytest.mark.parametrize("form", FORMS)
def test_the_videos_of_a_file_are_taken_apart(tmp_path: Path, form: str) -> None:
    found = read_poses(
        written(tmp_path, form, [poses(1), poses(2), poses(3)], videos=("b.mp4", "a.mp4")),
    )
    assert [(clip.video, clip.numbers) for clip in found.clips] == [("b.mp4", [0, 6]), ("a.mp4", [3])]
    assert [[len(frame) for frame in clip.frames] for clip in found.clips] == [[1, 3], [2]]


def record(**changes: Any) -> dict[str, Any]:
    person = {"score": 0.5, "track_id": 1, "keypoints": [[1, 2, 0.5]] * 16 + [None]}
    frame = {"file": "a.mp4", "frame": 0, "time_s": 0.0, "width": 8, "height": 8, "people": [person]}
    person |= {key.removeprefix("p_"): value for key, value in changes.items() if key.startswith("p_")}
    return frame | {key: value for key, value in changes.items() if not key.startswith("p_")}


BAD = [
    (record(people=None), 'frame record 0: wanted a list under "people", got nothing'),
    (record(people=[7]), "frame record 0, person 0: wanted an object with a list"),
    (record(people=[{}] * 1001), "wanted at most 1000 people, got 1001"),
    (record(file=7), 'wanted a name under "file", got 7'),
    (record(frame=True), '"frame": wanted a whole number from 0, got True'),
    (record(frame=10**5000), '"frame": wanted a whole number|wanted JSON'),
    (record(time_s="1"), "\"time_s\": wanted a number from -1e\\+10 to 1e\\+10, got '1'"),
    (record(time_s=1e300), '"time_s": wanted a number'),
    (record(width=0), '"width": wanted a whole number from 1, got 0'),
    (record(height=None), '"height": wanted a whole number from 1, got nothing'),
    (record(p_score=1.5), '"score": wanted a number from 0 to 1, got 1.5'),
    (record(p_track_id=-1), '"track_id": wanted a whole number from 0, got -1'),
    (record(p_track_id=2**70), '"track_id": wanted a whole number from 0'),
    (
        record(p_keypoints=[None] * 5),
        "wanted the keypoints of a skeleton of posecore's, got 5|wanted 17 keypoints",
    ),
    (record(p_keypoints=[[1, 2]] * 17), "nose: wanted null or three numbers x, y, score, got a list of 2"),
    (record(p_keypoints=[["1", 2, 0.5]] * 17), "nose: wanted null or three numbers"),
    (
        record(p_keypoints=[[1e7, 2, 0.5]] * 17),
        r"nose: wanted x and y within 1e\+06 px and a score in \[0, 1\]",
    ),
    (record(p_keypoints=[[1, 10**400, 0.5]] * 17), "nose: wanted x and y within"),
    (record(people=record()["people"] * 2), "wanted each track id once, got 1 twice"),
    ([], "frame record 0: wanted an object, got a list of 0"),
]


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize(("frame", "sentence"), BAD, ids=range(len(BAD)))
def test_a_wrong_record_gets_a_sentence(tmp_path: Path, form: str, frame: Any, sentence: str) -> None:
    if frame and frame["frame"] == 10**5000:
        text = json.dumps(record(frame=77)).replace("77", "1" + "0" * 5000)
    else:
        text = json.dumps(frame)
    if form == "json":
        head = {"skeleton": "coco17", "keypoints": COCO17.keypoints}
        text = json.dumps(head)[:-1] + f', "frames": [{text}]}}'
    path = tmp_path / f"bad.{form}"
    path.write_text(text)
    with pytest.raises(SourceError, match=sentence) as caught:
        read_poses(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "wanted JSON, got something else"),
        ("[1]", 'wanted an object with "skeleton", "keypoints" and "frames", got a list of 1'),
        ("[" * 100_000, "wanted JSON, got something else"),
        ('{"frames": []}', 'wanted a name under "skeleton"'),
        (
            '{"frames": [], "skeleton": "coco17", "keypoints": ["nose"]}',
            "wanted the keypoints of coco17, got 1",
        ),
        ('{"frames": [], "skeleton": "x", "keypoints": ["a", "a"]}', "wants different names"),
        ('{"frames": [], "skeleton": "x", "keypoints": ["a"], "limbs": [[0, 9]]}', "limbs"),
        ('{"frames": [NaN], "skeleton": "x", "keypoints": ["a"]}', "wanted finite numbers, got NaN"),
    ],
)
def test_a_wrong_file_gets_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=sentence) as caught:
        read_poses(path)
    assert str(caught.value).startswith(str(path))


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    for name, sentence in (
        ("poses.txt", r"wanted a file of poses ending in \.json"),
        ("folder.json", "wanted a file of poses, got a folder"),
        ("nowhere.json", "there is no such file"),
        ("nowhere.npz", "there is no such file"),
    ):
        with pytest.raises(SourceError, match=sentence):
            read_poses(tmp_path / name)
    (tmp_path / "bad.npz").write_bytes(b"PK no zip")
    with pytest.raises(SourceError, match=r"wanted an \.npz file of poses, got one that cannot be read"):
        read_poses(tmp_path / "bad.npz")
    (tmp_path / "bad.jsonl").write_text("{}\nno")
    with pytest.raises(SourceError, match=r'line 2: wanted JSON|wanted a list under "people"'):
        read_poses(tmp_path / "bad.jsonl")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("xy", None, "wanted the entry xy, got"),
        ("xy", np.zeros((4, 17, 2)), "xy: wanted float32 of shape"),
        ("xy", np.full((4, 17, 2), np.nan, np.float32), "xy: wanted coordinates within"),
        ("scores", np.full((4, 17), 2, np.float32), "frame record 0: scores"),
        ("visible", np.zeros((4, 17), np.int64), "visible: wanted bool"),
        ("track_ids", np.ones(4, np.int64), "wanted each track id once, got 1 twice"),
        ("frame_index", np.array([1, 0, 1, 1]), "frame_index: wanted numbers of the 2 frames in their order"),
        ("frame_index", np.array([0, 0, 1, 9]), "frame_index: wanted numbers of the 2 frames"),
        (
            "times_s",
            np.array([0, np.inf]),
            r"times_s: wanted seconds from 0 to 1e\+10, or -1 for none, got inf",
        ),
        ("times_s", np.array([0, np.nan]), "or -1 for none, got nan in frame record 1"),
        ("times_s", np.array([-0.5, 0]), "or -1 for none, got -0.5 in frame record 0"),
        ("frames", np.array([0, -3]), "frames: wanted numbers from 0, got -3 in frame record 1"),
        ("image_sizes", np.array([[-1, 3], [3, 3]]), "frame record 0: image_size"),
        ("keypoints", np.array(["a", "b"]), "wanted the keypoints of coco17, got 2 others"),
    ],
)
def test_a_wrong_npz_gets_a_sentence(tmp_path: Path, name: str, value: Any, sentence: str) -> None:
    path = written(tmp_path, "npz", [poses(2), poses(2)])
    with np.load(path) as archive:
        arrays = dict(archive) | {name: value}
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
    with pytest.raises(SourceError, match=sentence):
        read_poses(path)


def test_pickles_and_bombs_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, xy=np.array([{}], object))
    with pytest.raises(SourceError, match="cannot be read"):
        read_poses(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xy.npy", "w") as entry:
        for _ in range(1025):
            entry.write(bytes(1 << 20))
    with pytest.raises(SourceError, match=r"wanted poses of at most 1 GiB, got 1\.0 GiB unpacked"):
        read_poses(path)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_poses_or_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMS))
    path = tmp_path / f"poses.{form}"
    if not path.exists():
        written(tmp_path, form, [poses(1), poses(2)])
        path.with_suffix(f".{form}.whole").write_bytes(path.read_bytes())
    whole = path.with_suffix(f".{form}.whole").read_bytes()
    buffer = io.BytesIO(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        buffer.seek(data.draw(st.integers(0, len(whole) - 1)))
        buffer.write(data.draw(st.binary(min_size=1, max_size=4)))
    path.write_bytes(buffer.getvalue()[: data.draw(st.integers(0, len(whole)))])
    with contextlib.suppress(SourceError):
        assert sum(len(clip.frames) for clip in read_poses(path).clips) <= 2
