"""Heads to poses: `Decoder` for many people, `SingleDecoder` and `HeatmapDecoder` for one.

The arithmetic is the C++ core's; here options get their names and mistakes their sentences.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from posecore import _core
from posecore.arguments import choice, number, size, whole, yes_or_no
from posecore.heads import STRIDE_PX, TENSORS, Heads
from posecore.poses import Poses
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

Refinement = Literal["none", "quarter", "taylor"]
_REFINEMENTS: tuple[Refinement, ...] = ("none", "quarter", "taylor")
Sampling = Literal["bilinear", "nearest"]
_SAMPLINGS: tuple[Sampling, ...] = ("bilinear", "nearest")
Semantics = Literal["coral", "tfjs"]
# What is read between cells and how often a keypoint is refined, where nobody says.
_SEMANTICS: dict[Semantics, tuple[Sampling, int]] = {"coral": ("bilinear", 5), "tfjs": ("nearest", 2)}
_MAX_KEYPOINTS = 1024
_MAX_THREADS = 1024


class Onto(NamedTuple):
    """The picture that poses are wanted in: input pixel v is picture pixel v * scale + shift.

    Attributes:
        pixel_map: scale x, scale y, shift x, shift y, each from -1e9 to 1e9.
        image_size: (width, height) of the picture in pixels, each 1 or more.
    """

    pixel_map: tuple[float, float, float, float]
    image_size: tuple[int, int]


class Decoder:
    """Every person of a picture from PoseNet heads: PersonLab's greedy grouping (arXiv 1803.08225) with the
    sampling, refinement and re-scoring of Coral's decoder.

    Local maxima of the heatmaps start poses, best first; from each the other keypoints are found along the
    skeleton's edges by bilinearly sampled displacements and short-offset refinements; a person who is
    already held is not found twice. Equal scores are taken by row, column, keypoint.

    Args:
        skeleton: K keypoints joined by a tree of edges, in channel order.
        stride_px: input pixels from cell to cell, over 0.
        max_poses: the most people that are returned, 1..65536. A duplicate never takes a person's place.
        root_threshold: score in [0, 1] from which a local maximum starts a pose.
        pose_threshold: score in [0, 1] below which a pose is dropped. A pose's score is the mean of its
            keypoint scores, with those that a better pose already has counted as 0.
        nms_radius_px: two keypoints of one kind within this many input pixels are one, 0 or more.
        refine_steps: short-offset corrections after each displacement, 0..100. None is what `semantics` has: 5,
            which ends within 0.001 px, and tfjs's 2.
        local_maximum_radius: cells that a root is a maximum over, in each direction, 0..100.
        sampling: what is read between cells: "bilinear", or "nearest" for the nearest cell as it stands, where
            offsets and displacements then start. None is what `semantics` has; "tfjs" has "nearest" and no other.
        rescore: False leaves a pose's score the mean of all its keypoint scores, and drops nobody for what
            better poses have; people still start only where nobody is.
        semantics: whose poses they are. "coral" is all of the above. "tfjs" are the poses of the JavaScript package
            @tensorflow-models/posenet 2.2.2, for what was tuned with it: scores of the nearest cell, points that
            may lie outside of the picture, poses in the order of their roots, and duplicates among them, each of
            which holds one of max_poses. It changes no other default: tfjs's own are max_poses=5,
            root_threshold=0.5, nms_radius_px=20 and pose_threshold=0, since tfjs drops nobody.

    A decoder keeps its working memory: one a thread.

    Raises:
        TypeError: an option of another type, or a skeleton that is none.
        ValueError: an option out of range, or a skeleton without edges.
    """

    __slots__ = ("_core", "_options", "_stride_px", "skeleton")

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        stride_px: float,
        max_poses: int = 20,
        root_threshold: float = 0.2,
        pose_threshold: float = 0.2,
        nms_radius_px: float = 10.0,
        refine_steps: int | None = None,
        local_maximum_radius: int = 1,
        sampling: Sampling | None = None,
        rescore: bool = True,
        semantics: Semantics = "coral",
    ) -> None:
        _want_skeleton(skeleton)
        if skeleton.num_keypoints > _MAX_KEYPOINTS:
            raise ValueError(
                f"skeleton: wanted at most {_MAX_KEYPOINTS} keypoints, got {skeleton.num_keypoints} of {skeleton.name}"
            )
        if len(skeleton.edges) != skeleton.num_keypoints - 1:
            raise ValueError(
                f"skeleton: wanted edges to walk from keypoint to keypoint, got none in {skeleton.name}; "
                "HeatmapDecoder needs none"
            )
        choice(semantics, "semantics", tuple(_SEMANTICS))
        own_sampling, own_steps = _SEMANTICS[semantics]
        sampling = own_sampling if sampling is None else sampling
        choice(sampling, "sampling", _SAMPLINGS)
        if semantics == "tfjs" and sampling != "nearest":
            raise ValueError(f'sampling: wanted "nearest" or None with semantics="tfjs", got {sampling!r}')
        refine_steps = own_steps if refine_steps is None else refine_steps
        self.skeleton = skeleton
        self._options: dict[str, Any] = {
            "stride_px": number(stride_px, "stride_px", *STRIDE_PX),
            "max_poses": whole(max_poses, "max_poses", 1, 65536),
            "root_threshold": number(root_threshold, "root_threshold", 0, 1),
            "pose_threshold": number(pose_threshold, "pose_threshold", 0, 1),
            "nms_radius_px": number(nms_radius_px, "nms_radius_px", 0, 65536),
            "refine_steps": whole(refine_steps, "refine_steps", 0, 100),
            "local_maximum_radius": whole(local_maximum_radius, "local_maximum_radius", 0, 100),
            "sampling": sampling,
            "rescore": yes_or_no(rescore, "rescore"),
            "semantics": semantics,
        }
        self._stride_px = self._options["stride_px"]
        self._core = _core.MultiPoseDecoder(
            Poses._maker(),
            skeleton,
            Heads,
            Onto,
            num_keypoints=skeleton.num_keypoints,
            edges=list(skeleton.edges),
            **{name: value for name, value in self._options.items() if name != "semantics"}
            | {"sampling": _SAMPLINGS.index(sampling), "tfjs": semantics == "tfjs"},
        )

    def __call__(
        self,
        heatmaps: Heads | npt.NDArray[np.float32],
        short_offsets: npt.NDArray[np.float32] | None = None,
        displacement_fwd: npt.NDArray[np.float32] | None = None,
        displacement_bwd: npt.NDArray[np.float32] | None = None,
    ) -> Poses:
        """The people of one picture, best first, in input pixels.

        Either one `Heads`, of any dtype, layout and quantisation, or four float32 arrays: heatmaps
        (h, w, K) logits, short offsets (h, w, 2K), forward and backward displacements (h, w, 2(K - 1)) in
        input pixels, all y before all x.

        Raises:
            TypeError: arrays of another dtype; nothing is cast.
            ValueError: shapes that do not fit the skeleton, or heads of another stride.
            RuntimeError: this decoder is at work in another thread.
        """
        if isinstance(heatmaps, Heads):
            if short_offsets is not None or displacement_fwd is not None or displacement_bwd is not None:
                raise TypeError("heatmaps: wanted either one Heads or four arrays, got both")
            poses: Poses = self._core.decode(heatmaps, None)
        else:
            poses = self._core.decode_arrays(heatmaps, short_offsets, displacement_fwd, displacement_bwd)
        return poses

    def decode(self, heads: Heads, onto: Onto | None = None) -> Poses:
        """As calling does, in pixels of the picture that the heads were made from where `onto` says how the
        input's pixels lie in it; raises as calling does, and TypeError or ValueError for an `onto` that is none."""
        poses: Poses = self._core.decode(heads, onto)
        return poses

    def decode_batch(
        self,
        frames: Iterable[Heads] | npt.NDArray[np.float32],
        short_offsets: npt.NDArray[np.float32] | None = None,
        displacement_fwd: npt.NDArray[np.float32] | None = None,
        displacement_bwd: npt.NDArray[np.float32] | None = None,
        *,
        threads: int | None = None,
    ) -> list[Poses]:
        """The people of many pictures, in their order: what calling the decoder with each would give, decoded by
        several threads while Python is free to do other things.

        Either N `Heads`, of any grids, dtypes and layouts, or the four float32 arrays that calling takes, here of
        shape (N, h, w, channels), the first in the place of `frames`.

        Args:
            threads: at most so many, from 1 to 1024; None is as many as this process may use processors.

        Raises:
            TypeError, ValueError: as calling does; where it is one frame's fault, the sentence begins with its
                number, as in "frames[3]: ...". Nothing is decoded then.
            RuntimeError: this decoder is at work in another thread.
        """
        hands = _processors() if threads is None else whole(threads, "threads", 1, _MAX_THREADS)
        offsets = short_offsets, displacement_fwd, displacement_bwd
        if isinstance(frames, np.ndarray):
            return self._core.decode_batch(self._frames_of((frames, *offsets)), hands)
        if isinstance(frames, (Heads, str, bytes)) or not isinstance(frames, Iterable):
            raise TypeError(f"frames: wanted a row of Heads, or four arrays, got {type(frames).__name__}")
        if any(array is not None for array in offsets):
            raise TypeError("frames: wanted either a row of Heads or four arrays, got both")
        return self._core.decode_batch(tuple(frames), hands)

    def _frames_of(self, arrays: tuple[Any, ...]) -> tuple[Heads, ...]:
        """Heads of each frame of four arrays, whose channels and grids the core looks at."""
        needed = 4 if self.skeleton.num_keypoints > 1 else 2
        for name, array in zip(TENSORS[:needed], arrays, strict=False):
            wanted = f"{name}: wanted a float32 array of shape (N, h, w, channels)"
            if not isinstance(array, np.ndarray):
                raise TypeError(f"{wanted}, got {type(array).__name__}")
            if array.dtype != np.float32:
                raise TypeError(f"{wanted}, got {array.dtype}")
            if array.ndim != 4:
                raise ValueError(f"{wanted}, got {array.shape}")
            if len(array) != len(arrays[0]):
                raise ValueError(f"{name}: wanted {len(arrays[0])} frames as heatmaps has, got {len(array)}")
        named = dict(zip(TENSORS, arrays[:needed], strict=False))
        return tuple(
            Heads._trusted({name: array[i] for name, array in named.items()}, self._stride_px, "logits", {})
            for i in range(len(arrays[0]))
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.skeleton, self._options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self._options.items())
        return f"Decoder({self.skeleton.name}, {options})"


