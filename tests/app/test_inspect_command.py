"""`posecore inspect`: tables, JSON and a page of one model file or of two, one sentence for what is wrong."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from export import tiny_graphs as tiny
from posecore import cli
from runtime import tiny_tflite


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small models of every format, in the working folder."""
    monkeypatch.chdir(tmp_path)
    files: dict[str, bytes] = {
        "net.tflite": bytes(tiny_tflite.with_decoder()),
        "int8.tflite": bytes(tiny_tflite.quantised()),
        "uint8.tflite": bytes(tiny_tflite.quantised(tiny_tflite.UINT8)),
        "net.onnx": tiny.channels_first(),
        "net.pb": tiny.frozen_graph(),
        "model.json": json.dumps(tiny.tfjs_model()).encode(),
        "net.keras": tiny.keras_archive(tiny.small_keras()),
        "net.kmodel": tiny.kmodel(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def run(capsys: Any, *words: object) -> tuple[int, str, str]:
    code = cli.main(["inspect", *map(str, words)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert all(len(line) <= 100 for line in out.splitlines() if "--json" not in words)
    return code, out, err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("net.tflite", "PosenetDecoderOp: poses"),
        ("net.onnx", "heatmaps of one person; 17 keypoints, a cell every 1 px"),
        ("net.pb", "17 keypoints, a cell every 2 px, heatmaps hold scores as they stand"),
        ("model.json", "heatmaps of one person"),
        ("net.keras", "heatmaps hold logits (the sigmoid is still to come)."),
        ("net.kmodel", "runs on nncase: 1.6, 1.7, 1.8, 1.9"),
    ],
)
def test_people_read_a_table(folder: Path, capsys: Any, name: str, says: str) -> None:
    code, out, err = run(capsys, name)
    assert (code, err) == (0, "")
    assert says in " ".join(out.split())
    # Operators come in order, with a number each.
    numbers = [int(match) for match in re.findall(r"^ *(\d+)  \S", out, re.MULTILINE)]
    assert numbers == sorted(numbers)
    assert numbers


def test_the_decoders_options_are_told_in_words(folder: Path, capsys: Any) -> None:
    _, out, _ = run(capsys, "net.tflite", "--brief")
    words = " ".join(out.split())
    assert "At most 7 people, scores from 0.25, equal keypoints of two people at least 8 px apart" in words
    assert "max_detections 7" in words
    assert "posecore predict --model runs it on any TFLite interpreter" in words


def test_of_two_files_the_one_that_is_free_is_told_the_others_size(folder: Path, capsys: Any) -> None:
    code, out, _ = run(capsys, "net.onnx", "net.keras", "--brief")
    assert code == 0
    words = " ".join(out.split())
    assert "the first model leaves the size of its input free" in words
    size = re.search(r"--size (\d+x\d+) \(height x width\) compares both at the other's", words)
    assert size is not None
    _, out, _ = run(capsys, "net.onnx", "net.keras", "--brief", "--size", size[1])
    assert "free" not in out
    assert not re.search("multiplies +unknown", out)
    _, out, _ = run(capsys, "net.onnx", "net.onnx", "--brief")
    assert "both models leave the size of their input free: --size HEIGHTxWIDTH" in " ".join(out.split())


def test_a_free_size_is_asked_for_and_counted(folder: Path, capsys: Any) -> None:
    _, out, _ = run(capsys, "net.onnx", "--brief")
    assert re.search(
        r"^multiplies +unknown +\(the size of the input is free: --size HEIGHTxWIDTH", out, re.MULTILINE
    )
    _, out, _ = run(capsys, "net.onnx", "--brief", "--size", "64x48")
    assert re.search(r"^multiplies +3,784,704$", out, re.MULTILINE)
    assert "shapes for an input of 64x48 px (height x width)" in out


def test_programs_read_json(folder: Path, capsys: Any) -> None:
    code, out, err = run(capsys, "net.keras", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["format"], found["parameters"], found["multiplies"]) == ("Keras", 392, 270_336)
    assert [each["kind"] for each in found["operators"]] == ["Conv2D", "BatchNormalization", "Conv2D"]
    assert found["purpose"]["heads"] == [{"name": "heatmap", "role": "heatmaps"}]
    assert found["page"] is None


def test_two_files_are_compared(folder: Path, capsys: Any) -> None:
    code, out, err = run(capsys, "int8.tflite", "uint8.tflite")
    assert (code, err) == (0, "")
    assert "operators   1 the same, 0 changed, 0 in the first alone, 2 in the second alone" in out
    assert "input image: type" in out
    assert re.search(r"^\+    0  QUANTIZE", out, re.MULTILINE)
    _, out, _ = run(capsys, "int8.tflite", "uint8.tflite", "--json")
    found = json.loads(out)
    assert found["differences"]["counts"] == {"same": 1, "changed": 0, "removed": 0, "added": 2}
    assert found["first"]["file"] == "int8.tflite"


def test_a_size_is_for_those_of_two_files_that_leave_it_free(folder: Path, capsys: Any) -> None:
    code, out, _ = run(capsys, "net.pb", "net.keras", "--size", "64x48", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["first"]["size"], found["second"]["size"]) == ([48, 64], None)


def test_the_page_is_written_once_and_not_over_anything(folder: Path, capsys: Any) -> None:
    code, _, err = run(capsys, "net.onnx", "--html", "new/page.html", "--brief")
    assert (code, err) == (0, "written: new/page.html\n")
    page = (folder / "new/page.html").read_bytes()
    assert page.startswith(b"<!doctype html>")
    code, _, err = run(capsys, "net.onnx", "--html", "new/page.html", "--brief")
    assert code == 2
    assert "new/page.html is there already; add --force" in err
    assert run(capsys, "net.onnx", "--html", "new/page.html", "--brief", "--force")[0] == 0
    # The same page for the same model.
    assert (folder / "new/page.html").read_bytes() == page
    assert run(capsys, "net.onnx", "--html", "net.onnx", "--force")[0] == 2


def test_what_is_wrong_is_one_sentence(folder: Path, capsys: Any) -> None:
    (folder / "half.onnx").write_bytes(tiny.channels_first()[:-40])
    for words, code, sentence in (
        (("nothing.onnx",), 1, "nothing.onnx cannot be read: no file of this name"),
        (("half.onnx",), 1, "half.onnx is not a whole ONNX model: a field is cut off"),
        (
            ("net.keras", "--size", "64"),
            1,
            "net.keras: wanted an input that is free to be 64x64 (height x width), got ?x64x48x3",
        ),
        (("net.onnx", "--size", "0x5"), 2, "wanted height x width such as 353x481, or one side, got '0x5'"),
        (("net.onnx", "half.onnx"), 1, "half.onnx is not a whole ONNX model"),
    ):
        got, out, err = run(capsys, *words)
        assert (got, out) == (code, ""), words
        assert sentence in err
        assert err.count("\n") == 1
    assert not list(folder.glob("*.html"))


def test_a_page_is_not_left_behind_where_a_file_is_wrong(folder: Path, capsys: Any) -> None:
    (folder / "half.onnx").write_bytes(tiny.channels_first()[:-40])
    assert run(capsys, "net.onnx", "half.onnx", "--html", "page.html")[0] == 1
    assert not (folder / "page.html").exists()


def test_names_from_files_steer_no_terminal(folder: Path, capsys: Any) -> None:
    nodes = [tiny.onnx_node("Re\x1b[31mlu", ["x"], ["\x1b]0;title\x07y"])]
    (folder / "bad.onnx").write_bytes(tiny.onnx_model(nodes, {"x": [1, 3, 8, 8]}, ["\x1b]0;title\x07y"], {}))
    code, out, _ = run(capsys, "bad.onnx")
    assert code == 0
    assert "\x1b" not in out
    assert "Re?[31mlu" in out


def test_nothing_but_numpy_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in (
        "cv2",
        "tensorflow",
        "keras",
        "onnx",
        "ai_edge_litert",
        "flatbuffers",
        "h5py",
        "google.protobuf",
    ):
        monkeypatch.setitem(sys.modules, name, None)
    for path in sorted(folder.iterdir()):
        assert run(capsys, path.name, "--html", f"{path.stem}.html", "--force")[0] == 0
