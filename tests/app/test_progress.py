"""What is said while work goes on: on a terminal a bar that knows how long it will take, in a log now and then
a line."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from typing import Any

import pytest

from posecore import progress
from posecore.progress import Progress, clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Hours:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def hours(monkeypatch: Any) -> Hours:
    hours = Hours()
    monkeypatch.setattr(progress, "time", hours)
    return hours


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def terminal(monkeypatch: Any) -> Terminal:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


@pytest.fixture
def plain_terminal(terminal: Terminal, monkeypatch: Any) -> Terminal:
    """A terminal where rich is not installed."""
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    return terminal


def work(stderr: io.StringIO, hours: Hours, units: int, *, seconds: float, total: int | None = 100) -> None:
    with redirect_stderr(stderr), Progress().task("clip.mp4", total, "frame") as task:
        for _ in range(units):
            hours.now += seconds
            task.advance()


def test_a_log_gets_a_line_every_ten_seconds_with_rate_and_time_left(log: io.StringIO, hours: Hours) -> None:
    work(log, hours, 65, seconds=0.5)
    assert log.getvalue().splitlines() == [
        "clip.mp4: frame 20 of 100 20 %, 2.0/s, 0:40 left",
        "clip.mp4: frame 40 of 100 40 %, 2.0/s, 0:30 left",
        "clip.mp4: frame 60 of 100 60 %, 2.0/s, 0:20 left",
    ]


def test_where_nobody_knows_the_total_there_is_a_rate_and_no_time_left(
    log: io.StringIO, hours: Hours
) -> None:
    work(log, hours, 3, seconds=4, total=None)
    assert log.getvalue().splitlines() == ["clip.mp4: frame 3, 0.2/s"]


def test_short_work_says_nothing_in_a_log(log: io.StringIO, hours: Hours) -> None:
    work(log, hours, 99, seconds=0.1)
    assert log.getvalue() == ""


def test_a_terminal_has_one_line_that_is_written_over_itself_and_gone_at_the_end(
    plain_terminal: Terminal, hours: Hours
) -> None:
    work(plain_terminal, hours, 3, seconds=1, total=4)
    texts = [text for text in plain_terminal.getvalue().split("\r") if text.strip()]
    assert texts == [
        "clip.mp4: frame 1 of 4 [######..................] 25 %, 1.0/s, 0:03 left",
        "clip.mp4: frame 2 of 4 [############............] 50 %, 1.0/s, 0:02 left",
        "clip.mp4: frame 3 of 4 [##################......] 75 %, 1.0/s, 0:01 left",
    ]
    assert "\n" not in plain_terminal.getvalue()
    assert plain_terminal.getvalue().endswith("\r" + " " * len(texts[-1]) + "\r")


def test_a_terminal_is_not_written_to_more_than_ten_times_a_second(
    plain_terminal: Terminal, hours: Hours
) -> None:
    work(plain_terminal, hours, 100, seconds=0.03125, total=1000)
    assert plain_terminal.getvalue().count("clip.mp4") == 25


def test_a_line_never_wraps_on_a_narrow_terminal(
    plain_terminal: Terminal, hours: Hours, monkeypatch: Any
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    work(plain_terminal, hours, 1, seconds=1)
    assert max(map(len, plain_terminal.getvalue().split("\r"))) == 29


def test_more_units_than_were_promised_are_not_more_than_everything(log: io.StringIO, hours: Hours) -> None:
    work(log, hours, 5, seconds=10, total=4)
    assert log.getvalue().splitlines()[-1] == "clip.mp4: frame 5 of 4 100 %, 0.1/s, 0:00 left"


def test_a_line_of_text_stands_above_the_bar(plain_terminal: Terminal, hours: Hours) -> None:
    says = Progress()
    with redirect_stderr(plain_terminal), says.task("clip.mp4", 4, "frame") as task:
        hours.now += 1
        task.advance()
        says.line("one.png: 1 person")
    bar, _, text = plain_terminal.getvalue().strip("\r").split("\r")
    assert bar.startswith("clip.mp4: frame 1 of 4")
    assert text == "one.png: 1 person\n"


def test_with_rich_a_terminal_has_richs_bar(terminal: Terminal, hours: Hours) -> None:
    pytest.importorskip("rich", reason='rich is not installed: pip install "posecore[app]"')
    says = Progress()
    with redirect_stderr(terminal), says.task("clip [bold].mp4", 8, "frame") as task:
        for _ in range(3):
            hours.now += 0.25
            task.advance()
        says.line("[red] is a word")
    shown = terminal.getvalue()
    assert "clip [bold].mp4" in shown
    assert "3/8" in shown
    assert "4.0 frames/s" in shown
    assert "[red] is a word" in shown
    assert "frame 3 of 8" not in shown


def test_a_log_has_no_bar_even_with_rich(log: io.StringIO, hours: Hours) -> None:
    work(log, hours, 2, seconds=10, total=4)
    assert "\x1b" not in log.getvalue()
    assert "[" not in log.getvalue()


def test_quiet_says_nothing_but_errors(log: io.StringIO, hours: Hours) -> None:
    says = Progress(quiet=True)
    with redirect_stderr(log), says.task("clip.mp4", 4, "frame") as task:
        hours.now += 100
        task.advance()
        says.line("one.png: 1 person")
        says.error("posecore: two.png: wanted a picture, got an empty file")
    assert log.getvalue() == "posecore: two.png: wanted a picture, got an empty file\n"


def test_an_error_in_the_work_takes_the_bar_away(plain_terminal: Terminal, hours: Hours) -> None:
    says = Progress()

    def fail() -> None:
        with redirect_stderr(plain_terminal), says.task("clip.mp4", 4, "frame") as task:
            hours.now += 1
            task.advance()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with redirect_stderr(plain_terminal):
        says.line("after it")
    assert plain_terminal.getvalue().endswith(" \rafter it\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (6.4, "0:06"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03"), (-5, "0:00")],
)
def test_seconds_as_a_clock_shows_them(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize("rich", [True, False])
@pytest.mark.parametrize("where", ["log", "terminal"])
def test_names_from_files_do_not_steer_a_terminal(
    request: Any, monkeypatch: Any, hours: Hours, rich: bool, where: str
) -> None:
    stderr = request.getfixturevalue(where)
    if not rich:
        monkeypatch.setattr(progress, "find_spec", lambda name: None)
    name = "a\x1b]0;mine\x07\x9b2Jb\nc\u202e.mp4"
    with redirect_stderr(stderr):
        said = Progress()
        said.line(name)
        with said.task(name, 3, "frame") as task:
            said.error(name)
            for _ in range(2):
                hours.now += 11
                task.advance()
    text = stderr.getvalue()
    assert text.count("a?]0;mine??2Jb?c?.mp4") >= 3
    assert not {"\x1b]", "\x07", "\x9b", "\u202e"} & set(text) | {c for c in ("\x1b]", "b\nc") if c in text}