class SingleDecoder:
    """One person from heatmaps and short offsets: the highest cell of each map plus the offset there.

    The decode of tfjs's `estimateSinglePose`: always one pose, whose score is the mean of its keypoint
    scores; points are not clamped to the picture.

    Args:
        skeleton: K keypoints; edges are not read.
        stride_px: input pixels from cell to cell, over 0.
    """

    __slots__ = ("_stride_px", "skeleton")

    def __init__(self, skeleton: Skeleton, *, stride_px: float) -> None:
        self.skeleton = _want_skeleton(skeleton)
        self._stride_px = number(stride_px, "stride_px", *STRIDE_PX)

    def __call__(self, heads: Heads) -> Poses:
        """One pose in input pixels; raises as `decode` does."""
        return self.decode(heads)

    def decode(self, heads: Heads, onto: Onto | None = None) -> Poses:
        """One pose in input pixels, or in those of the picture where `onto` says how they lie in it.

        Raises:
            TypeError: not `Heads`.
            ValueError: heads of other keypoints or another stride, or without short offsets.
        """
        _want_heads(heads, self.skeleton)
        _want_stride(heads, self._stride_px)
        if heads.short_offsets is None:
            raise ValueError(
                "heads: wanted short_offsets, got heads without; HeatmapDecoder reads heatmaps alone"
            )
        _want_offsets(heads, heads.short_offsets)
        return _poses(
            _core.decode_single(
                heads.heatmaps,
                heads.short_offsets,
                self._stride_px,
                heads.scores == "logits",
                heads.layout == "chw",
                _quantization(heads, ("heatmaps", "short_offsets")),
                _map(onto),
            ),
            self.skeleton,
            onto,
        )


