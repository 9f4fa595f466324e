"""`posecore predict` from the outside: what it writes, says and returns; no model is needed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import FakeEstimator, FakeGeometry, made_heads, person_at, red_square

from posecore import cli, predict
from posecore.skeletons import COCO17
from posecore.video import VideoReader

pytestmark = pytest.mark.usefixtures("cv2")
FAKE = str(Path(__file__).with_name("fake_estimator.py"))


class Command:
    """The command in this process; `estimator` and `options` are what it loaded last."""

    def __init__(self, capsys: Any, monkeypatch: Any) -> None:
        self._capsys = capsys
        self.estimator = FakeEstimator()
        self.options: dict[str, Any] = {}
        monkeypatch.setattr(predict, "load_estimator", self._load)

    def _load(self, **options: Any) -> FakeEstimator:
        self.options = options
        return self.estimator

    def __call__(self, *words: Any) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err


@pytest.fixture
def command(capsys: Any, monkeypatch: Any, tmp_path: Path) -> Command:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Command(capsys, monkeypatch)


def written(folder: str | Path = ".") -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


# What is written


def test_a_picture_gives_an_annotated_picture_and_its_poses(
    command: Command, picture: Path, cv2: Any
) -> None:
    code, out, err = command("predict", picture)
    assert (code, out) == (0, "")
    assert written() == ["posecore-out/one.png", "posecore-out/poses.json"]
    assert f"{picture}: 1 person, " in err
    assert f"-> {Path('posecore-out') / 'one.png'}\n" in err
    frame = json.loads(Path("posecore-out/poses.json").read_text())["frames"][0]
    assert (frame["file"], frame["width"], frame["height"]) == (str(picture), 320, 240)
    expected = person_at((69.5, 109.5), size=60, image_size=(320, 240))
    assert np.allclose([p[:2] for p in frame["people"][0]["keypoints"]], expected.xy[0], atol=0.006)
    drawn = cv2.imread("posecore-out/one.png")[:, :, ::-1]
    assert drawn.shape == (240, 320, 3)
    x, y = np.rint(expected.xy[0, COCO17.index("left_ankle")]).astype(int)
    assert drawn[y, x].tolist() == [255, 150, 20]


def test_nothing_else_is_the_default_picture(command: Command) -> None:
    code, _, err = command("predict")
    assert code == 0
    assert written() == ["posecore-out/people.jpg", "posecore-out/poses.json"]
    assert "people.jpg: " in err


def test_running_twice_overwrites_nothing(command: Command, picture: Path) -> None:
    for _ in range(3):
        assert command("predict", picture)[0] == 0
    assert sorted(path.name for path in Path().iterdir()) == [
        "posecore-out",
        "posecore-out-2",
        "posecore-out-3",
    ]


def test_what_is_there_is_overwritten_only_with_force(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--out", "o")[0] == 0
    Path("o/poses.json").write_text("precious")
    command.options = {}
    code, _, err = command("predict", picture, "--out", "o")
    assert code == 2
    assert "o/one.png and 1 more is there already; add --force to overwrite" in err.replace(os.sep, "/")
    assert Path("o/poses.json").read_text() == "precious"
    assert command.options == {}, "it was refused before any work"
    assert command("predict", picture, "--out", "o", "--force")[0] == 0
    assert json.loads(Path("o/poses.json").read_text())["frames"]


def test_a_source_is_never_overwritten(command: Command, picture: Path) -> None:
    before = picture.read_bytes()
    code, _, err = command("predict", picture, "--out", picture.parent, "--force")
    assert code == 2
    assert "is one of the sources; choose another folder" in err
    assert picture.read_bytes() == before


def test_a_name_for_the_picture_names_the_poses_too(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--out", "here/result.jpg", "--save", "json,csv")[0] == 0
    assert written() == ["here/result.csv", "here/result.jpg", "here/result.json"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "a.mp4"], "--out: wanted a picture name ending in .jpg, .jpeg, .png"),
        (["--out", "a.png", "--draw", "none"], "--out: wanted a folder, since nothing is drawn"),
        (
            ["--out", "-", "--save", "npz"],
            "--out: wanted one --save format of json, jsonl, csv for stdout, got npz",
        ),
        (["--out", "-", "--save", "csv,json"], "for stdout, got csv, json"),
        (["--out", "-", "--draw", "poses"], "for stdout, got a drawing too"),
        (["--out", "-", "--json"], "--json: stdout is taken by --out -"),
        (["--out", __file__], "which is a file"),
    ],
)
def test_options_that_do_not_fit_together_are_wrong_usage(
    command: Command, picture: Path, words: list[str], sentence: str
) -> None:
    code, out, err = command("predict", picture, *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.startswith("posecore: ")
    assert not written()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--size", "0"], "wanted a long side such as 353 or height x width such as 353x481, got '0'"),
        (["--size", "353x"], "got '353x'"),
        (["--threads", "0"], "wanted a whole number from 1 to 1024, got '0'"),
        (["--max-poses", "1.5"], "got '1.5'"),
        (["--conf", "1.1"], "wanted a number from 0 to 1, got '1.1'"),
        (["--conf", "nan"], "wanted a number from 0 to 1, got 'nan'"),
        (["--nms", "-1"], "wanted a number of pixels from 0, got '-1'"),
        (["--save", "xml"], "wanted some of json,jsonl,csv,coco,npz, or none, got 'xml'"),
        (["--draw", "faces"], "wanted some of poses,heatmaps,offsets,names, or none, got 'faces'"),
        (["--every", "0"], "got '0'"),
        (["--color", "grey"], "invalid choice: 'grey'"),
        (["--colour", "rgb"], "unrecognized arguments: --colour"),
        (["--forc"], "unrecognized arguments: --forc"),
    ],
)
def test_an_option_that_is_wrong_is_wrong_usage(
    command: Command, picture: Path, words: list[str], sentence: str
) -> None:
    code, _, err = command("predict", picture, *words)
    assert code == 2
    assert sentence in err


def test_options_reach_the_estimator(command: Command, picture: Path) -> None:
    command(
        "predict", picture, "--model", "m.tflite", "--size", "353x481", "--device", "coral", "--threads", "2",
        "--max-poses", "7", "--conf", "0.3", "--nms", "12.5",
    )  # fmt: skip
    assert command.options == {
        "model": "m.tflite",
        "size": (353, 481),
        "device": "coral",
        "threads": 2,
        "max_poses": 7,
        "root_threshold": 0.3,
        "pose_threshold": 0.3,
        "nms_radius_px": 12.5,
    }
    command("predict", picture, "--size", "257")
    assert command.options["size"] == 257
    assert command.options["max_poses"] is None


def test_every_format_and_drawing_at_once(command: Command, picture: Path) -> None:
    code, _, _ = command(
        "predict",
        picture,
        "--out",
        "o",
        "--save",
        "json,csv,jsonl,coco,npz",
        "--draw",
        "poses,heatmaps,offsets,names",
    )
    assert code == 0
    assert written("o") == [
        "one.png", "poses.coco.json", "poses.coco_images.json", "poses.csv",
        "poses.json", "poses.jsonl", "poses.npz",
    ]  # fmt: skip


def test_each_drawing_looks_different(command: Command, picture: Path, cv2: Any) -> None:
    looks = set()
    for drawing in ("poses", "heatmaps", "offsets", "names", "poses,heatmaps"):
        assert command("predict", picture, "--out", drawing, "--draw", drawing)[0] == 0
        looks.add(cv2.imread(f"{drawing}/one.png").tobytes())
    assert len(looks) == 5


def test_heatmaps_of_a_model_that_gives_none_get_a_sentence(command: Command, picture: Path) -> None:
    command.estimator = FakeEstimator(heads=False)
    code, _, err = command("predict", picture, "--draw", "heatmaps")
    assert code == 1
    assert err.endswith("posecore: --draw heatmaps: wanted a model that gives heads, got fake\n")
    assert not written()


def test_nothing_drawn_and_nothing_saved_writes_nothing(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--draw", "none", "--save", "none")[0] == 0
    assert not written()


def test_a_mirrored_picture_keeps_the_persons_own_left_and_right(
    command: Command, picture: Path, cv2: Any
) -> None:
    command("predict", picture, "--out", "plain", "--draw", "heatmaps,offsets,poses")
    command("predict", picture, "--out", "mirrored", "--mirror", "--draw", "heatmaps,offsets,poses")
    plain, mirrored = (
        np.array(json.loads(Path(folder, "poses.json").read_text())["frames"][0]["people"][0]["keypoints"])
        for folder in ("plain", "mirrored")
    )
    assert np.allclose(mirrored[:, 0], 319 - plain[:, 0], atol=0.011)
    assert np.array_equal(mirrored[:, 1:], plain[:, 1:])
    # The two drawings are each other's mirror picture, apart from the legends and from rounding.
    one, two = cv2.imread("plain/one.png"), cv2.imread("mirrored/one.png")[:, ::-1]
    same = np.abs(one.astype(int) - two).max(axis=2) < 40
    assert same[100:].mean() > 0.98


def test_exchanged_colours_are_put_right_before_anything_sees_them(
    command: Command, tmp_path: Path, cv2: Any
) -> None:
    path = tmp_path / "blue.png"
    cv2.imwrite(str(path), red_square(320, 240, 60, 100))
    command("predict", path, "--color", "rgb")
    assert command.estimator.seen[-1][110, 70].tolist() == [20, 20, 230]
    command("predict", path, "--color", "bgr")
    assert command.estimator.seen[-1][110, 70].tolist() == [230, 20, 20]


def test_pictures_of_one_name_do_not_overwrite_each_other(
    command: Command, picture: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "one.png"
    other.parent.mkdir()
    other.write_bytes(picture.read_bytes())
    assert command("predict", picture, other)[0] == 0
    assert written("posecore-out") == ["one-2.png", "one.png", "poses.json"]


def test_nobody_in_the_picture_is_a_result(command: Command, tmp_path: Path, cv2: Any) -> None:
    path = tmp_path / "empty.png"
    cv2.imwrite(str(path), np.full((60, 80, 3), 110, np.uint8))
    code, _, err = command("predict", path)
    assert code == 0
    assert f"{path}: 0 people" in err
    assert json.loads(Path("posecore-out/poses.json").read_text())["frames"][0]["people"] == []


# Heads


def heads_file(folder: Path) -> Path:
    poses = person_at((200, 200), size=100, image_size=(400, 400))
    path = folder / "heads.npz"
    made_heads(poses, FakeGeometry(1.0), (400, 400)).save(path)
    return path


@pytest.mark.parametrize("draw", ["poses", "heatmaps,offsets,poses"])
def test_heads_need_no_model(command: Command, tmp_path: Path, cv2: Any, draw: str) -> None:
    code, _, err = command("predict", heads_file(tmp_path), "--draw", draw)
    assert code == 0, err
    assert command.options == {}
    assert written("posecore-out") == ["heads.png", "poses.json"]
    frame = json.loads(Path("posecore-out/poses.json").read_text())["frames"][0]
    assert (frame["width"], frame["height"]) == (401, 401)
    expected = person_at((200, 200), size=100, image_size=(400, 400)).xy[0]
    assert np.allclose([point[:2] for point in frame["people"][0]["keypoints"]], expected, atol=0.1)
    assert cv2.imread("posecore-out/heads.png").shape == (401, 401, 3)


def test_decoding_options_hold_for_heads(command: Command, tmp_path: Path) -> None:
    command("predict", heads_file(tmp_path), "--conf", "1", "--out", "o")
    assert json.loads(Path("o/poses.json").read_text())["frames"][0]["people"] == []


def test_an_npz_that_holds_no_heads_gets_a_sentence(command: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 nothing")
    for name in ("other", "broken"):
        code, _, err = command("predict", tmp_path / f"{name}.npz")
        assert code == 1
        assert f"posecore: {tmp_path / name}.npz: " in err
    assert not written()


# Videos


def test_a_video_keeps_its_size_and_rate(command: Command, make_video: Any) -> None:
    code, _, err = command("predict", make_video(frames=20, fps=12.5), "--save", "csv,jsonl")
    assert code == 0
    assert "20 frames, 1.0 people a frame, at most 1" in err
    reader = VideoReader("posecore-out/clip.mp4")
    frames = list(reader)
    assert (len(frames), frames[0][2].shape, reader.fps) == (20, (120, 160, 3), pytest.approx(12.5))
    lines = [json.loads(line) for line in Path("posecore-out/poses.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(20))
    assert [line["time_s"] for line in lines] == pytest.approx([k / 12.5 for k in range(20)], abs=1e-3)
    nose = [line["people"][0]["keypoints"][0][0] for line in lines]
    assert np.allclose(np.diff(nose), 4, atol=2)
    rows = list(csv.DictReader(io.StringIO(Path("posecore-out/poses.csv").read_text())))
    assert len(rows) == 20 * 17


def test_every_fourth_frame_plays_at_the_same_speed(command: Command, make_video: Any) -> None:
    assert command("predict", make_video(frames=21, fps=20), "--every", "4")[0] == 0
    reader = VideoReader("posecore-out/clip.mp4")
    assert len(list(reader)) == 6
    assert reader.fps == pytest.approx(5)
    frames = json.loads(Path("posecore-out/poses.json").read_text())["frames"]
    assert [frame["frame"] for frame in frames] == [0, 4, 8, 12, 16, 20]
    assert [frame["time_s"] for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0], abs=1e-3)


def test_of_a_video_that_is_cut_off_what_came_is_kept_and_said(
    command: Command, make_video: Any, monkeypatch: Any
) -> None:
    path = make_video(frames=30)
    # A header that promises more frames than there are.
    monkeypatch.setattr(VideoReader, "missing_frames", property(lambda self: 70))
    code, _, err = command("predict", path)
    assert code == 1
    assert f"posecore: {path}: the video is cut off or damaged: 30 of 30 frames could be read" in err
    assert len(list(VideoReader("posecore-out/clip.mp4"))) == 30
    assert len(json.loads(Path("posecore-out/poses.json").read_text())["frames"]) == 30


def test_one_bad_file_does_not_stop_the_others(command: Command, picture: Path, make_video: Any) -> None:
    make_video(frames=3)
    (picture.parent / "bad.png").write_bytes(b"no picture")
    (picture.parent / "bad.mp4").write_bytes(b"")
    code, out, err = command("predict", str(picture.parent / "*"), "--json")
    assert code == 1
    assert "posecore: " in err
    report = json.loads(out)
    errors = {Path(file["source"]).name: file["error"] for file in report["files"]}
    assert {name for name, error in errors.items() if error} == {"bad.png", "bad.mp4"}
    assert written("posecore-out") == ["clip.mp4", "one.png", "poses.json"]


# What is said


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


def test_poses_can_go_to_stdout(command: Command, picture: Path) -> None:
    code, out, _ = command("predict", picture, "--out", "-", "--save", "csv")
    assert code == 0
    assert len(list(csv.DictReader(io.StringIO(out)))) == 17
    assert not written()


def test_a_folder_with_a_pictures_ending_is_still_a_folder(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--out", f"o.png{os.sep}")[0] == 0
    assert written() == [str(Path("o.png/one.png")), str(Path("o.png/poses.json"))]


def test_what_fails_while_files_are_finished_leaves_none(
    command: Command, picture: Path, monkeypatch: Any
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("posecore.outputs.write_file", full)
    code, _, err = command("predict", picture, "--draw", "none", "--save", "npz,json", "--out", "o")
    assert code == 1
    assert err.splitlines()[-1] == f"posecore: {Path('o/poses.npz')}: No space left on device"
    assert not written()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_a_window_where_there_is_no_display_gets_a_sentence(
    command: Command, picture: Path, monkeypatch: Any
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, _, err = command("predict", picture, "--show")
    assert (code, err) == (
        1,
        "posecore: --show: there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)\n",
    )


def test_an_opencv_without_windows_gets_a_sentence(
    command: Command, picture: Path, monkeypatch: Any, cv2: Any
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                           NONE\n")
    code, _, err = command("predict", picture, "--show")
    assert code == 1
    assert "install opencv-python in place of opencv-python-headless" in err


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


def test_an_option_value_that_the_estimator_refuses_is_wrong_usage(
    command: Command, picture: Path, monkeypatch: Any
) -> None:
    def refuse(**_: Any) -> None:
        raise ValueError('device: wanted "cpu" or "coral", got "gpu"')

    monkeypatch.setattr(predict, "load_estimator", refuse)
    code, _, err = command("predict", picture, "--device", "gpu")
    assert code == 2
    assert 'posecore: device: wanted "cpu" or "coral", got "gpu"' in err


def test_a_folder_where_nothing_may_be_written_gets_a_sentence(command: Command, picture: Path) -> None:
    Path("file").write_text("")
    code, _, err = command("predict", picture, "--out", "file/o")
    assert code == 1
    assert err.splitlines()[-1].startswith("posecore: file")


def test_the_command_without_a_subcommand_is_wrong_usage(command: Command) -> None:
    assert command()[0] == 2


def test_version_and_the_places_for_cmake(command: Command) -> None:
    import posecore

    assert command("--version") == (0, f"posecore {posecore.__version__}\n", "")
    for option, folder in (("--cmake-dir", posecore.cmake_dir()), ("--include-dir", posecore.include_dir())):
        assert command(option) == (0, f"{folder}\n", "")


def test_help_names_every_option_and_exit_code(command: Command) -> None:
    code, out, _ = command("predict", "--help")
    assert code == 0
    options = (
        "model size device threads max-poses conf nms mirror color save draw show out every force json quiet"
    )
    for option in options.split():
        assert f"\n  --{option}" in out
    assert "exit codes: 0 done, 1 something failed, 2 wrong usage, 130 Ctrl-C" in out


# From another process: signals, pipes


def start(*words: Any, seconds: float, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, FAKE, str(seconds), *map(str, words)],
        cwd=cwd,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        **options,
    )


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_leaves_valid_files(make_video: Any, tmp_path: Path, number: int, code: int) -> None:
    clip = make_video(frames=400)
    save = "json,jsonl,csv,coco,npz"
    process = start("predict", clip, "--save", save, "--out", "o", seconds=0.05, cwd=tmp_path)
    deadline = time.monotonic() + 60
    # The video's file beside its name appears with the first frame.
    while not list(tmp_path.glob("o/.clip*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "interrupted after " in err
    assert "Traceback" not in err
    folder = tmp_path / "o"
    frames = json.loads((folder / "poses.json").read_text())["frames"]
    assert 0 < len(frames) < 400
    assert f"{len(frames)} frames" in err or len(frames) == 1
    assert len((folder / "poses.jsonl").read_text().splitlines()) == len(frames)
    rows = csv.DictReader(io.StringIO((folder / "poses.csv").read_text()))
    assert len(list(rows)) == 17 * len(frames)
    assert len(json.loads((folder / "poses.coco.json").read_text())) == len(frames)
    with np.load(folder / "poses.npz") as data:
        assert len(data["frames"]) == len(frames)
    assert len(list(VideoReader(folder / "clip.mp4"))) == len(frames)
    assert not list(folder.glob(".*")), "nothing half-written is left"


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
def test_a_reader_that_goes_away_is_no_traceback(make_video: Any, tmp_path: Path) -> None:
    clip = make_video(frames=60)
    words = ("predict", clip, "--out", "-", "--save", "jsonl")
    process = start(*words, seconds=0.01, cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in err
    assert "Broken pipe" not in err


def test_what_libraries_print_does_not_reach_people(picture: Path, tmp_path: Path) -> None:
    data = picture.read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "cut.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    process = start("predict", "cut.png", "cut.mp4", "--quiet", seconds=0, cwd=tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines() == [
        "posecore: cut.png: wanted a picture, got a PNG file that is cut off, damaged or too large",
        "posecore: cut.mp4: wanted a video, got a file that is not one, is cut off, or has an unknown codec",
    ]
