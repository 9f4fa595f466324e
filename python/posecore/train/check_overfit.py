"""Learning a few pictures by heart: a network that cannot do this will learn nothing else either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.similarity import oks
from posecore.train import networks
from posecore.train.check_layers import biases_alone
from posecore.train.config import TrainConfig
from posecore.train.datasets import Part
from posecore.train.feed import Feed
from posecore.train.recipes import Recipe
from posecore.train.samples import box_of, located
from posecore.train.schedules import make_optimizer
from posecore.train.validation import Validation
from posecore.train.watch import Watcher

if TYPE_CHECKING:
    from posecore.poses import Poses
    from posecore.train.datasets import Dataset
    from posecore.train.samples import Sample

_AREA_OF_BOX = 0.53  # as `Validation` has it


@dataclass(frozen=True, slots=True, eq=False)
class Overfit:
    """How learning by heart went.

    Attributes:
        pictures: how many.
        start: the loss of the same answer for every picture: what a network that knows nothing loses.
        losses: one a step, of training.
        end: the loss afterwards, as in prediction: without dropout, with normalisation's averages.
        people: labelled people in the pictures.
        oks: their mean OKS with the nearest pose that was decoded, 0 where there is none; None without sigmas.
        samples, poses: the pictures and what was decoded, in their pixels.
    """

    pictures: int
    start: float
    losses: tuple[float, ...]
    end: float
    people: int
    oks: float | None
    samples: tuple[Sample, ...] = field(repr=False)
    poses: tuple[Poses, ...] = field(repr=False)

    @property
    def fall(self) -> float:
        """How many times less the loss is at the end."""
        return self.start / self.end if self.end > 0 else float("inf")

    def report(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "pictures": self.pictures,
            "steps": len(self.losses),
            "loss_without_knowledge": self.start,
            "loss_at_the_end": self.end,
            "fall": self.fall,
            "people": self.people,
            "mean_oks": self.oks,
            "losses": list(self.losses),
        }


def overfit(
    config: TrainConfig,
    recipe: Recipe,
    model: Any,
    dataset: Dataset,
    *,
    pictures: int,
    steps: int,
    watcher: Watcher,
) -> Overfit:
    """Train on the first `pictures` of a dataset, always the same batch, without augmentation or weight decay.

    The learning rate goes through one cycle up to that of `config.optimizer`.
    """
    few = Part(dataset, range(min(pictures, len(dataset))))
    with Feed(few, recipe.targets, size=recipe.size, batch_size=len(few), channels=recipe.channels) as feed:
        x, y = feed.batch(0)
    start = biases_alone(model, recipe, x, y)["loss"][1]
    networks.freeze(model, "none")
    optimizer = replace(
        config.optimizer, schedule="one_cycle", weight_decay=0.0, accumulate=1, ema=None, clip_norm=1.0
    )
    model.compile(optimizer=make_optimizer(optimizer, steps), loss=dict(recipe.losses))
    watcher.begin(0, steps)
    losses = tuple(_learn(model, x, y, steps, watcher))
    model.reset_metrics()
    end = float(model.test_on_batch(x, y, return_dict=True)["loss"])
    found = list(Validation(recipe, few, batch_size=len(few)).poses(model))
    samples, poses = tuple(sample for sample, _ in found), tuple(pose for _, pose in found)
    similarities = _similarities(recipe, samples, poses)
    return Overfit(
        pictures=len(few),
        start=start,
        losses=losses,
        end=end,
        people=len(similarities),
        oks=float(np.mean(similarities)) if similarities and recipe.skeleton.sigmas else None,
        samples=samples,
        poses=poses,
    )


def _learn(model: Any, x: Any, y: Any, steps: int, watcher: Watcher) -> Iterator[float]:
    for _ in range(steps):
        model.reset_metrics()
        yield float(model.train_on_batch(x, y, return_dict=True)["loss"])
        watcher.step()
        if watcher.stop_wanted():
            return


def _similarities(recipe: Recipe, samples: tuple[Sample, ...], poses: tuple[Poses, ...]) -> list[float]:
    """For each labelled person the OKS of the pose that is most like them."""
    if recipe.skeleton.sigmas is None:
        return []
    found: list[float] = []
    for sample, people in zip(samples, poses, strict=True):
        known = located(sample.visibility)
        rows = np.flatnonzero(known.any(axis=1))
        if recipe.kind != "people":
            rows = rows[rows == 0]
        if not len(rows):
            continue
        truths = np.concatenate([sample.xy, known[:, :, None]], axis=2)[rows].astype(np.float64)
        areas = np.array([_area_px2(sample, int(row)) for row in rows])
        similar = oks(people.xy.astype(np.float64), truths, areas, recipe.skeleton)
        found += (similar.max(axis=0) if len(people) else np.zeros(len(truths))).tolist()
    return found


def _area_px2(sample: Sample, person: int) -> float:
    """.53 of the person's box, or of what the labelled keypoints span where nobody knows the box."""
    _, _, width, height = box_of(sample, person)
    return float(_AREA_OF_BOX * width * height)
