"""`Poses` as `Truths` and `Detections`, without a file in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.protocol import same_names
from posecore.evaluation.truths import Detections, Images, Origin, Truths
from posecore.poses import Poses

if TYPE_CHECKING:
    from posecore.skeletons import Skeleton

CATEGORY_ID = 1
"""Of all people that come from poses, as in COCO."""

AREA_OF_BOX = 0.53
"""Of a person's box, how much is the person: CrowdPose's and AI Challenger's factor."""

Pair = tuple[int, Poses]


def is_poses(value: object) -> bool:
    """Whether `value` is (image_id, Poses)."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Poses)


def truths_of(poses: Mapping[Any, Any]) -> Truths:
    """The people of each picture as the truth.

    A keypoint that is visible has v 2, another 0, 0, 0. Each person's box is the one around its visible keypoints, and
    its area 0.53 of the box; a person with none of them visible is left out.

    Raises:
        TypeError: a key that is no whole number, or a value that is no Poses.
        ValueError: no pictures, or poses of several skeletons.
    """
    pairs = _pairs(poses.items(), "truth")
    if not pairs:
        raise ValueError("truth: wanted poses of at least one picture, got none")
    skeleton = _only_skeleton(pairs, "truth")
    pairs.sort(key=lambda pair: pair[0])
    sizes = [found.image_size or (0, 0) for _, found in pairs]
    visible = _joined([found.visible for _, found in pairs])
    xy = _joined([found.xy for _, found in pairs]).astype(np.float64)
    rows = np.repeat(np.arange(len(pairs), dtype=np.int64), [len(found) for _, found in pairs])
    seen = visible.any(axis=1)
    xy, visible, rows = np.where(visible[:, :, None], xy, 0.0)[seen], visible[seen], rows[seen]
    low = np.where(visible[:, :, None], xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(visible[:, :, None], xy, -np.inf).max(axis=1, initial=-np.inf)
    boxes = np.concatenate([low, high - low], axis=1)
    notes = [f"areas are {AREA_OF_BOX} of the boxes, and these go around the visible keypoints"]
    if not seen.all():
        notes.append(f"{int((~seen).sum())} of {len(seen)} people have no visible keypoint and are left out")
    return Truths(
        images=Images(
            np.array([image_id for image_id, _ in pairs], np.int64),
            np.array([width for width, _ in sizes], np.int64),
            np.array([height for _, height in sizes], np.int64),
            ("",) * len(pairs),
            np.full(len(pairs), np.nan),
        ),
        ids=np.arange(1, len(xy) + 1, dtype=np.int64),
        image_index=rows,
        category_ids=np.full(len(xy), CATEGORY_ID, np.int64),
        xy=xy,
        visibility=np.where(visible, 2, 0).astype(np.uint8),
        areas=AREA_OF_BOX * boxes[:, 2] * boxes[:, 3],
        boxes=boxes,
        is_crowd=np.zeros(len(xy), np.bool_),
        stated_num_keypoints=visible.sum(axis=1, dtype=np.int64),
        keypoint_names=skeleton.keypoints,
        category_names={CATEGORY_ID: "person"},
        origin=Origin("poses", notes=tuple(notes)),
    )


def detections_of(poses: Iterable[Any], truths: Truths, category_id: int) -> Detections:
    """The people of each (image_id, Poses) as predictions of one category.

    Scores are the pose scores. Coordinates are the poses' own, not rounded as files are; a keypoint that is not
    visible is at (0, 0) with score 0, as posecore's COCO files have it, and COCO measures it there.

    Raises:
        TypeError: something else than (image_id, Poses).
        ValueError: an image that the truth does not have, or poses of another number of keypoints, or of keypoints
            with other names.
    """
    pairs = _pairs(poses, "results")
    wanted = truths.num_keypoints
    known = {int(image_id): row for row, image_id in enumerate(truths.images.ids)}
    for image_id, found in pairs:
        if found.skeleton.num_keypoints != wanted:
            raise ValueError(
                f"results: wanted poses of the truth's {wanted} keypoints, got {found.skeleton.num_keypoints} "
                f"({found.skeleton.name}) for image {image_id}"
            )
        names = truths.keypoint_names
        if names and not same_names(found.skeleton.keypoints, names):
            raise ValueError(
                f"results: wanted poses of the truth's keypoints ({', '.join(names[:3])}, ...), got those of "
                f"{found.skeleton.name} ({', '.join(found.skeleton.keypoints[:3])}, ...) for image {image_id}"
            )
        if image_id not in known:
            raise ValueError(f"results: wanted images of the truth, got image {image_id}")
    counts = [len(found) for _, found in pairs]
    visible = _joined([found.visible for _, found in pairs], (0, wanted))
    xy = _joined([found.xy for _, found in pairs], (0, wanted, 2)).astype(np.float64)
    scores = _joined([found.scores for _, found in pairs], (0, wanted))
    return Detections(
        image_index=np.repeat(np.array([known[image_id] for image_id, _ in pairs], np.int64), counts),
        category_ids=np.full(sum(counts), category_id, np.int64),
        xy=np.where(visible[:, :, None], xy, 0.0),
        keypoint_scores=np.where(visible, scores, 0).astype(np.float32),
        scores=_joined([found.pose_scores for _, found in pairs], (0,)).astype(np.float64),
        origin=Origin("poses"),
        images=truths.images,
    )


def _pairs(poses: Iterable[Any], argument: str) -> list[Pair]:
    pairs: list[Pair] = []
    for pair in poses:
        if not is_poses(pair):
            raise TypeError(f"{argument}: wanted Poses for each image_id, got {_described(pair)}")
        image_id, found = pair
        if isinstance(image_id, (bool, np.bool_)) or not isinstance(image_id, (int, np.integer)):
            raise TypeError(f"{argument}: wanted whole numbers as image ids, got {type(image_id).__name__}")
        if not -(2**63) <= image_id < 2**63:
            raise ValueError(f"{argument}: wanted image ids of at most 64 bits, got one beyond that")
        pairs.append((int(image_id), found))
    return pairs


def _described(pair: Any) -> str:
    value = pair[1] if isinstance(pair, tuple) and len(pair) == 2 else pair
    return type(value).__name__


def _only_skeleton(pairs: list[Pair], argument: str) -> Skeleton:
    first: Skeleton = pairs[0][1].skeleton
    for image_id, found in pairs:
        if found.skeleton != first:
            raise ValueError(
                f"{argument}: wanted poses of one skeleton, got {found.skeleton.name} for image {image_id} "
                f"beside {first.name}"
            )
    return first


def _joined(arrays: list[Any], empty: tuple[int, ...] = (0,)) -> Any:
    return np.concatenate(arrays) if arrays else np.zeros(empty, np.float32)
