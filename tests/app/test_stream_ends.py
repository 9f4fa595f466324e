"""However a stream ends, its threads end with it, and so does whatever it had open."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from moving_people import MeanSmoother, RowTracker, estimate, frames, number_of, numbered, our_threads

import posecore as pc
from posecore import relay, streaming
from posecore.poses import Poses
from posecore.relay import Ahead, Behind

PATIENCE_S = 60.0


class Broken(Exception):
    pass


def failing(step: Any, at: int) -> Any:
    """The same step, which breaks when it is called for frame `at`."""
    calls = []

    def call(value: Any) -> Any:
        calls.append(value)
        if len(calls) > at:
            raise Broken("here")
        return step(value)

    return call


def broken_frames(at: int) -> Iterator[np.ndarray]:
    yield from frames(at)
    raise Broken("here")


@pytest.mark.parametrize("stage", ["source", "estimator", "tracker", "smoother"])
@pytest.mark.parametrize("at", [0, 1, 7])
def test_an_error_of_any_stage_comes_after_the_frames_before_it(stage: str, at: int) -> None:
    steps = {"estimator": estimate, "tracker": RowTracker(), "smoother": MeanSmoother()}
    if stage != "source":
        steps[stage] = failing(steps[stage], at)
    stream = pc.stream(broken_frames(at) if stage == "source" else frames(30), **steps)
    seen = []

    def go_on() -> None:
        for frame, _ in stream:
            seen.append(number_of(frame))

    with pytest.raises(Broken, match=r"^here$"):
        go_on()
    assert seen == list(range(at))
    assert our_threads() == []
    assert list(stream) == []


@pytest.mark.parametrize("stage", ["estimator", "tracker", "smoother"])
def test_a_stop_iteration_of_a_step_is_not_the_end_of_the_frames(stage: str) -> None:
    steps = {"estimator": estimate, "tracker": RowTracker(), "smoother": MeanSmoother()}
    exhausted = iter(range(2))
    right = steps[stage]

    def step(value: Any) -> Poses:
        next(exhausted)
        return right(value)

    steps[stage] = step
    stream = pc.stream(frames(30), **steps)
    assert [number_of(next(stream)[0]) for _ in range(2)] == [0, 1]
    with pytest.raises(
        RuntimeError, match=rf"^{stage}: wanted Poses from it, got StopIteration, which does not"
    ):
        next(stream)
    assert our_threads() == []


def test_the_end_of_the_source_ends_the_threads() -> None:
    stream = pc.stream(frames(100), estimate)
    assert our_threads() == []
    next(stream)
    assert sorted(our_threads()) == ["posecore: network", "posecore: reading"]
    assert len(list(stream)) == 99
    assert our_threads() == []


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_closing_ends_the_threads_although_the_source_never_ends(taken: int) -> None:
    def endless() -> Iterator[np.ndarray]:
        while True:
            yield numbered(1)

    stream = pc.stream(endless(), estimate)
    for _ in range(taken):
        next(stream)
    stream.close()
    assert our_threads() == []
    stream.close()
    assert list(stream) == []


@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt])
def test_an_error_in_a_with_block_ends_the_threads(error: type[BaseException]) -> None:
    def leave() -> None:
        with pc.stream(frames(1000), estimate) as stream:
            for _ in stream:
                raise error

    with pytest.raises(error):
        leave()
    assert our_threads() == []


def test_a_loop_that_is_left_ends_the_threads_when_nobody_holds_the_stream() -> None:
    for frame, _ in pc.stream(frames(100_000), estimate):
        if number_of(frame) == 3:
            break
    gc.collect()
    assert our_threads() == []


class Holder:
    """Holds a stream that calls it."""

    def __init__(self, how: str) -> None:
        find = {"method": self.find, "closure": lambda frame: self.find(frame)}[how]
        self.stream = pc.stream(frames(100_000), find)

    def find(self, frame: np.ndarray) -> Poses:
        return estimate(frame)


@pytest.mark.parametrize("how", ["method", "closure"])
@pytest.mark.parametrize("taken", [1, 7])
def test_an_object_whose_stream_calls_it_is_let_go_with_its_threads(how: str, taken: int) -> None:
    holder = Holder(how)
    for _ in range(taken):
        next(holder.stream)
    gone = weakref.ref(holder)
    del holder

    def let_go() -> bool:
        gc.collect()
        return gone() is None and our_threads() == []

    # The frame in the network's hands has to be finished first.
    assert any(let_go() for _ in range(1000))


def test_a_stream_that_was_never_started_lets_go_of_its_source(monkeypatch: Any) -> None:
    closed = []
    monkeypatch.setattr(streaming, "open_frames", lambda *_, **__: Given(closed))
    pc.stream("x", estimate).close()
    assert closed == [threading.current_thread()]


class Given:
    fps, live, missing_frames = 30.0, False, 0

    def __init__(self, closed: list[threading.Thread]) -> None:
        self._closed = closed

    def __iter__(self) -> Iterator[Any]:
        for number in range(1000):
            yield number, number / 30, numbered(number)

    def close(self) -> None:
        self._closed.append(threading.current_thread())


def test_a_source_is_let_go_of_by_the_thread_that_reads_it_and_once(monkeypatch: Any) -> None:
    """A capture that is released while another thread is in it takes the process with it."""
    closed: list[threading.Thread] = []
    monkeypatch.setattr(streaming, "open_frames", lambda *_, **__: Given(closed))
    stream = pc.stream("x", estimate)
    next(stream)
    stream.close()
    assert [thread.name for thread in closed] == ["posecore: reading"]


def test_a_source_that_hangs_is_left_behind_with_a_warning(monkeypatch: Any) -> None:
    monkeypatch.setattr(streaming, "_GRACE_S", 0.05)
    go_on = threading.Event()

    def hangs() -> Iterator[np.ndarray]:
        yield numbered(0)
        go_on.wait(PATIENCE_S)

    stream = pc.stream(hangs(), estimate)
    next(stream)
    with pytest.warns(RuntimeWarning, match=r"posecore: reading has given nothing for 0\.05 s"):
        stream.close()
    (thread,) = (each for each in threading.enumerate() if each.name == "posecore: reading")
    assert thread.daemon
    go_on.set()
    thread.join(PATIENCE_S)
    assert our_threads() == []


def test_the_frame_in_work_is_finished_before_close_returns() -> None:
    begun, finished, go_on = threading.Event(), [], threading.Event()

    def find(frame: np.ndarray) -> Poses:
        if number_of(frame) == 1:
            begun.set()
            go_on.wait(PATIENCE_S)
        finished.append(number_of(frame))
        return estimate(frame)

    def let_go_on() -> None:
        while not stream._closed:
            pass
        go_on.set()

    stream = pc.stream(frames(100), find)
    next(stream)
    assert begun.wait(PATIENCE_S)
    helper = threading.Thread(target=let_go_on)
    helper.start()
    stream.close()
    assert finished == [0, 1]
    assert our_threads() == []
    helper.join()


CTRL_C = """
import os, signal, threading, time
import numpy as np
import posecore as pc

