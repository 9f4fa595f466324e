"""`Variant`: the pipeline with one part taken out, added, or replaced by the truth, and the poses that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.ablation_scene import SCALES, Networks, Scene
from posecore.ablation_truth import HEADS, with_truth
from posecore.ablation_views import flips, mean
from posecore.decode import Decoder
from posecore.poses import Poses

if TYPE_CHECKING:
    from posecore.heads import Heads
    from posecore.runtime.geometry import Geometry
    from posecore.skeletons import Skeleton

TAKEN_OUT, ADDED, PERFECT = "taken out", "added", "replaced by the truth"
GROUPS = (TAKEN_OUT, ADDED, PERFECT)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which the pipeline is run.

    Attributes:
        name: which part of it is another one, a few words, different for each.
        group: one of `GROUPS`, or "" for the full pipeline.
        says: what is done instead.
        decode: the poses of a scene, in pixels of its picture.
        best_scores: whether each pose then gets the score that it should have had.
    """

    name: str
    group: str
    says: str
    decode: Callable[[Scene], Poses] = field(repr=False)
    best_scores: bool = False


class Decoders:
    """A decoder for each set of options, made when it is first needed.

    Args:
        options: of the full pipeline, as `Decoder` takes them, without the stride.
    """

    def __init__(self, skeleton: Skeleton, options: dict[str, Any]) -> None:
        self.skeleton, self.options = skeleton, options
        self._made: dict[tuple[Any, ...], Decoder] = {}

    def decode(self, heads: Heads, geometry: Geometry, **changed: Any) -> Poses:
        """The poses in the picture's pixels, with some options changed."""
        key = (heads.stride_px, *sorted(changed.items()))
        if key not in self._made:
            options = self.options | changed
            self._made[key] = Decoder(self.skeleton, stride_px=heads.stride_px, **options)
        return self._made[key].decode(heads, geometry.onto)


def full(decoders: Decoders) -> Variant:
    """What the others are compared with."""
    says = "letterbox, bilinear sampling, all refinement steps, suppression, re-scoring"
    return Variant("full pipeline", "", says, lambda scene: decoders.decode(*scene.seen("base")))


def variants(networks: Networks, decoders: Decoders) -> Iterator[Variant]:
    """All variants but the full pipeline, in the order in which they are shown."""
    yield from _decoding(decoders)
    yield from _letterbox(networks, decoders)
    yield from _views(networks, decoders)
    yield from _perfect_heads(decoders)
    yield from _perfect_rest(networks, decoders)


def _decoding(decoders: Decoders) -> Iterator[Variant]:
    def other(name: str, says: str, **changed: Any) -> Variant:
        return Variant(name, TAKEN_OUT, says, lambda scene: decoders.decode(*scene.seen("base"), **changed))

    yield other("bilinear sampling", "the nearest cell is read, not the four around", sampling="nearest")
    steps = decoders.options["refine_steps"]
    for left in range(steps):
        times = f"{left or 'no'} short-offset correction{'s' * (left != 1)}"
        yield other(f"refinement: {left} of {steps}", f"{times} after each displacement", refine_steps=left)
    says = "a person who is held already is found again; scores are as without re-scoring"
    yield other("suppression", says, nms_radius_px=0.0, rescore=False)
    yield other("re-scoring", "a pose's score is the mean of all its keypoints", rescore=False)


def _letterbox(networks: Networks, decoders: Decoders) -> Iterator[Variant]:
    def other(name: str, says: str, view: str) -> Variant:
        return Variant(name, TAKEN_OUT, says, lambda scene: decoders.decode(*scene.seen(view)))

    if not networks.fixed:
        yield other("close-fitting input", "a square input, grey where the picture is not", "square")
    shape = "the input" if networks.fixed else "the square input"
    says = f"the picture on the whole of {shape}, its aspect not kept"
    yield other("letterbox", says, "stretched")
    yield other("letterbox, smooth resizing", f"{says}, of nearest pixels, as in Coral's PoseEngine", "coral")


def _views(networks: Networks, decoders: Decoders) -> Iterator[Variant]:
    def other(name: str, says: str, views: Callable[[Scene], list[Heads]]) -> Variant:
        return Variant(name, ADDED, says, lambda scene: decoders.decode(mean(views(scene)), scene.geometry))

    def sizes(scene: Scene) -> list[Heads]:
        return [scene.heads, *(scene.brought(view) for view in SCALES)]

    def mirrored(scene: Scene, *views: str) -> list[Heads]:
        return [scene.brought(view, mirrored=True) for view in views]

    both_ways = flips(networks.skeleton)
    if both_ways:
        yield other(
            "flip test",
            "the mean of the heads of the picture and of its mirror image",
            lambda scene: [scene.heads, *mirrored(scene, "base")],
        )
    if networks.fixed:
        return
    says = "the mean of the heads at 2/3, 1 and 3/2 of the size"
    yield other("three sizes", says, sizes)
    if both_ways:
        yield other(
            "three sizes and flip test",
            f"{says}, and of the mirror images",
            lambda scene: sizes(scene) + mirrored(scene, "base", *SCALES),
        )


def _perfect_heads(decoders: Decoders) -> Iterator[Variant]:
    def other(name: str, *heads: str) -> Variant:
        tensors = [tensor for head in heads for tensor in HEADS[head]]
        return Variant(
            name,
            PERFECT,
            f"what is labelled in place of {' and '.join(heads)}; the network's where nothing is",
            lambda scene: decoders.decode(with_truth(scene.heads, scene.truth, tensors), scene.geometry),
        )

    for head in HEADS:
        yield other(head, head)
    yield other("short offsets, displacements", "short offsets", "displacements")
    yield other("all heads", *HEADS)


def _perfect_rest(networks: Networks, decoders: Decoders) -> Iterator[Variant]:
    size = "" if networks.fixed else " at 2/3 of the size"
    yield Variant(
        "person box",
        PERFECT,
        f"each person's box, an eighth larger on each side, for itself{size}: the best pose, whatever its score",
        lambda scene: _of_boxes(scene, decoders),
    )
    yield Variant(
        "pose scores",
        PERFECT,
        "a pose's score is its OKS with the nearest person, and less where a better pose has that person",
        lambda scene: decoders.decode(*scene.seen("base")),
        best_scores=True,
    )


def _of_boxes(scene: Scene, decoders: Decoders) -> Poses:
    """The best pose of each person's box."""
    one: dict[str, Any] = {"max_poses": 1, "root_threshold": 0.0, "pose_threshold": 0.0}
    found = [Poses.empty(decoders.skeleton)]
    for crop, corner in scene.crops():
        poses = decoders.decode(*scene.networks.see(crop, "person"), **one)
        found.append(poses.replace(xy=poses.xy + np.array(corner, np.float32)))
    return Poses(
        *(
            np.concatenate([getattr(poses, name) for poses in found])
            for name in ("xy", "scores", "pose_scores")
        ),
        skeleton=decoders.skeleton,
    )
