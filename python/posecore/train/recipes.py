"""Recipes: the name of a network in a configuration, and all that training it takes.

A recipe says how the network is built, what targets it learns from, which loss each output has, and how its outputs
become `Heads` or `Poses`. A network of your own is one more function here.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.errors import SourceError
from posecore.heads import Heads, Scores
from posecore.poses import Poses
from posecore.skeletons import Skeleton
from posecore.train.config import TrainConfig
from posecore.train.losses import LimbPrior, Loss, MaskedBce, MaskedMse, OksLoss, SmoothL1, Together
from posecore.train.targets import CoordinateTargets, GaussianTargets, PersonLabTargets, Targets

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

Kind = Literal["people", "heatmap", "coordinates"]


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """What it takes to train one network.

    Attributes:
        name: of the network.
        build: gives the untrained `keras.Model`.
        targets: what it learns from.
        losses: one an output, by name.
        kind: "people" of a whole picture by PersonLab's decoder; one person by "heatmap" or "coordinates".
        read: what one picture's outputs (rows, columns, channels) or (K, 2) say, by name: `Heads`, or `Poses` in
            input pixels.
        skeleton: what the keypoints are.
        size: (width, height) of the input in pixels.
        stride_px: input pixels from cell to cell; 1 for coordinates.
        channels: 3 (RGB) or 1 (grey).
        shift_px: cell (0, 0) of heatmaps is at this x and y of the input; 0 for people and coordinates.
        heads: prefixes of the names of the layers that are trained where the backbone is frozen.
    """

    name: str
    build: Callable[[], Any]
    targets: Targets
    losses: Mapping[str, Loss]
    kind: Kind
    read: Callable[[Mapping[str, Floats]], Heads | Poses]
    skeleton: Skeleton
    size: tuple[int, int]
    stride_px: int = 1
    channels: int = 3
    shift_px: float = 0.0
    heads: tuple[str, ...] = ()


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
        near = difflib.get_close_matches(name, _RECIPES, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SourceError(f"[network] name: wanted one of {', '.join(_RECIPES)}, got {name!r}{hint}")
    return _RECIPES[name](config)


def _posenet(config: TrainConfig) -> Recipe:
    skeleton, loss = config.chosen_skeleton, config.loss
    options = _options(config, "posecore.train.networks.posenet", "posenet")
    stride = int(options.get("output_stride", 16))
    scaled = {"scale": loss.radius_px}
    losses: dict[str, Loss] = {
        "heatmap_2": MaskedBce(weight=loss.heatmap, hardest=loss.hardest_keypoints),
        "offset_2": SmoothL1(weight=loss.offset, **scaled),
    }
    if skeleton.edges:
        losses["displacement_fwd_2"] = SmoothL1(weight=loss.displacement, **scaled)
        losses["displacement_bwd_2"] = SmoothL1(weight=loss.displacement, **scaled)

    def read(outputs: Mapping[str, Floats]) -> Heads:
        tensors = [outputs.get(f"{name}_2") for name in ("heatmap", "offset", "displacement_fwd", "displacement_bwd")]
        return Heads(*tensors, stride_px=stride, scores="logits")  # type: ignore[arg-type]

    return Recipe(
        name=config.network.name,
        build=_builder(config, "posecore.train.networks.posenet", "posenet", options),
        targets=PersonLabTargets(skeleton, stride, loss.radius_px),
        losses=losses,
        kind="people",
        read=read,
        skeleton=skeleton,
        size=config.input.size,
        stride_px=stride,
        heads=("heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2"),
    )


_RECIPES: dict[str, Callable[[TrainConfig], Recipe]] = {"posenet": _posenet}


def _options(config: TrainConfig, module: str, function: str) -> dict[str, Any]:
    """The builder's arguments that the configuration gives, all of them known to it."""
    builder = getattr(import_module(module), function)
    ours = {"skeleton", "input_size", "channels", "num_keypoints", "num_edges"}
    known = [name for name in inspect.signature(builder).parameters if name not in ours]
    for option in config.network.options:
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SourceError(
                f"[network] options: wanted some of {', '.join(known)} for {config.network.name}, got {option!r}{hint}"
            )
    return dict(config.network.options)


def _builder(config: TrainConfig, module: str, function: str, options: dict[str, Any]) -> Callable[[], Any]:
    def build() -> Any:
        builder = getattr(import_module(module), function)
        return builder(skeleton=config.chosen_skeleton, input_size=config.input.size, **options)

    return build
