"""Recipes: the name of a network in a configuration, and all that training it takes.

A recipe says how the network is built, what targets it learns from, which loss each output has, and how its outputs
become `Heads` or `Poses`. A network of your own is one more function here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.errors import SourceError
from posecore.heads import Heads
from posecore.poses import Poses
from posecore.skeletons import Skeleton
from posecore.train import networks
from posecore.train.config import TrainConfig
from posecore.train.losses import LimbPrior, Loss, MaskedBce, MaskedMse, OksLoss, SmoothL1, Together
from posecore.train.networks.cpm import MOST_STAGES
from posecore.train.networks.cpm import STRIDE_PX as CPM_STRIDE_PX
from posecore.train.networks.simple_baseline import STRIDE_PX as BASELINE_STRIDE_PX
from posecore.train.tables import nearest
from posecore.train.targets import (
    CoordinateTargets,
    GaussianTargets,
    OpenBackground,
    PersonLabTargets,
    Targets,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

Kind = Literal["people", "heatmap", "coordinates"]

_COORDINATE_SCALE = 0.1  # errors are counted in tenths of the input's side


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """What it takes to train one network.

    Attributes:
        name: of the network.
        build: gives the untrained `keras.Model` for a skeleton.
        targets: what it learns from.
        losses: one an output, by name.
        kind: "people" of a whole picture by PersonLab's decoder; one person by "heatmap" or "coordinates".
        read: what one picture's outputs (rows, columns, channels) or (K, 2) say, by name: `Heads`, or `Poses` in
            input pixels.
        skeleton: what the keypoints are.
        size: (width, height) of the input in pixels.
        stride_px: input pixels from cell to cell; 1 for coordinates.
        channels: 3 (RGB) or 1 (grey).
    """

    name: str
    build: Callable[[Skeleton], Any]
    targets: Targets
    losses: Mapping[str, Loss]
    kind: Kind
    read: Callable[[Mapping[str, Floats]], Heads | Poses]
    skeleton: Skeleton
    size: tuple[int, int]
    stride_px: int = 1
    channels: int = 3


@dataclass(frozen=True, slots=True)
class SameForAll:
    """The one target of another `Targets` under the names of several outputs: intermediate supervision."""

    targets: Targets
    outputs: tuple[str, ...]

    @property
    def skeleton(self) -> Skeleton:
        """That of the targets."""
        return self.targets.skeleton

    def encode(self, *labels: Any, size: tuple[int, int]) -> dict[str, Floats]:
        """As the targets' own."""
        (only,) = self.targets.encode(*labels, size=size).values()
        return dict.fromkeys(self.outputs, only)


def names() -> tuple[str, ...]:
    """The names of networks that a configuration may have."""
    return tuple(_RECIPES)


def make_recipe(config: TrainConfig) -> Recipe:
    """The recipe of `config.network`.

    Raises:
        SourceError: no such network, or an option that its builder does not have; the sentence names those it has.
        ValueError, TypeError: a skeleton or size that the network cannot have.
    """
    name = config.network.name
    if name not in _RECIPES:
        raise SourceError(
            f"[network] name: wanted one of {', '.join(_RECIPES)}, got {name!r}{nearest(name, _RECIPES)}"
        )
    if config.distillation is not None and name != "posenet":
        raise SourceError(f"[distillation]: wanted the network posenet with it, got {name}")
    return _RECIPES[name](config)


def _posenet(config: TrainConfig) -> Recipe:
    skeleton, loss = config.chosen_skeleton, config.loss
    options = _options(config, networks.posenet)
    stride = _whole_option(options, "output_stride", 16, 32)
    offsets = SmoothL1(scale=loss.radius_px, weight=loss.offset)
    displacements = SmoothL1(scale=loss.radius_px, weight=loss.displacement)
    heatmaps = MaskedBce(weight=loss.heatmap, hardest=loss.hardest_keypoints)
    targets = PersonLabTargets(skeleton, stride, loss.radius_px)
    losses: dict[str, Loss] = {"heatmap_2": heatmaps, "offset_2": offsets}
    if skeleton.edges:
        losses |= {"displacement_fwd_2": displacements, "displacement_bwd_2": displacements}

    def read(outputs: Mapping[str, Floats]) -> Heads:
        tensors = (
            outputs.get(f"{head}_2") for head in ("heatmap", "offset", "displacement_fwd", "displacement_bwd")
        )
        return Heads(*tensors, stride_px=stride, scores="logits")  # type: ignore[arg-type]

    return Recipe(
        name=config.network.name,
        build=_builder(config, networks.posenet, options),
        targets=targets if config.distillation is None else OpenBackground(targets),
        losses=losses,
        kind="people",
        read=read,
        skeleton=skeleton,
        size=config.input.size,
        stride_px=stride,
        channels=_whole_option(options, "channels", 3, 3),
    )


