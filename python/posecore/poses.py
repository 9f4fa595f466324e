"""`Poses`: the people of one picture, as a frozen struct of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore import _core
from posecore.arguments import number, size
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

TIMES_S = 1e10
"""A time is within this on both sides of 0, in seconds: here, in the tracker and in the filters."""
_SCALARS = {"image_size", "time_s"}
_FIELDS = ("xy", "scores", "pose_scores", "visible", "track_ids", "skeleton", "image_size", "time_s")


class Poses:
    """N people of K keypoints each, best first. Immutable: its arrays are read-only, and its own.

    Attributes:
        xy: (N, K, 2) float32, x and y in pixels of the picture that was passed in; the centre of the
            top-left pixel is (0, 0). Always finite; it may lie outside of the picture.
        scores: (N, K) float32 in [0, 1], how sure each keypoint is.
        pose_scores: (N,) float32 in [0, 1], how sure each person is.
        visible: (N, K) bool, False where the decoder gave no such keypoint; its xy then means nothing.
        track_ids: (N,) int64, -1 where a person is not tracked.
        skeleton: what the K keypoints are.
        image_size: (width, height) of the picture in pixels, or None where nobody said.
        time_s: the frame's time in seconds, within 1e10 of 0, or None.

    Nobody found is xy of shape (0, K, 2), never None.

    Args:
        pose_scores: the mean of the keypoint scores where it is left out.
        visible: `scores > 0` where it is left out.
        track_ids: all -1 where it is left out.

    Raises:
        TypeError: an array of another dtype; nothing is cast.
        ValueError: shapes that do not fit together, coordinates that are not finite, scores outside
            [0, 1], a time out of range.
    """

    __slots__ = _FIELDS

    xy: FloatArray
    scores: FloatArray
    pose_scores: FloatArray
    visible: npt.NDArray[np.bool_]
    track_ids: npt.NDArray[np.int64]
    skeleton: Skeleton
    image_size: tuple[int, int] | None
    time_s: float | None

    def __init__(
        self,
        xy: FloatArray,
        scores: FloatArray,
        pose_scores: FloatArray | None = None,
        *,
        skeleton: Skeleton,
        visible: npt.NDArray[np.bool_] | None = None,
        track_ids: npt.NDArray[np.int64] | None = None,
        image_size: tuple[int, int] | None = None,
        time_s: float | None = None,
    ) -> None:
        if not isinstance(skeleton, Skeleton):
            raise TypeError(
                f"skeleton: wanted a Skeleton, such as posecore.COCO17, got {type(skeleton).__name__}"
            )
        keypoints = skeleton.num_keypoints
        _want(xy, "xy", np.float32, (None, keypoints, 2))
        people = xy.shape[0]
        _want(scores, "scores", np.float32, (people, keypoints))
        if pose_scores is None:
            pose_scores = scores.mean(axis=1, dtype=np.float32) if keypoints else np.zeros(people, np.float32)
        _want(pose_scores, "pose_scores", np.float32, (people,))
        if visible is None:
            visible = scores > 0
        _want(visible, "visible", np.bool_, (people, keypoints))
        if track_ids is None:
            track_ids = np.full(people, -1, np.int64)
        _want(track_ids, "track_ids", np.int64, (people,))
        if not np.isfinite(xy).all():
            raise ValueError("xy: wanted finite coordinates in pixels, got NaN or infinity")
        for name, values in (("scores", scores), ("pose_scores", pose_scores)):
            if values.size and not (values.min() >= 0 and values.max() <= 1):
                raise ValueError(f"{name}: wanted numbers in [0, 1], got {values.min()} to {values.max()}")
        image_size, time_s = _scalars(image_size, time_s)
        arrays = [_own(array) for array in (xy, scores, pose_scores, visible, track_ids)]
        for put, value in zip(_PUT, (*arrays, skeleton, image_size, time_s), strict=True):
            put(self, value)

    @classmethod
    def empty(
        cls, skeleton: Skeleton, *, image_size: tuple[int, int] | None = None, time_s: float | None = None
    ) -> Poses:
        """Nobody: xy of shape (0, K, 2)."""
        keypoints = skeleton.num_keypoints
        return cls(
            np.zeros((0, keypoints, 2), np.float32),
            np.zeros((0, keypoints), np.float32),
            np.zeros(0, np.float32),
            skeleton=skeleton,
            image_size=image_size,
            time_s=time_s,
        )

    @staticmethod
    def _trusted(*fields: Any) -> Poses:
        """Poses from arrays that are already right and read-only: nothing is looked at twice."""
        poses: Poses = _MAKER(fields)
        return poses

    @staticmethod
    def _maker() -> _core.PosesMaker:
        """What makes `Poses` out of all their fields, for decoders."""
        return _MAKER

    def __len__(self) -> int:
        return len(self.pose_scores)

    def __getitem__(self, which: int | slice | npt.NDArray[Any] | list[int] | list[bool]) -> Poses:
        """The chosen people, again as `Poses`: one index gives one person, N = 1.

        Raises:
            TypeError: neither an index, a slice, nor a row of indices or of N truth values.
            IndexError: people that are not there.
        """
        which = _chosen(which, len(self))
        arrays = (_sealed(getattr(self, name)[which]) for name in _FIELDS[:5])
        return Poses._trusted(*arrays, self.skeleton, self.image_size, self.time_s)

    def replace(self, **fields: Any) -> Poses:
        """A copy with some fields changed, checked as the constructor does."""
        unknown = sorted(set(fields) - set(_FIELDS))
        if unknown:
            raise TypeError(
                f"replace: wanted fields of Poses ({', '.join(_FIELDS)}), got {', '.join(unknown)}"
            )
        values = {name: getattr(self, name) for name in _FIELDS} | fields
        if not fields.keys() <= _SCALARS:
            return Poses(**values)
        # A video changes these for every frame, while its network waits.
        values["image_size"], values["time_s"] = _scalars(values["image_size"], values["time_s"])
        return Poses._trusted(*values.values())

    def boxes(self) -> FloatArray:
        """(N, 4) float32: x0, y0, x1, y1 in pixels around the visible keypoints; zeros where none is."""
        boxes = np.zeros((len(self), 4), np.float32)
        for box, points, visible in zip(boxes, self.xy, self.visible, strict=True):
            if visible.any():
                box[:2] = points[visible].min(axis=0)
                box[2:] = points[visible].max(axis=0)
        return boxes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Poses):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in _FIELDS[:5]) and all(
            getattr(self, name) == getattr(other, name) for name in _FIELDS[5:]
        )

    __hash__ = None  # type: ignore[assignment]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Poses cannot be changed: use poses.replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("Poses cannot be changed")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_unpickled, tuple(getattr(self, name) for name in _FIELDS))

    def __repr__(self) -> str:
        people = len(self)
        best = f", best {self.pose_scores.max():.2f}" if people else ""
        size = f", image {self.image_size[0]}x{self.image_size[1]}" if self.image_size else ""
        noun = "person" if people == 1 else "people"
        return f"Poses({people} {noun} of {self.skeleton.name}{best}{size})"


# By the slots themselves: `Poses` forbids every other way.
_SLOTS = tuple(getattr(Poses, name) for name in _FIELDS)
_PUT = tuple(slot.__set__ for slot in _SLOTS)
_MAKER = _core.PosesMaker(Poses, _SLOTS)


def _scalars(image_size: Any, time_s: Any) -> tuple[tuple[int, int] | None, float | None]:
    return (
        None if image_size is None else size(image_size, "image_size"),
        None if time_s is None else number(time_s, "time_s", -TIMES_S, TIMES_S),
    )


def _chosen(which: object, people: int) -> slice | npt.NDArray[Any]:
    if isinstance(which, slice):
        return which
    wanted = f"poses: wanted an index, a slice, or a row of indices or truth values for {people} people"
    one = isinstance(which, (int, np.integer)) and not isinstance(which, bool)
    rows = (
        np.array([which], np.intp)
        if one
        else np.asarray(which)
        if isinstance(which, (list, np.ndarray))
        else None
    )
    if rows is None or rows.ndim != 1 or (rows.size > 0 and rows.dtype.kind not in "iub"):
        raise TypeError(f"{wanted}, got {which!r}")
    if rows.dtype == np.bool_:
        if len(rows) != people:
            raise IndexError(f"{wanted}, got {len(rows)} truth values")
        return rows
    rows = rows.astype(np.intp)
    if rows.size and not (rows.min() >= -people and rows.max() < people):
        raise IndexError(f"{wanted}, got {which!r}")
    return rows


def _unpickled(*fields: Any) -> Poses:
    return Poses._trusted(*(_own(field) if isinstance(field, np.ndarray) else field for field in fields))


def _own(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself where nobody can write to it, else a copy."""
    if array.flags.writeable or not array.flags.owndata:
        return _sealed(array.copy())
    return array


def _sealed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array that only we have, from now on read-only."""
    array.flags.writeable = False
    return array


def _want(array: object, name: str, dtype: Any, shape: tuple[int | None, ...]) -> None:
    wanted = (
        "("
        + ", ".join("N" if size is None else str(size) for size in shape)
        + ("," if len(shape) == 1 else "")
        + ")"
    )
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"{name}: wanted a NumPy array {np.dtype(dtype).name} of shape {wanted}, got {type(array).__name__}"
        )
    if array.dtype != dtype:
        raise TypeError(f"{name}: wanted dtype {np.dtype(dtype).name}, got {array.dtype}")
    if array.ndim != len(shape) or any(
        w is not None and w != g for w, g in zip(shape, array.shape, strict=True)
    ):
        raise ValueError(f"{name}: wanted shape {wanted}, got {array.shape}")
