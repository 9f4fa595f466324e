"""Skeletons: which keypoints a person has, how they hang together, and how exactly each can be placed.

A `Skeleton` is plain data. Decoders walk its `edges`, drawings use its `limbs`, flips its `flip_pairs`,
and OKS its `sigmas`. The four that come with the package are `COCO17`, `COCO_FEET23`, `MPII16` and
`CROWDPOSE14`; any other is made in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posecore.arguments import choice, listed, number, pairs, whole

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The keypoints of one kind of body.

    Attributes:
        name: what it is called in files and messages.
        keypoints: K names in snake_case, in channel order; sides are the person's own.
        edges: K - 1 pairs (parent, child) that form one tree over all keypoints, in the order of the
            displacement channels; empty where the network gives heatmaps alone.
        limbs: pairs that are joined by a line when a pose is drawn; the edges where nothing is said.
        flip_pairs: pairs (left, right) that change places when the picture is mirrored.
        sigmas: K standard deviations for OKS (COCO's k_i / 2), or None where nobody has measured them.

    Raises:
        TypeError: names that are no text, pairs that are no pairs of whole numbers, sigmas that are no numbers.
        ValueError: names that repeat, indices out of range, edges that are not a tree, pairs that share
            a keypoint, sigmas that are not positive or not K.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[Pair, ...] = ()
    limbs: tuple[Pair, ...] = ()
    flip_pairs: tuple[Pair, ...] = ()
    sigmas: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name: wanted the name of a skeleton, got {type(self.name).__name__}")
        where = f"skeleton {self.name!r}"
        names = listed(self.keypoints, "keypoints", f"{where} wants names")
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"keypoints: {where} wants names, got {names!r}")
        object.__setattr__(self, "keypoints", names)
        for field in ("edges", "limbs", "flip_pairs"):
            object.__setattr__(self, field, pairs(getattr(self, field), field, where))
        if not self.limbs:
            object.__setattr__(self, "limbs", self.edges)
        if self.sigmas is not None:
            sigmas = listed(self.sigmas, "sigmas", f"{where} wants numbers")
            if len(sigmas) != len(names):
                raise ValueError(
                    f"sigmas: {where} wants {len(names)} numbers, one a keypoint, got {len(sigmas)}"
                )
            checked = tuple(number(sigma, "sigmas", 1e-9, 1e9) for sigma in sigmas)
            object.__setattr__(self, "sigmas", checked)
        _check(self)

    @property
    def num_keypoints(self) -> int:
        """K, the number of keypoints."""
        return len(self.keypoints)

    @property
    def flip_index(self) -> tuple[int, ...]:
        """K indices: keypoint k of a mirrored picture is keypoint `flip_index[k]` of the original."""
        order = list(range(self.num_keypoints))
        for left, right in self.flip_pairs:
            order[left], order[right] = right, left
        return tuple(order)

    def index(self, keypoint: str) -> int:
        """The channel of the keypoint with this name; `ValueError` lists the names where there is none."""
        try:
            return self.keypoints.index(keypoint)
        except ValueError:
            raise ValueError(
                f"keypoint: wanted one of {', '.join(self.keypoints)} of skeleton {self.name}, got {keypoint!r}"
            ) from None

    def side(self, keypoint: int) -> Literal["left", "right", "middle"]:
        """The side of the body that this keypoint, 0..K - 1, is on."""
        whole(keypoint, "keypoint", 0, self.num_keypoints - 1)
        for left, right in self.flip_pairs:
            if keypoint == left:
                return "left"
            if keypoint == right:
                return "right"
        return "middle"

    def __repr__(self) -> str:
        return f"Skeleton({self.name!r}, {self.num_keypoints} keypoints, {len(self.edges)} edges)"


def _check(skeleton: Skeleton) -> None:
    where = f"skeleton {skeleton.name!r}"
    count = skeleton.num_keypoints
    if count == 0:
        raise ValueError(f"keypoints: {where} wants at least one name, got none")
    if len(set(skeleton.keypoints)) != count:
        twice = sorted({name for name in skeleton.keypoints if skeleton.keypoints.count(name) > 1})
        raise ValueError(f"keypoints: {where} wants different names, got {', '.join(twice)} more than once")
    for field in ("edges", "limbs", "flip_pairs"):
        for a, b in getattr(skeleton, field):
            if not (0 <= a < count and 0 <= b < count) or a == b:
                raise ValueError(
                    f"{field}: {where} wants pairs of two different keypoints 0..{count - 1}, got ({a}, {b})"
                )
    if skeleton.edges:
        _check_tree(skeleton, where)
    flipped = [keypoint for pair in skeleton.flip_pairs for keypoint in pair]
    if len(set(flipped)) != len(flipped):
        raise ValueError(f"flip_pairs: {where} wants each keypoint in one pair at most, got one in two")


def _check_tree(skeleton: Skeleton, where: str) -> None:
    count = skeleton.num_keypoints
    if len(skeleton.edges) != count - 1:
        raise ValueError(
            f"edges: {where} wants {count - 1} edges, a tree over its {count} keypoints, got {len(skeleton.edges)}"
        )
    reached = {skeleton.edges[0][0]} if skeleton.edges else {0}
    for _ in range(count):
        reached |= {b for a, b in skeleton.edges if a in reached} | {
            a for a, b in skeleton.edges if b in reached
        }
    if len(reached) != count:
        lost = ", ".join(name for k, name in enumerate(skeleton.keypoints) if k not in reached)
        raise ValueError(
            f"edges: {where} wants one tree over all keypoints, got a graph that does not reach {lost}"
        )


_COCO_KEYPOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
_COCO_EDGES = (
    (0, 1), (1, 3), (0, 2), (2, 4),
    (0, 5), (5, 7), (7, 9), (5, 11), (11, 13), (13, 15),
    (0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16),
)  # fmt: skip
_COCO_LIMBS = (
    (0, 1), (0, 2), (1, 3), (2, 4),
    (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),
    (5, 11), (6, 12), (11, 12),
    (11, 13), (13, 15), (12, 14), (14, 16),
)  # fmt: skip
_COCO_FLIPS = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))
# Tenths, divided as pycocotools does it: .26 / 10 is not the double .026, and OKS can tell.
_COCO_SIGMAS = tuple(
    tenths / 10
    for tenths in (
        0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72,
        0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89,
    )
)  # fmt: skip

_FEET = ((15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22))
_CROWDPOSE_EDGES = (
    (12, 13), (13, 0), (0, 2), (2, 4), (13, 1), (1, 3), (3, 5),
    (0, 6), (6, 8), (8, 10), (1, 7), (7, 9), (9, 11),
)  # fmt: skip

COCO17 = Skeleton("coco17", _COCO_KEYPOINTS, _COCO_EDGES, _COCO_LIMBS, _COCO_FLIPS, _COCO_SIGMAS)
"""COCO's 17 keypoints; edges in PoseNet's displacement order (PersonLab, arXiv 1803.08225); COCO's sigmas."""

