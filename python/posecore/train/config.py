"""`TrainConfig`: everything that decides what a training run does, one frozen dataclass a section of its TOML file.

`read_config("run.toml")` reads one; paths in it are relative to the file. `config.toml()` is the text of the same
configuration, which every run writes into its folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from posecore import skeletons
from posecore.arguments import choice, number, whole
from posecore.skeletons import Skeleton
from posecore.train.augmentation import Augmentation
from posecore.train.tables import from_table, read_file, to_table, to_toml

Format = Literal["coco", "feet", "mpii", "lsp", "points"]
_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SetConfig:
    """One set of labelled pictures: an entry of [[data.train]] or [[data.validation]].

    Attributes:
        annotations: the file of labels.
        pictures: the folder of its pictures.
        format: coco, feet (COCO and the CMU foot points), mpii, lsp, or points (grey pictures with lists of points).
        second: the file of foot labels of the format feet; the file that names the pictures of an MPII .mat.
        fields: the keypoint fields of the format coco, one behind the other.
        weight: how often its pictures are drawn, against the other sets', over 0.
        start, stop: only its pictures start..stop - 1 in the file's order; to the end where stop is left out.
        teacher: the field of another model's keypoints, from which a network may learn too.
        teacher_for: "unlabelled": they stand in where people labelled nothing; "all": they replace labels too.
        least_teacher_score: what the teacher is less sure of is not taken, 0..1.
        least_agreement: people whose `teacher_agreement` is less are taken for badly labelled, 0..1.
        empty: pictures without people are taken too.
        crops: whether each person, cut out with some of what is around, is a picture of its own (top-down).
        context: then, how many times the sides of the person's box are cut out, 1..10.
        labels: false: what people labelled is not used; the teacher of [distillation] says everything.
    """

    annotations: Path
    pictures: Path
    format: Format = "coco"
    second: Path | None = None
    fields: tuple[str, ...] = ("keypoints",)
    weight: float = 1.0
    start: int = 0
    stop: int | None = None
    teacher: str | None = None
    teacher_for: Literal["unlabelled", "all"] = "unlabelled"
    least_teacher_score: float = 0.3
    least_agreement: float = 0.0
    empty: bool = False
    crops: bool = False
    context: float = 1.25
    labels: bool = True

    def __post_init__(self) -> None:
        number(self.weight, "weight", 1e-6, 1e6)
        whole(self.start, "start", 0, _MOST)
        if self.stop is not None:
            whole(self.stop, "stop", self.start + 1, _MOST)
        number(self.least_teacher_score, "least_teacher_score", 0.0, 1.0)
        number(self.least_agreement, "least_agreement", 0.0, 1.0)
        number(self.context, "context", 1.0, 10.0)


@dataclass(frozen=True, slots=True)
class DataConfig:
    """[data]: what is trained on, and what is kept out to measure.

    Attributes:
        train: at least one set.
        validation: sets that are evaluated while it trains; none is no evaluation.
        skeleton: the name of a skeleton that comes with the package; the section [skeleton] is used in its place.
    """

    train: tuple[SetConfig, ...]
    validation: tuple[SetConfig, ...] = ()
    skeleton: str = "coco17"

    def __post_init__(self) -> None:
        if not self.train:
            raise ValueError("train: wanted at least one set, got none")
        choice(self.skeleton, "skeleton", skeletons.names())


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """[network]: what is trained.

    Attributes:
        name: posenet, cpm, simple_baseline, five_conv, four_conv or vgg16 (`posecore.train.recipes.names()`).
        options: the arguments of its builder in `posecore.train.networks`, such as
            { backbone = "mobilenet_v1_050", output_stride = 16 }.
        weights: a file to start from: .npz, and for posenet tfjs's folder or a frozen .pb; left out: chance.
        weights_skeleton: the name of the skeleton that these weights are for, where it is another one; what both
            have in common is kept.
        freeze: "backbone" trains what comes after it, "heads" the last layers alone, "none" freezes nothing.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    weights_skeleton: str | None = None
    freeze: Literal["none", "backbone", "heads"] = "none"

    def __post_init__(self) -> None:
        if self.weights_skeleton is not None:
            choice(self.weights_skeleton, "weights_skeleton", skeletons.names())
            if self.weights is None:
                raise ValueError("weights_skeleton: wanted weights with it, got none")


