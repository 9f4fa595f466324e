"""The times that a run reports are those of the sources and stages that took them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from predict_command import Command

from posecore import summary
from posecore.sources import Source
from posecore.summary import Stopwatch, Summary, Tally


class Ticks:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks(monkeypatch: Any) -> Ticks:
    ticks = Ticks()
    monkeypatch.setattr(summary, "perf_counter", ticks)
    return ticks


def test_a_stage_has_the_seconds_of_its_blocks_and_the_total_those_of_all(ticks: Ticks) -> None:
    stopwatch = Stopwatch()
    for name, seconds in (("read", 2), ("draw", 3), ("read", 4)):
        with stopwatch.stage(name):
            ticks.now += seconds
        ticks.now += 100
    assert stopwatch.seconds == {"read": 6, "resize": 0, "network": 0, "decode": 0, "draw": 3, "write": 0}
    assert stopwatch.total == 9


def test_a_stage_that_fails_took_its_time_all_the_same(ticks: Ticks) -> None:
    stopwatch = Stopwatch()

    def fail() -> None:
        with stopwatch.stage("write"):
            ticks.now += 7
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert stopwatch.seconds["write"] == 7


@pytest.mark.parametrize(
    ("kind", "people", "seconds", "line"),
    [
        ("picture", [2], 0.0834, "it: 2 people, 83 ms"),
        ("picture", [1], 1.5, "it: 1 person, 1500 ms"),
        ("heads", [0], 0.002, "it: 0 people, 2 ms"),
        ("video", [1, 4, 1, 0], 0.5, "it: 4 frames, 1.5 people a frame, at most 4, 125 ms a frame"),
        ("camera", [1], 0.04, "it: 1 frame, 1.0 people a frame, at most 1, 40 ms a frame"),
    ],
)
def test_a_sources_line_has_its_people_and_its_milliseconds_a_frame(
    kind: Any, people: list[int], seconds: float, line: str
) -> None:
    tally = Tally(Source(kind, "it"), seconds=seconds)
    for count in people:
        tally.count(count)
    assert tally.line() == line
    tally.drawn = Path("o", "it.png")
    assert tally.line() == f"{line} -> {tally.drawn}"


def test_the_table_divides_by_the_frames(ticks: Ticks) -> None:
    whole = Summary(started=ticks.now - 12.5)
    for name, seconds in (("read", 0.02), ("network", 0.06)):
        whole.stopwatch.seconds[name] = seconds
    for error in (None, "broken"):
        whole.tallies.append(Tally(Source("picture", "it"), frames=2, people=3, error=error))
    assert [" ".join(line.split()) for line in whole.lines()] == [
        "stage ms/frame share",
        "read 5.00 25 %",
        "resize 0.00 0 %",
        "network 15.00 75 %",
        "decode 0.00 0 %",
        "draw 0.00 0 %",
        "write 0.00 0 %",
        "sum 20.00",
        "4 frames, 6 poses, 12.5 s, 1 source failed",
    ]


@pytest.mark.usefixtures("cv2")
def test_each_file_of_the_report_has_its_own_milliseconds(
    command: Command, picture: Path, make_video: Any, ticks: Ticks
) -> None:
    clip = make_video(frames=4)
    # The clock of reading, drawing and writing stands still, so that all time is what the estimator says.
    _, out, _ = command("predict", picture, clip, "--json")
    report = json.loads(out)
    assert [file["ms"] for file in report["files"]] == pytest.approx([3.5, 14])
    assert report["ms_per_frame"] == {
        "read": 0, "resize": 1, "network": 2, "decode": 0.5, "draw": 0, "write": 0,
    }  # fmt: skip