COCO_FEET23 = Skeleton(
    "coco_feet23",
    (
        *_COCO_KEYPOINTS,
        "left_big_toe",
        "left_small_toe",
        "left_heel",
        "right_big_toe",
        "right_small_toe",
        "right_heel",
    ),
    (*_COCO_EDGES, *_FEET),
    (*_COCO_LIMBS, *_FEET),
    (*_COCO_FLIPS, (17, 20), (18, 21), (19, 22)),
    (*_COCO_SIGMAS, 0.068, 0.066, 0.066, 0.092, 0.094, 0.094),
)
"""COCO's 17 and the six foot points of the CMU foot annotations; foot sigmas of COCO-WholeBody."""

MPII16 = Skeleton(
    "mpii16",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "upper_neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
    (
        (9, 8), (8, 7), (7, 12), (12, 11), (11, 10), (7, 13), (13, 14), (14, 15),
        (7, 6), (6, 2), (2, 1), (1, 0), (6, 3), (3, 4), (4, 5),
    ),
    (),
    ((3, 2), (4, 1), (5, 0), (15, 10), (14, 11), (13, 12)),
    None,
)  # fmt: skip
"""MPII Human Pose's 16 joints in the order of its annotation file. MPII measures PCKh and gives no sigmas:
`dataclasses.replace(MPII16, sigmas=...)` where OKS is wanted."""

CROWDPOSE14 = Skeleton(
    "crowdpose14",
    (
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
        "top_head",
        "neck",
    ),
    _CROWDPOSE_EDGES,
    (*_CROWDPOSE_EDGES, (6, 7)),
    ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)),
    (*_COCO_SIGMAS[5:], *_COCO_SIGMAS[5:7]),
)  # fmt: skip
"""CrowdPose's 14 keypoints with the sigmas of its evaluation: COCO's, and those of its shoulders for head and neck."""

_KNOWN = {skeleton.name: skeleton for skeleton in (COCO17, COCO_FEET23, MPII16, CROWDPOSE14)}


def get(name: str) -> Skeleton:
    """The skeleton of this name that comes with the package; `ValueError` names the choices."""
    choice(name, "skeleton", names())
    return _KNOWN[name]


def names() -> tuple[str, ...]:
    """Names of the skeletons that come with the package."""
    return tuple(_KNOWN)