class HeatmapDecoder:
    """One person from heatmaps alone, as top-down networks (CPM, SimpleBaseline, HRNet) give them.

    Args:
        skeleton: K keypoints; edges are not read.
        stride_px: input pixels from cell to cell, over 0.
        refine: how the highest cell is refined: "none"; "quarter", a quarter cell towards the higher
            neighbour (arXiv 1603.06937); "taylor", the top of the expansion of the map's logarithm
            (DARK, arXiv 1910.06278).
        blur_sigma_cells: Gaussian smoothing before "taylor", 0..5 cells; 0 is none. DARK's 11 x 11 kernel
            for 64 x 48 maps is 2.
    """

    __slots__ = ("_blur_sigma_cells", "_refinement", "_stride_px", "skeleton")

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        stride_px: float,
        refine: Refinement = "quarter",
        blur_sigma_cells: float = 0.0,
    ) -> None:
        self.skeleton = _want_skeleton(skeleton)
        self._stride_px = number(stride_px, "stride_px", *STRIDE_PX)
        choice(refine, "refine", _REFINEMENTS)
        self._refinement = _REFINEMENTS.index(refine)
        self._blur_sigma_cells = number(blur_sigma_cells, "blur_sigma_cells", 0, 5)

    def __call__(self, heads: Heads) -> Poses:
        """One pose in input pixels; raises as `decode` does."""
        return self.decode(heads)

    def decode(self, heads: Heads, onto: Onto | None = None) -> Poses:
        """One pose in input pixels, or in those of the picture where `onto` says how they lie in it; a
        keypoint's score is its map's highest value.

        Raises:
            TypeError: not `Heads`.
            ValueError: heads of other keypoints or another stride.
        """
        _want_heads(heads, self.skeleton)
        _want_stride(heads, self._stride_px)
        return _poses(
            _core.decode_heatmaps(
                heads.heatmaps,
                self._stride_px,
                self._refinement,
                self._blur_sigma_cells,
                heads.scores == "logits",
                heads.layout == "chw",
                _quantization(heads, ("heatmaps",)),
                _map(onto),
            ),
            self.skeleton,
            onto,
        )


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unpickled(skeleton: Skeleton, options: dict[str, Any]) -> Decoder:
    return Decoder(skeleton, **options)


