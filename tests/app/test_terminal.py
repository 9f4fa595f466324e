"""Nothing that a file or a name holds steers the terminal that it is printed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from predict_command import Command

from posecore import COCO17

POINTS = [float(n) for k in range(17) for n in (100 + 5 * k, 100 + 11 * k, 2)]
HOSTILE = "\x1b[31mred\x9b2J\N{RIGHT-TO-LEFT OVERRIDE}\r\nAP 1.0000"
SIGMAS = ("--sigmas", ",".join(["0.05"] * 17))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A truth whose keypoints, pictures and own name are hostile, and its results."""
    monkeypatch.chdir(tmp_path)
    person = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
    person |= {"area": 20000.0, "bbox": [100, 100, 85, 187], "keypoints": POINTS}
    image = {"id": 1, "width": 640, "height": 480, "file_name": HOSTILE}
    names = [f"{HOSTILE}{k}" for k in range(17)]
    categories = [{"id": 1, "name": HOSTILE, "keypoints": names}]
    truth, known = Path("truth\x1b[31m\n.json"), Path("known\x1b[31m\n.json")
    data = {"images": [image], "annotations": [person], "categories": categories}
    truth.write_text(json.dumps(data))
    categories[0]["keypoints"] = list(COCO17.keypoints)
    known.write_text(json.dumps(data))
    results = Path("results\x1b[31m\n.json")
    result = {"image_id": 1, "category_id": 1, "keypoints": POINTS, "score": 0.9}
    results.write_text(json.dumps([result]))
    feet = Path("feet\x1b[31m\n.json")
    feet.write_text(json.dumps({"annotations": [{"id": 1, "image_id": 1, "keypoints": [5, 5, 2] * 6}]}))
    return {"truth": truth, "known": known, "results": results, "feet": feet, "out": "out\x1b[31m\n.html"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, ("eval", "truth", "results")),
        (0, ("eval", "truth", "results", *SIGMAS, "--per-image", "--per-keypoint")),
        (0, ("eval", "known", "results", "--metric", "px")),
        (2, ("eval", "truth", "results", "out")),
        (2, ("eval", "truth", "results", "--out", "truth")),
        (0, ("diagnose", "truth", "results", *SIGMAS, "--out", "out")),
        (0, ("diagnose", "truth", "results", "results", *SIGMAS, "--out", "out")),
        (0, ("merge-feet", "truth", "feet", "--out", "out")),
        (0, ("inspect-data", "truth", "--skeleton", "coco17", "--out", "out", "--write-clean", "clean")),
        (1, ("eval", "out", "results")),
    ],
)
def test_only_printable_text_is_printed(
    command: Command, files: dict[str, Any], code: int, words: tuple[str, ...]
) -> None:
    got, out, err = command(*(files.get(word, word) for word in words))
    assert got == code
    assert out or err
    assert [c for c in out + err if c != "\n" and not c.isprintable()] == []
    assert not any(line.startswith(("AP 1", ".json", ".html")) for line in (out + err).split("\n"))