def frames():
    while True:
        yield np.zeros((8, 8, 3), np.uint8)

def find(frame):
    time.sleep(0.01)
    return pc.Poses.empty(pc.COCO17)

done = 0
try:
    for frame, poses in pc.stream(frames(), find):
        done += 1
        if done == 3:
            print("running", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize(
    ("script", "said"),
    [(CTRL_C, ["interrupted"]), (CTRL_C.replace("except KeyboardInterrupt", "except OSError"), [])],
    ids=["caught", "not caught"],
)
def test_ctrl_c_ends_a_process_that_streams(script: str, said: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert out.splitlines() == said
    assert process.returncode == (0 if said else -signal.SIGINT), err
    assert "Fatal" not in err


def test_a_process_that_forgets_its_stream_ends_well() -> None:
    script = CTRL_C.partition("done = 0")[0] + "kept = pc.stream(frames(), find)\nnext(kept)\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")


# The threads by themselves


def test_what_is_behind_is_used_up_in_order_before_the_block_is_left() -> None:
    used: list[int] = []
    with Behind(used.append, size=2, name="posecore: test") as behind:
        for number in range(50):
            behind.put(number)
    assert used == list(range(50))
    assert our_threads() == []


def test_an_error_behind_comes_back_with_the_next_thing_or_at_the_end() -> None:
    def use(thing: int) -> None:
        raise Broken("there")

    def put_many() -> None:
        with Behind(use, size=1, name="posecore: test") as behind:
            for number in range(50):
                behind.put(number)

    def put_one() -> None:
        with Behind(use, size=1, name="posecore: test") as behind:
            behind.put(0)

    for put in (put_many, put_one):
        with pytest.raises(Broken, match="there"):
            put()
        assert our_threads() == []


def test_an_error_in_front_does_not_lose_what_was_handed_over() -> None:
    used: list[int] = []

    def work() -> None:
        with Behind(used.append, size=8, name="posecore: test") as behind:
            for number in range(5):
                behind.put(number)
            raise Broken

    with pytest.raises(Broken):
        work()
    assert used == [0, 1, 2, 3, 4]


def test_waiting_ends_where_somebody_says_stop(monkeypatch: Any) -> None:
    monkeypatch.setattr(relay, "_LOOK_EVERY_S", 0.001)
    go_on, stopped = threading.Event(), threading.Event()

    class Slow:
        def __iter__(self) -> Iterator[int]:
            yield 1
            go_on.wait(PATIENCE_S)

        def close(self) -> None:
            stopped.set()

    with Ahead(Slow(), size=1, name="posecore: test", stop=lambda: go_on.is_set()) as ahead:
        assert next(ahead) == 1
        go_on.set()
        with pytest.raises(StopIteration):
            next(ahead)
    assert stopped.is_set()
    assert our_threads() == []