def _poses(arrays: tuple[npt.NDArray[Any], ...], skeleton: Skeleton, onto: Onto | None) -> Poses:
    return Poses._trusted(
        *arrays, skeleton, None if onto is None else size(onto.image_size, "image_size"), None
    )


def _quantization(heads: Heads, names: tuple[str, ...]) -> tuple[float, ...] | None:
    if not heads.quantization:
        return None
    given = [heads.quantization[name] for name in names if name in heads.quantization]
    return tuple(value for each in given for value in (each.scale, each.zero_point)) or None


def _want_skeleton(skeleton: object) -> Skeleton:
    if not isinstance(skeleton, Skeleton):
        raise TypeError(
            f"skeleton: wanted a Skeleton, such as posecore.COCO17, got {type(skeleton).__name__}"
        )
    return skeleton


def _want_heads(heads: object, skeleton: Skeleton) -> None:
    if not isinstance(heads, Heads):
        raise TypeError(f"heads: wanted Heads, got {type(heads).__name__}")
    if heads.num_keypoints != skeleton.num_keypoints:
        raise ValueError(
            f"heads: wanted {skeleton.num_keypoints} heatmaps for skeleton {skeleton.name}, got {heads.num_keypoints}"
        )


def _map(onto: object) -> tuple[float, float, float, float] | None:
    if onto is not None and not isinstance(onto, Onto):
        raise TypeError(f"onto: wanted Onto or None, got {type(onto).__name__}")
    return None if onto is None else onto.pixel_map


def _want_offsets(heads: Heads, offsets: npt.NDArray[Any]) -> None:
    channels = offsets.shape[2 if heads.layout == "hwc" else 0]
    if channels != 2 * heads.num_keypoints:
        raise ValueError(
            f"short_offsets: wanted {2 * heads.num_keypoints} channels for {heads.num_keypoints} keypoints, "
            f"got {channels}"
        )
    if offsets.dtype != heads.heatmaps.dtype:
        raise TypeError(
            f"short_offsets: wanted the dtype of heatmaps, {heads.heatmaps.dtype}, got {offsets.dtype}"
        )


def _want_stride(heads: Heads, stride_px: float) -> None:
    if heads.stride_px != stride_px:
        raise ValueError(
            f"heads: wanted a stride of {stride_px} px as this decoder has, got {heads.stride_px}"
        )