@dataclass(frozen=True, slots=True)
class DistillationConfig:
    """[distillation]: a trained PoseNet, the teacher, says what labels leave open: unlabelled keypoints, ignored
    regions, and all that is far from labelled people. For the network posenet.

    Attributes:
        weights: its file or folder, as `network.weights`.
        options: the arguments of its builder, such as { backbone = "mobilenet_v1_075" }; its stride and channels are
            the network's.
        weights_skeleton: the name of the skeleton that it is for, where it is another one; it says nothing of keypoints
            that it does not have.
        least_score: its offsets and displacements are taken where its heatmap is above, 0..1.
    """

    weights: Path
    options: dict[str, Any] = field(default_factory=dict)
    weights_skeleton: str | None = None
    least_score: float = 0.5

    def __post_init__(self) -> None:
        if self.weights_skeleton is not None:
            choice(self.weights_skeleton, "weights_skeleton", skeletons.names())
        number(self.least_score, "least_score", 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class InputConfig:
    """[input]: what the network sees.

    Attributes:
        width, height: of its input in pixels.
        batch_size: pictures a step.
        threads: that read and change pictures while the network works.
    """

    width: int
    height: int
    batch_size: int = 8
    threads: int = 1

    def __post_init__(self) -> None:
        whole(self.width, "width", 8, 8192)
        whole(self.height, "height", 8, 8192)
        whole(self.batch_size, "batch_size", 1, 65536)
        whole(self.threads, "threads", 1, 256)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height


@dataclass(frozen=True, slots=True)
class LossConfig:
    """[loss]: what counts as wrong, and how much. What a network has no output for is not read.

    Attributes:
        heatmap, offset, displacement: weights of PoseNet's outputs; PersonLab (arXiv 1803.08225) has 4, 1 and 0.25.
            `heatmap` is the weight of other networks' heatmaps too.
        radius_px: of PersonLab's discs, in input pixels; offsets are divided by it before they are compared.
        sigma_px: of the Gaussians of other heatmaps, in input pixels.
        coordinates: weight of smooth L1, for networks that give coordinates.
        oks: weight of the OKS loss, for networks that give coordinates and skeletons with sigmas.
        limbs: weight of the prior on limb lengths and close keypoints, for networks that give coordinates.
        hardest_keypoints: of each picture only so many keypoints with the largest heatmap loss count.
    """

    heatmap: float = 4.0
    offset: float = 1.0
    displacement: float = 0.25
    radius_px: float = 32.0
    sigma_px: float = 8.0
    coordinates: float = 1.0
    oks: float = 0.0
    limbs: float = 0.0
    hardest_keypoints: int | None = None

    def __post_init__(self) -> None:
        for name in ("heatmap", "offset", "displacement", "coordinates", "oks", "limbs"):
            number(getattr(self, name), name, 0.0, 1e6)
        number(self.radius_px, "radius_px", 0.5, 1e4)
        number(self.sigma_px, "sigma_px", 0.1, 1e4)
        if self.hardest_keypoints is not None:
            whole(self.hardest_keypoints, "hardest_keypoints", 1, 65536)


@dataclass(frozen=True, slots=True)
class OptimizerConfig:
    """[optimizer]: how weights are changed.

    Attributes:
        name: adamw or sgd (with Nesterov's momentum).
        learning_rate: the highest.
        weight_decay: decoupled from the gradient; biases and normalisation are left out of it.
        momentum: of sgd.
        schedule: constant; cosine, down to `final_share` of the learning rate (arXiv 1608.03983); one_cycle, up
            through 30 % of the steps from `first_share` and down to `final_share` (arXiv 1708.07120).
        warmup_steps: in the first so many steps the learning rate rises in a line; one_cycle rises by itself.
        first_share, final_share: of the learning rate, where one_cycle begins, and where both end.
        clip_norm: gradients whose norm over all weights is larger are scaled to it; left out: none are.
        accumulate: so many batches give one change of the weights.
        ema: after each change averages of the weights keep this share of themselves, 0.9..1; the averages are what
            is evaluated and kept. Left out: no averages.
        precision: float32, mixed_bfloat16 or mixed_float16 inside of the network.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    momentum: float = 0.9
    schedule: Literal["constant", "cosine", "one_cycle"] = "cosine"
    warmup_steps: int = 0
    first_share: float = 0.04
    final_share: float = 0.001
    clip_norm: float | None = None
    accumulate: int = 1
    ema: float | None = None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"

    def __post_init__(self) -> None:
        number(self.learning_rate, "learning_rate", 1e-12, 1e3)
        number(self.weight_decay, "weight_decay", 0.0, 10.0)
        number(self.momentum, "momentum", 0.0, 1.0)
        whole(self.warmup_steps, "warmup_steps", 0, _MOST)
        number(self.first_share, "first_share", 0.0, 1.0)
        number(self.final_share, "final_share", 0.0, 1.0)
        if self.clip_norm is not None:
            number(self.clip_norm, "clip_norm", 1e-9, 1e9)
        whole(self.accumulate, "accumulate", 1, 65536)
        if self.ema is not None:
            number(self.ema, "ema", 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """[run]: how long, what is written where, when to stop.

    Attributes:
        out: the folder of the run; it holds the configuration, checkpoints, weights and logs.
        steps: batches in all.
        epoch_steps: batches between checkpoints and lines of the log. `steps` is rounded up to whole epochs.
        validate_every: epochs between evaluations, of whatever metric; the last epoch is always evaluated.
        metric: the number that says which weights are best: AP, PCK, PDJ, PCP, or loss (of training, where there is
            no validation set).
        patience: evaluations without a better number after which training ends early; left out: never.
        seed: of weights, pictures and dropout.
        deterministic: the same bits again on the same machine, at some cost of time on an accelerator.
        tensorboard: whether logs for TensorBoard are written too, with histograms and pictures.
        devices: one; mirrored: all accelerators of this machine; workers: those of several machines, as TF_CONFIG says.
        mix: weights that are evaluated and kept are start + mix * (trained - start), 0..1, where start is
            `network.weights` (WiSE-FT, arXiv 2109.01903): what is learnt anew costs less of what was known.
    """

    out: Path
    steps: int
    epoch_steps: int = 100
    validate_every: int = 1
    metric: Literal["AP", "PCK", "PDJ", "PCP", "loss"] = "AP"
    patience: int | None = None
    seed: int = 0
    deterministic: bool = True
    tensorboard: bool = False
    devices: Literal["one", "mirrored", "workers"] = "one"
    mix: float = 1.0

    def __post_init__(self) -> None:
        whole(self.steps, "steps", 1, _MOST)
        whole(self.epoch_steps, "epoch_steps", 1, _MOST)
        if self.epoch_steps > self.steps:  # no epoch is longer than the run
            object.__setattr__(self, "epoch_steps", self.steps)
        whole(self.validate_every, "validate_every", 1, _MOST)
        if self.patience is not None:
            whole(self.patience, "patience", 1, _MOST)
        whole(self.seed, "seed", 0, _MOST)
        number(self.mix, "mix", 0.0, 1.0)

    @property
    def epochs(self) -> int:
        """Whole epochs that hold `steps`."""
        return -(-self.steps // self.epoch_steps)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """A training run. Sections of the TOML file are the attributes; what is left out has the default.

    Attributes:
        skeleton: [skeleton], one of your own, in place of the one that `data.skeleton` names.

    Raises:
        TypeError, ValueError: by the sections, for values out of range.
    """

    data: DataConfig
    network: NetworkConfig
    input: InputConfig
    run: RunConfig
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    skeleton: Skeleton | None = None
    distillation: DistillationConfig | None = None

    def __post_init__(self) -> None:
        if any(not one.labels for one in self.data.train) and self.distillation is None:
            raise ValueError(
                "data.train: wanted [distillation] with a set whose labels are not used, got none"
            )
        if any(not one.labels for one in self.data.validation):
            raise ValueError("data.validation: wanted labels, got a set whose labels are not used")
        if self.run.mix < 1 and self.network.weights is None:
            raise ValueError(f"run.mix: wanted network.weights to mix with, got {self.run.mix:g} and none")
        metric, skeleton = self.run.metric, self.chosen_skeleton
        if metric == "AP" and self.data.validation and skeleton.sigmas is None:
            raise ValueError(
                f"run.metric: wanted PCK, PDJ, PCP or loss, as skeleton {skeleton.name} has no sigmas, got AP"
            )
        _check_flips(skeleton, self.augmentation.flip)
        if self.run.patience is not None and metric != "loss" and not self.data.validation:
            raise ValueError(
                f"run.patience: wanted a validation set or the metric loss with it, got {metric}"
            )

    @property
    def chosen_skeleton(self) -> Skeleton:
        """What the keypoints are."""
        return self.skeleton or skeletons.get(self.data.skeleton)

    def table(self) -> dict[str, Any]:
        """Sections as plain dicts, lists, text and numbers, with absolute paths: for JSON and for comparing."""
        table: dict[str, Any] = to_table(self)
        return table

    def toml(self) -> str:
        """The text of a TOML file that `read_config` reads as this configuration."""
        return to_toml(self.table())


def _check_flips(skeleton: Skeleton, flip: float) -> None:
    """Mirrored pictures of a skeleton with sides teach left as right, unless it says which keypoints are a pair."""
    paired = {keypoint for pair in skeleton.flip_pairs for keypoint in pair}
    names = skeleton.keypoints
    alone = [
        (k, names.index(other))
        for k, name in enumerate(names)
        if (other := name.replace("left", "right", 1)) != name and other in names and k not in paired
    ]
    if alone and flip > 0:
        left, right = (names[k] for k in alone[0])
        raise ValueError(
            f"skeleton.flip_pairs: wanted the pairs that change places in a mirror, {[list(pair) for pair in alone]} "
            f"for {left}, {right} and so on, or augmentation.flip = 0, got none"
        )


def read_config(path: str | os.PathLike[str]) -> TrainConfig:
    """The configuration of a .toml or .json file.

    Raises:
        SourceError: the file cannot be read, or a key of it is not known, missing, of another type or out of range;
            the sentence names it, and the nearest right name.
        MissingExtra: Python 3.10 without the package tomli.
    """
    path = Path(path)
    return from_table(TrainConfig, read_file(path), file=str(path), folder=path.parent)
