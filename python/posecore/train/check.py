"""`check`: what to know about a run before it takes a day. Each finding is one sentence, and says what to do.

Labels that are missing, one batch drawn, the loss at the start against the loss that biases alone give, gradients and
activations of every layer, and whether the network can learn 11 pictures by heart.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.train import seeds
from posecore.train.check_layers import Layer, activations, biases_alone, gradients
from posecore.train.check_overfit import Overfit, overfit
from posecore.train.config import TrainConfig
from posecore.train.datasets import Mixture
from posecore.train.distillation import make_teacher
from posecore.train.feed import Feed
from posecore.train.recipes import Recipe, make_recipe
from posecore.train.samples import located
from posecore.train.sets import (
    MOST_LOOKED_AT,
    looked_at,
    open_set,
    several_people,
    training_set,
    want_pictures,
)
from posecore.train.starting_weights import build
from posecore.train.watch import Watcher

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.train.datasets import Dataset
    from posecore.train.samples import Sample

SMALL = 0.05  # an activation below this says next to nothing
MOST_SMALL = 0.99  # of a layer's activations; more and it is as good as dead
START_FACTOR = 2.0  # the first loss of an untrained network, against that of its biases
WANTED_FALL = 100.0
WANTED_OKS = 0.9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: of what was looked at.
        good: whether it is as it should be.
        sentence: what was found.
    """

    name: str
    good: bool
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What a check found.

    Attributes:
        findings: in the order in which they were made.
        labelled: for each keypoint by name, how many people have it labelled.
        people: how many people were counted.
        layers: gradients and activations, layer by layer.
        start: the first loss of a batch, and that of the biases alone, by output and in sum ("loss").
        overfit: how learning by heart went; None where it was left out.
        batch: the samples of the first batch, as they go into the network.
        targets: what was encoded for each of them.
    """

    findings: tuple[Finding, ...]
    labelled: dict[str, int]
    people: int
    layers: tuple[Layer, ...]
    start: dict[str, tuple[float, float]]
    overfit: Overfit | None
    batch: tuple[Sample, ...] = field(repr=False)
    targets: tuple[dict[str, npt.NDArray[np.float32]], ...] = field(repr=False)

    @property
    def good(self) -> bool:
        """Whether everything is as it should be."""
        return all(finding.good for finding in self.findings)

    def lines(self) -> list[str]:
        """The findings as text."""
        return [f"{'ok  ' if one.good else 'LOOK'} {one.name}: {one.sentence}" for one in self.findings]

    def report(self) -> dict[str, Any]:
        """Everything but pictures, as JSON can hold it."""
        learnt = self.overfit
        return {
            "good": self.good,
            "findings": [{"name": f.name, "good": f.good, "sentence": f.sentence} for f in self.findings],
            "people": self.people,
            "labelled": self.labelled,
            "start": {name: {"loss": a, "biases_alone": b} for name, (a, b) in self.start.items()},
            "layers": [
                {
                    "name": layer.name,
                    "gradient": layer.gradient,
                    "activations_below_0.05": layer.small,
                }
                for layer in self.layers
            ],
            "overfit": None if learnt is None else learnt.report(),
        }


def check(
    config: TrainConfig, *, steps: int = 400, pictures: int = 11, watcher: Watcher | None = None
) -> Check:
    """Look at a run before it begins. Nothing is written.

    Args:
        config: of the run; its network, weights, losses and learning rate are used.
        steps: at most so many to learn by heart, 0 to leave that out.
        pictures: how many are learnt by heart; one batch.
        watcher: who is told.

    Raises:
        SourceError, ModelError, MissingExtra: as `fit`; and SourceError where pictures of up to 2000 samples of each
            set, of validation too, are missing or damaged as far as heads and ends of files show it.
    """
    watcher = watcher or Watcher()
    recipe = make_recipe(config)
    several = recipe.kind == "people"
    dataset = training_set(config.data.train, recipe.skeleton, recipe.size, others=several)
    for part in parts_of(dataset):
        want_pictures(part)
    for one in config.data.validation:
        want_pictures(open_set(one, recipe.skeleton, recipe.size, others=several))
    findings: list[Finding] = []

    labelled, people, empty = count_labels(dataset)
    findings.append(
        _labels(recipe, labelled, people, empty, parts_of(dataset), taught=config.distillation is not None)
    )

    crowded = None if several else several_people(dataset)
    if crowded is not None:
        findings.append(Finding("people", False, crowded))

    seeds.set_seeds(config.run.seed, deterministic=False)
    model = build(recipe, config)
    teacher = make_teacher(config, recipe)
    with _feed(config, recipe, dataset, config.input.batch_size) as feed:
        samples = feed.samples(0)
        x, y = feed.batch(0)
    if teacher is not None:
        y = teacher(x, y)
    targets = tuple({name: one[i] for name, one in y.items()} for i in range(len(samples)))
    findings.append(_known(y))

    start = biases_alone(model, recipe, x, y)
    findings.append(_start(start, started=config.network.weights is not None))
    flow = gradients(_in_float32(model, recipe, config), recipe, x, y)
    found = activations(model, x, SMALL)
    layers = tuple(Layer(name, flow.get(name), found.get(name)) for name in dict.fromkeys((*flow, *found)))
    findings += [_gradients(layers), _activations(layers)]

    learnt = None
    plain = _labels_alone(config)
    if steps and plain is not None:
        if plain is not config:
            recipe = make_recipe(plain)
            dataset = training_set(plain.data.train, recipe.skeleton, recipe.size, others=several)
        learnt = overfit(config, recipe, model, dataset, pictures=pictures, steps=steps, watcher=watcher)
        findings += _learnt(learnt)
    return Check(
        findings=tuple(findings),
        labelled=dict(zip(recipe.skeleton.keypoints, labelled.tolist(), strict=True)),
        people=people,
        layers=layers,
        start=start,
        overfit=learnt,
        batch=tuple(samples),
        targets=targets,
    )


def count_labels(dataset: Dataset) -> tuple[npt.NDArray[np.int64], int, int]:
    """For each keypoint how many people have it, how many people there are, and how many pictures without labels, of
    `looked_at` of each of `parts_of`."""
    counts = np.zeros(dataset.skeleton.num_keypoints, np.int64)
    people = empty = 0
    for part in parts_of(dataset):
        for labels in looked_at(part):
            labelled = located(labels.visibility)
            counts += labelled.sum(axis=0)
            people += len(labelled)
            empty += not labelled.any()
    return counts, people, empty


def parts_of(dataset: Dataset) -> tuple[Dataset, ...]:
    """The sets that a mixture draws from, of which it has small ones several times; else the dataset."""
    return tuple(dataset.datasets) if isinstance(dataset, Mixture) else (dataset,)


def _in_float32(model: Any, recipe: Recipe, config: TrainConfig) -> Any:
    """The same weights, computing in float32: in float16 small slopes are 0, and large ones infinite."""
    if config.optimizer.precision == "float32":
        return model
    plain = build(recipe, replace(config, optimizer=replace(config.optimizer, precision="float32")))
    plain.set_weights(model.get_weights())
    return plain


def _labels_alone(config: TrainConfig) -> TrainConfig | None:
    """The run without its teacher, whose probabilities always leave a loss; None where no set has labels."""
    labelled = tuple(one for one in config.data.train if one.labels)
    if config.distillation is None or not labelled:
        return config if labelled else None
    return replace(config, data=replace(config.data, train=labelled), distillation=None)


def _feed(config: TrainConfig, recipe: Recipe, dataset: Dataset, batch_size: int) -> Feed:
    return Feed(
        dataset,
        recipe.targets,
        size=recipe.size,
        batch_size=batch_size,
        augmentation=config.augmentation,
        seed=config.run.seed,
        channels=recipe.channels,
    )


def _labels(
    recipe: Recipe,
    labelled: npt.NDArray[np.int64],
    people: int,
    empty: int,
    parts: tuple[Dataset, ...],
    *,
    taught: bool,
) -> Finding:
    pictures = sum(map(len, parts))
    looked = sum(min(len(part), MOST_LOOKED_AT) for part in parts)
    text = f"{people} people in {looked} of {pictures} pictures, {empty} of them without labels"
    names = recipe.skeleton.keypoints
    never = [name for name, count in zip(names, labelled, strict=True) if count == 0]
    rare = [
        f"{name} {100 * count / people:.0f} %"
        for name, count in zip(names, labelled, strict=True)
        if people and 0 < count < people / 2
    ]
    if rare:
        text += f"; labelled on less than half of the people: {', '.join(rare)}"
    if never:
        rest = "which is learnt from the teacher alone" if taught else "which cannot be learnt"
        text += f"; never labelled: {', '.join(never)}, {rest}"
    return Finding("labels", taught or (not never and people > 0), text)


def _known(y: dict[str, Any]) -> Finding:
    shares = {name: float((~np.isnan(target)).mean()) for name, target in y.items()}
    text = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
    nothing = [name for name, share in shares.items() if share == 0]
    sentence = f"known of one batch: {text}"
    if nothing:
        sentence += f"; {', '.join(nothing)} would learn nothing"
    return Finding("targets", not nothing, sentence)


def _start(start: dict[str, tuple[float, float]], *, started: bool) -> Finding:
    loss, alone = start["loss"]
    text = f"{loss:.4g}, where the outputs' biases alone give {alone:.4g}"
    if started:
        good = np.isfinite(loss) and loss < alone
        rest = "" if good else "; weights that were loaded should do better than that"
        return Finding("first loss", bool(good), f"{text}, and the weights were loaded{rest}")
    good = np.isfinite(loss) and alone / START_FACTOR <= loss <= alone * START_FACTOR
    rest = "" if good else f"; an untrained network should be within a factor of {START_FACTOR:g}"
    return Finding("first loss", bool(good), f"{text}{rest}")


def _gradients(layers: tuple[Layer, ...]) -> Finding:
    known = [layer for layer in layers if layer.gradient is not None]
    without = [layer.name for layer in known if not layer.gradient]
    if without:
        return Finding(
            "gradients", False, f"none in {_listed(without)}, of {len(known)} layers that are trained"
        )
    least = min(known, key=lambda layer: layer.gradient or 0.0)
    return Finding(
        "gradients",
        True,
        f"in all {len(known)} layers that are trained, least in {least.name} ({least.gradient:.2g})",
    )


def _activations(layers: tuple[Layer, ...]) -> Finding:
    known = [layer for layer in layers if layer.small is not None]
    dead = [
        f"{layer.name} {100 * (layer.small or 0):.1f} %" for layer in known if (layer.small or 0) > MOST_SMALL
    ]
    what = f"|a| < {SMALL:g}"
    if dead:
        return Finding("activations", False, f"{what} almost everywhere in {_listed(dead)}")
    most = max(known, key=lambda layer: layer.small or 0.0)
    return Finding(
        "activations",
        True,
        f"{what} for at most {100 * (most.small or 0):.1f} % of a layer ({most.name}), of {len(known)}",
    )


def _learnt(learnt: Overfit) -> list[Finding]:
    fall = learnt.fall
    found = [
        Finding(
            "by heart",
            fall >= WANTED_FALL,
            f"{learnt.pictures} pictures, {len(learnt.losses)} steps: loss {learnt.start:.4g} without knowledge, "
            f"{learnt.end:.4g} at the end, {fall:.0f} times less (wanted {WANTED_FALL:g})",
        )
    ]
    if learnt.oks is not None:
        found.append(
            Finding(
                "decoded",
                learnt.oks > WANTED_OKS,
                f"the {learnt.people} people of these pictures with a mean OKS of {learnt.oks:.3f} "
                f"(wanted over {WANTED_OKS:g})",
            )
        )
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