def _cpm(config: TrainConfig) -> Recipe:
    skeleton, loss = config.chosen_skeleton, config.loss
    options = _options(config, networks.cpm, without=("centre_map",))
    stages = [f"stage{number}" for number in range(1, _whole_option(options, "stages", 3, MOST_STAGES) + 1)]
    background = options.get("background", False)
    if not isinstance(background, bool):
        raise SourceError(f"[network] options.background: wanted true or false, got {background!r:.60}")
    targets = GaussianTargets(skeleton, CPM_STRIDE_PX, loss.sigma_px, background=background)
    # A Gaussian fills so little of a map that the mean of its squares is about a thousandth.
    each = MaskedMse(weight=100 * loss.heatmap, hardest=loss.hardest_keypoints)

    def read(outputs: Mapping[str, Floats]) -> Heads:
        maps = outputs[stages[-1]][..., : skeleton.num_keypoints]
        return Heads(np.clip(maps, 0, 1), stride_px=CPM_STRIDE_PX, scores="probabilities")

    return _of_heatmaps(
        config,
        networks.cpm,
        options,
        SameForAll(targets, tuple(stages)),
        dict.fromkeys(stages, each),
        read,
        stride_px=CPM_STRIDE_PX,
    )


def _simple_baseline(config: TrainConfig) -> Recipe:
    skeleton, loss = config.chosen_skeleton, config.loss
    options = _options(config, networks.simple_baseline)

    def read(outputs: Mapping[str, Floats]) -> Heads:
        return Heads(outputs["heatmap"], stride_px=BASELINE_STRIDE_PX, scores="logits")

    targets = GaussianTargets(skeleton, BASELINE_STRIDE_PX, loss.sigma_px)
    losses = {"heatmap": MaskedBce(weight=loss.heatmap, hardest=loss.hardest_keypoints)}
    return _of_heatmaps(
        config, networks.simple_baseline, options, targets, losses, read, stride_px=BASELINE_STRIDE_PX
    )


def _of_heatmaps(
    config: TrainConfig,
    builder: Callable[..., Any],
    options: dict[str, Any],
    targets: Targets,
    losses: Mapping[str, Loss],
    read: Callable[[Mapping[str, Floats]], Heads],
    *,
    stride_px: int,
) -> Recipe:
    return Recipe(
        name=config.network.name,
        build=_builder(config, builder, options),
        targets=targets,
        losses=losses,
        kind="heatmap",
        read=read,
        skeleton=config.chosen_skeleton,
        size=config.input.size,
        stride_px=stride_px,
        channels=_whole_option(options, "channels", 3, 3),
    )


def _regressor(builder: Callable[..., Any], config: TrainConfig) -> Recipe:
    skeleton, loss, size = config.chosen_skeleton, config.loss, config.input.size
    options = _options(config, builder)
    terms: list[Loss] = [SmoothL1(scale=_COORDINATE_SCALE, beta=0.2, weight=loss.coordinates)]
    if loss.oks > 0:
        if skeleton.sigmas is None:
            raise SourceError(
                f"[loss] oks: wanted 0, as skeleton {skeleton.name} has no sigmas, got {loss.oks:g}"
            )
        terms.append(OksLoss(skeleton.sigmas, size, weight=loss.oks))
    if loss.limbs > 0:
        if not skeleton.limbs and not skeleton.flip_pairs:
            raise SourceError(
                f"[loss] limbs: wanted 0, as skeleton {skeleton.name} has neither limbs nor pairs, got {loss.limbs:g}"
            )
        terms.append(LimbPrior(skeleton.limbs, skeleton.flip_pairs, weight=loss.limbs))

    def read(outputs: Mapping[str, Floats]) -> Poses:
        xy = CoordinateTargets.pixels(outputs["keypoints"], size=size)
        # Coordinates come without a score: everybody is sure.
        return Poses(xy[None], np.ones((1, len(xy)), np.float32), skeleton=skeleton)

    return Recipe(
        name=config.network.name,
        build=_builder(config, builder, options),
        targets=CoordinateTargets(skeleton),
        losses={"keypoints": Together(tuple(terms))},
        kind="coordinates",
        read=read,
        skeleton=skeleton,
        size=size,
        channels=_whole_option(options, "channels", 3, 3),
    )


_RECIPES: dict[str, Callable[[TrainConfig], Recipe]] = {
    "posenet": _posenet,
    "cpm": _cpm,
    "simple_baseline": _simple_baseline,
    "five_conv": partial(_regressor, networks.five_conv),
    "four_conv": partial(_regressor, networks.four_conv),
    "vgg16": partial(_regressor, networks.vgg16),
}


def _options(
    config: TrainConfig, builder: Callable[..., Any], without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The builder's arguments that the configuration gives, all of them known to it."""
    ours = {"skeleton", "input_size", *without}
    known = [name for name in inspect.signature(builder).parameters if name not in ours]
    for option in config.network.options:
        if option not in known:
            raise SourceError(
                f"[network] options: wanted some of {', '.join(known)} for {config.network.name}, got {option!r}"
                f"{nearest(option, known)}"
            )
    return dict(config.network.options)


def _whole_option(options: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """An option that the recipe has to know before the builder looks at it."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise SourceError(
            f"[network] options.{name}: wanted a whole number from 1 to {most}, got {value!r:.60}"
        )
    return value


def _builder(
    config: TrainConfig, builder: Callable[..., Any], options: dict[str, Any]
) -> Callable[[Skeleton], Any]:
    def build(skeleton: Skeleton) -> Any:
        try:
            return builder(skeleton=skeleton, input_size=config.input.size, **options)
        except (TypeError, ValueError) as error:
            name = str(error).partition(":")[0]
            if name not in options:
                raise
            raise SourceError(f"[network] options.{error}") from None

    return build
