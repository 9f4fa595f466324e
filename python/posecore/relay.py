"""Work handed from thread to thread, in order: made ahead of whoever takes it, or used up behind whoever makes it.

Every thread ends when its side of the work is closed; `close` waits for that.
"""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# Where a system does not wake a waiting main thread for Ctrl-C, it looks so often.
_LOOK_EVERY_S = 0.1


class Ended(Exception):
    """Nothing more comes through a channel."""


class Channel(Generic[T]):
    """A queue of at most `size` things from one thread to another.

    Args:
        drop: where it is full, the oldest thing makes room instead of the maker waiting.

    Attributes:
        dropped: how many things made room.
    """

    def __init__(self, size: int, *, drop: bool = False) -> None:
        self._size, self._drop = size, drop
        self._things: deque[T] = deque()
        # Re-entrant: whoever holds it may be the one that the garbage collector has close this.
        self._changed = threading.Condition(threading.RLock())
        self._ended = self._closed = False
        self._error: BaseException | None = None
        self.dropped = 0

    def put(self, thing: T) -> bool:
        """Hand over `thing`, waiting for room; False where nobody takes anything any more."""
        with self._changed:
            while len(self._things) >= self._size and not self._closed:
                if self._drop:
                    self._things.popleft()
                    self.dropped += 1
                else:
                    self._changed.wait(_LOOK_EVERY_S)
            if not self._closed:
                self._things.append(thing)
                self._changed.notify_all()
            return not self._closed

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes: whoever takes gets what still waits, and then `error`, or `Ended`."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def get(self, stop: Callable[[], bool] | None = None) -> T:
        """The next thing, waited for until `stop` says True.

        Raises:
            Ended: nothing more comes, or `stop` said so; and whatever `end` was given.
        """
        with self._changed:
            while not self._things:
                error, self._error = self._error, None
                if error is not None and not self._closed:
                    raise error
                if self._ended or self._closed or (stop is not None and stop()):
                    raise Ended
                self._changed.wait(_LOOK_EVERY_S)
            self._changed.notify_all()
            return self._things.popleft()

    def close(self) -> None:
        """Nothing more is taken: what waits is let go, and whoever makes or waits is told."""
        with self._changed:
            self._closed = True
            self._things.clear()
            self._changed.notify_all()


class Ahead(Iterator[T]):
    """Iterates in a thread of its own, up to `size` things ahead; an error comes after the things before it.

    Args:
        things: what is iterated; its `close()` is called by the thread, whatever ends it.
        size: at most so many things wait; one more is in the thread's hands.
        drop: where so many wait, the oldest one is dropped instead of the thread waiting.
        stop: where it says True, nothing more is waited for.
        grace_s: how long `join` waits for a thing under way; None is until it is there.
    """

    def __init__(
        self,
        things: Any,
        *,
        size: int,
        name: str,
        drop: bool = False,
        stop: Callable[[], bool] | None = None,
        grace_s: float | None = None,
    ) -> None:
        self._channel: Channel[T] = Channel(size, drop=drop)
        self._stop, self._grace_s = stop, grace_s
        # The thread does not know this object, so that dropping it without closing it ends the thread too. A
        # thread that hangs in a driver does not keep the process from ending.
        self._thread = threading.Thread(target=_fill, args=(things, self._channel), name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many things were dropped so far."""
        return self._channel.dropped

    def __next__(self) -> T:
        try:
            return self._channel.get(self._stop)
        except Ended:
            raise StopIteration from None

    def stop(self) -> None:
        """Tell the thread to end, and do not wait for it."""
        self._channel.close()

    def join(self) -> None:
        """Wait for the thread, which was told to end."""
        if self._thread is threading.current_thread():
            return
        self._thread.join(self._grace_s)
        if self._thread.is_alive():
            warnings.warn(
                f"{self._thread.name} has given nothing for {self._grace_s:g} s and cannot be stopped; "
                "its thread is left behind",
                RuntimeWarning,
                stacklevel=2,
            )

    def close(self) -> None:
        """End the thread and wait for it."""
        self.stop()
        self.join()

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.stop()


class Behind(Generic[T]):
    """Uses things up in a thread of its own, in order, up to `size` things behind.

    Leaving the block waits until all that was handed over is used up, also on Ctrl-C, so that it ends where a
    thing ends.

    Args:
        use: called with each thing; after an error of its it is not called again.
    """

    def __init__(self, use: Callable[[T], None], *, size: int, name: str) -> None:
        self._channel: Channel[T] = Channel(size)
        self._failure: list[BaseException] = []
        arguments = (use, self._channel, self._failure)
        self._thread = threading.Thread(target=_drain, args=arguments, name=name, daemon=True)
        self._thread.start()

    def put(self, thing: T) -> None:
        """Hand over `thing`; raises what `use` has raised, if it has."""
        if not self._channel.put(thing):
            self._thread.join()
            raise self._failure.pop() if self._failure else RuntimeError("nothing is used up any more")

    def __enter__(self) -> Behind[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._channel.end()
        try:
            self._thread.join()
        except BaseException:
            # Somebody is in a hurry: only the thing in work is waited for.
            self._channel.close()
            self._thread.join()
            raise
        if self._failure and kind is None:
            raise self._failure.pop()


def _fill(things: Any, channel: Channel[Any]) -> None:
    error: BaseException | None = None
    try:
        for thing in things:
            taken = channel.put(thing)
            # What was handed over belongs to whoever takes it.
            del thing
            if not taken:
                break
    except BaseException as caught:
        error = caught
    try:
        things.close()
    except BaseException as caught:
        error = error or caught
    try:
        channel.end(error)
    finally:
        del error


def _drain(use: Callable[[Any], None], channel: Channel[Any], failure: list[BaseException]) -> None:
    try:
        while True:
            thing = channel.get()
            use(thing)
            del thing
    except Ended:
        pass
    except BaseException as caught:
        failure.append(caught)
    finally:
        channel.close()
