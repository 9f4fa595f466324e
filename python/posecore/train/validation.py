"""How good a network is while it trains: posecore's own decoding and evaluation on pictures that were kept out.

Pictures are letterboxed into the network's input and poses taken back into the picture's pixels, as prediction does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.decode import Decoder, HeatmapDecoder, Onto
from posecore.evaluation.coco import evaluate
from posecore.evaluation.distances import PDJ_CURVE, pck, pdj
from posecore.evaluation.limb_score import pcp
from posecore.evaluation.limbs import Limb, ten_limbs
from posecore.evaluation.normalisers import Normaliser, torso
from posecore.heads import Heads
from posecore.poses import Poses
from posecore.train.feed import pixels_of
from posecore.train.recipes import Recipe
from posecore.train.samples import located
from posecore.train.warps import letterbox, letterbox_map

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.report import Report
    from posecore.train.datasets import Dataset
    from posecore.train.samples import Sample

    Points = npt.NDArray[np.float64]

# What libcoral's decoder is measured with: everybody who might be a person counts, as AP ranks them by score.
_MAX_POSES, _THRESHOLD = 20, 0.05
_AREA_OF_BOX = 0.53  # CrowdPose's area of a person, in its box; samples have no segments


@dataclass(frozen=True, eq=False)
class Validation:
    """Measures a network on a dataset.

    Args:
        recipe: how outputs are read.
        dataset: pictures with labels; where one is a person cut out, its first person is measured.
        batch_size: pictures that the network sees at once.
    """

    recipe: Recipe
    dataset: Dataset
    batch_size: int = 8

    def __call__(self, model: Any) -> dict[str, float]:
        """Numbers by name, NaN where one cannot be had.

        AP, AP50 and AR are COCO's, 0..1, with .53 of the box as area; skeletons without sigmas have none. PCK is the
        share of labelled keypoints within 0.2 of the torso (left shoulder to right hip; without these, of the
        longer side of the person's keypoints), PDJ the area under its curve from 0 to 0.5 of the same, PCP of limbs
        whose both ends are within half their length; these three in 0..1, of the nearest pose for each person.
        """
        found = [(_without_pixels(sample), pose) for sample, pose in self.poses(model)]
        samples = [sample for sample, _ in found]
        poses = [pose for _, pose in found]
        return {**self._ap(samples, poses), **self._shares(samples, poses)}

    def poses(self, model: Any) -> Iterator[tuple[Sample, Poses]]:
        """Each sample as the dataset has it, and who was found in it, in its own pixels."""
        decoder = decoder_of(self.recipe)
        for start in range(0, len(self.dataset), self.batch_size):
            count = min(self.batch_size, len(self.dataset) - start)
            samples = [self.dataset[start + i] for i in range(count)]
            outputs = outputs_of(self.recipe, model, samples)
            for i, sample in enumerate(samples):
                one = {name: output[i] for name, output in outputs.items()}
                yield sample, decoded(self.recipe, decoder, one, sample)

    def report(self, samples: list[Sample], poses: list[Poses]) -> Report:
        """COCO's evaluation of these poses, one `Poses` a sample; ValueError where the skeleton has no sigmas."""
        skeleton = self.recipe.skeleton
        truth = _coco(samples, skeleton.keypoints, single=self.recipe.kind != "people")
        return evaluate(truth, dict(enumerate(poses, start=1)), skeleton=skeleton)

    def _ap(self, samples: list[Sample], poses: list[Poses]) -> dict[str, float]:
        names = ("AP", "AP50", "AR")
        if self.recipe.skeleton.sigmas is None or not any(len(sample) for sample in samples):
            return dict.fromkeys(names, math.nan)
        report = self.report(samples, poses)
        stats = dict(zip(report.stat_names, report.stats, strict=True))
        return {name: float(stats[name]) for name in names}

    def _shares(self, samples: list[Sample], poses: list[Poses]) -> dict[str, float]:
        skeleton, single = self.recipe.skeleton, self.recipe.kind != "people"
        predicted, true, labelled = people_of(samples, poses, skeleton.num_keypoints, single=single)
        if not labelled.any():
            return dict.fromkeys(("PCK", "PDJ", "PCP"), math.nan)
        if {"left_shoulder", "right_hip"} <= set(skeleton.keypoints):
            length = torso(true, labelled, skeleton)
        else:
            length = _longer_side(true, labelled)
        near = pck(predicted, true, labelled, length, average="labels", nan="miss")
        curve = pdj(predicted, true, labelled, length, average="labels", nan="miss", curve=PDJ_CURVE).curve
        limbs = _limbs(self.recipe)
        parts = (
            pcp(predicted, true, labelled, limbs, average="labels", nan="miss").mean if limbs else math.nan
        )
        area = math.nan if curve is None else float(curve.auc)
        return {"PCK": near.mean / 100, "PDJ": area / 100, "PCP": parts / 100}


def decoder_of(recipe: Recipe) -> Any:
    """What reads the `Heads` of this recipe; None where the network gives coordinates, and where heads of people have
    no edges, so that nobody can say whose keypoints are whose."""
    if recipe.kind == "coordinates" or (recipe.kind == "people" and not recipe.skeleton.edges):
        return None
    if recipe.kind == "heatmap":
        return HeatmapDecoder(recipe.skeleton, stride_px=recipe.stride_px)
    return Decoder(
        recipe.skeleton,
        stride_px=recipe.stride_px,
        max_poses=_MAX_POSES,
        root_threshold=_THRESHOLD,
        pose_threshold=_THRESHOLD,
    )


def inputs_of(recipe: Recipe, samples: list[Sample]) -> npt.NDArray[np.float32]:
    """(B, height, width, channels) float32, pixel / 127.5 - 1, of letterboxed samples."""
    width, height = recipe.size
    x = np.empty((len(samples), height, width, recipe.channels), np.float32)
    for row, sample in zip(x, samples, strict=True):
        row[...] = pixels_of(letterbox(sample, recipe.size), recipe.channels)
        row *= np.float32(1 / 127.5)
        row -= 1
    return x


def outputs_of(recipe: Recipe, model: Any, samples: list[Sample]) -> dict[str, npt.NDArray[np.float32]]:
    """What the network says about letterboxed samples, float32 (B, ...) by name of the output."""
    outputs = model.predict_on_batch(inputs_of(recipe, samples))
    return {name: np.asarray(output, np.float32) for name, output in outputs.items()}


def decoded(recipe: Recipe, decoder: Any, outputs: Mapping[str, Any], sample: Sample) -> Poses:
    """The poses of one picture's outputs, in pixels of the sample.

    Args:
        decoder: what `decoder_of` gives for the recipe.
        outputs: (rows, columns, channels) or (K, 2) by name, of the letterboxed sample.
    """
    scale_x, _, left, _, scale_y, top = letterbox_map(sample, recipe.size).ravel()
    onto = Onto((1 / scale_x, 1 / scale_y, -left / scale_x, -top / scale_y), sample.size)
    read = recipe.read(outputs)
    if isinstance(read, Heads) and decoder is not None:
        poses: Poses = decoder.decode(read, onto)
        return poses
    if isinstance(read, Heads):
        read = _one_person(recipe, read)
    back, move = np.array(onto.pixel_map, np.float32).reshape(2, 2)
    return read.replace(xy=(read.xy * back + move).astype(np.float32), image_size=sample.size)


def _one_person(recipe: Recipe, heads: Heads) -> Poses:
    """Of each keypoint the highest cell, and the way that its offset says from there."""
    maps, offsets = heads.dequantized("heatmaps"), heads.dequantized("short_offsets")
    rows, columns, count = maps.shape
    cells, channels = maps.reshape(-1, count).argmax(axis=0), np.arange(count)
    ways = offsets.reshape(rows * columns, 2, count)[cells, :, channels][:, ::-1]
    xy = np.column_stack([cells % columns, cells // columns]) * np.float32(recipe.stride_px) + ways
    highest = maps.reshape(-1, count)[cells, channels].astype(np.float64)
    scores = (1 / (1 + np.exp(-highest.clip(-30, 30)))).astype(np.float32)
    return Poses(xy[None].astype(np.float32), scores[None], skeleton=recipe.skeleton)


def people_of(
    samples: list[Sample], poses: list[Poses], keypoints: int, *, single: bool
) -> tuple[Points, Points, npt.NDArray[np.bool_]]:
    """Labelled people and, for each, the pose whose labelled keypoints are nearest in the mean: predictions and truths
    (N, K, 2) float64 in pixels, predictions NaN where nobody was found; labelled (N, K) bool.

    Args:
        single: only the first person of each sample is measured.
    """
    predicted: list[Any] = []
    true: list[Any] = []
    labelled: list[Any] = []
    for sample, found in zip(samples, poses, strict=True):
        for person in range(min(len(sample), 1) if single else len(sample)):
            known = located(sample.visibility[person])
            if not known.any():
                continue
            points = sample.xy[person].astype(np.float64)
            nearest = np.full((keypoints, 2), np.nan)
            if len(found):
                distances = np.linalg.norm(found.xy[:, known] - points[known], axis=2).mean(axis=1)
                nearest = found.xy[int(np.argmin(distances))].astype(np.float64)
            predicted.append(nearest)
            true.append(np.where(known[:, None], points, 0.0))
            labelled.append(known)
    shape = (len(true), keypoints, 2)
    return (
        np.array(predicted).reshape(shape),
        np.array(true).reshape(shape),
        np.array(labelled, np.bool_).reshape(shape[:2]),
    )


def _without_pixels(sample: Sample) -> Sample:
    """The labels and the size; a thousand pictures at once would fill the memory."""
    return replace(sample, image=np.broadcast_to(np.uint8(0), sample.image.shape))


def _coco(samples: list[Sample], names: tuple[str, ...], *, single: bool) -> dict[str, Any]:
    """The labels of samples as a COCO annotation file holds them; images are numbered from 1."""
    images: list[Any] = []
    people: list[Any] = []
    for image_id, sample in enumerate(samples, start=1):
        width, height = sample.size
        images.append({"id": image_id, "width": width, "height": height, "file_name": sample.name})
        count = min(len(sample), 1) if single else len(sample)
        for person in range(count):
            box = [float(side) for side in sample.boxes[person]]
            known = located(sample.visibility[person])
            keypoints = np.zeros((len(names), 3))
            keypoints[known, :2] = sample.xy[person, known]
            keypoints[known, 2] = sample.visibility[person, known]
            people.append(_annotation(len(people) + 1, image_id, keypoints, box, crowd=False))
        for corners in sample.ignored:
            low, high = corners.min(axis=0), corners.max(axis=0)
            box = [float(value) for value in (*low, *(high - low))]
            people.append(_annotation(len(people) + 1, image_id, np.zeros((len(names), 3)), box, crowd=True))
    category = {"id": 1, "name": "person", "keypoints": list(names), "skeleton": []}
    return {"images": images, "annotations": people, "categories": [category]}


def _annotation(
    number: int, image_id: int, keypoints: npt.NDArray[Any], box: list[float], *, crowd: bool
) -> dict[str, Any]:
    if not all(math.isfinite(side) for side in box):  # nobody knows the box: that of the keypoints
        known = keypoints[keypoints[:, 2] > 0, :2]
        low, high = (known.min(axis=0), known.max(axis=0)) if len(known) else (np.zeros(2), np.zeros(2))
        box = [float(value) for value in (*low, *(high - low))]
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": int(crowd),
        "bbox": box,
        "area": _AREA_OF_BOX * box[2] * box[3],
        "keypoints": [float(value) for value in keypoints.ravel()],
        "num_keypoints": int((keypoints[:, 2] > 0).sum()),
    }


def _longer_side(true: Points, labelled: npt.NDArray[np.bool_]) -> Normaliser:
    high = np.where(labelled[..., None], true, -np.inf).max(axis=1)
    low = np.where(labelled[..., None], true, np.inf).min(axis=1)
    return Normaliser((high - low).max(axis=1), "the longer side of the labelled keypoints")


def _limbs(recipe: Recipe) -> tuple[Limb, ...]:
    try:
        return ten_limbs(recipe.skeleton)
    except ValueError:  # a skeleton that is no body: its own limbs
        names = recipe.skeleton.keypoints
        return tuple(Limb(f"{names[a]}_{names[b]}", (a,), (b,)) for a, b in recipe.skeleton.limbs)
