"""Distillation: where the labels leave something open, a trained PoseNet, the teacher, says what it sees there.

Targets are NaN where nobody knows. The teacher looks at the same pictures, changed by the same chance, and NaN becomes
its word: probabilities in heatmaps ("soft targets", arXiv 1503.02531), and where it is sure, its offsets and
displacements. What people labelled stays as it is. So a network that is tuned on pictures of one kind does not unlearn
the others, and pictures without labels can be learnt from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore import skeletons
from posecore.errors import SourceError
from posecore.train.config import NetworkConfig, TrainConfig
from posecore.train.networks.change_of_skeleton import posenet_origins
from posecore.train.recipes import Recipe, make_recipe
from posecore.train.starting_weights import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from posecore.skeletons import Skeleton

    Floats = npt.NDArray[np.float32]


class Teacher:
    """Fills in the targets of a batch of PoseNet.

    Args:
        model: a PoseNet of the student's input, with the student's grid.
        skeleton: of `model`. What it has not, it says nothing of: keypoints go by their names, edges by their ends.
        student: the skeleton of the targets.
        least_score: offsets and displacements are taken where the teacher's heatmap is above, 0..1.
    """

    def __init__(
        self, model: Any, skeleton: Skeleton, student: Skeleton, *, least_score: float = 0.5
    ) -> None:
        self.model, self.least_score = model, least_score
        self._origins = posenet_origins(skeleton, student)
        parents, children = (np.array([edge[end] for edge in student.edges], np.intp) for end in (0, 1))
        # The keypoint in whose disc a channel is looked at.
        self._of = {
            "offset_2": np.arange(student.num_keypoints),
            "displacement_fwd_2": parents,
            "displacement_bwd_2": children,
        }

    def __call__(self, x: Floats, y: Mapping[str, Floats]) -> dict[str, Floats]:
        """The targets, with the teacher's word where heatmaps are NaN.

        Args:
            x: (B, height, width, channels) float32, what the student sees.
            y: `PersonLabTargets` of it, each (B, rows, columns, channels) float32; left as they are.

        Returns:
            the same names, shapes and dtypes. An offset or displacement is the teacher's only in cells in which the
            heatmap of its keypoint is; it stays NaN where the teacher is not sure or has no such channel.
        """
        said = self._answers(x)
        score = 1 / (1 + np.exp(-said["heatmap_2"].clip(-60, 60)))
        is_open = np.isnan(y["heatmap_2"])
        sure = is_open & (score > self.least_score)
        filled = {"heatmap_2": np.where(is_open, score, y["heatmap_2"])}
        for name, keypoints in self._of.items():
            if name in y:
                taken = np.concatenate([sure[..., keypoints]] * 2, axis=-1)  # y, then x
                filled[name] = np.where(taken, said[name], y[name])
        return {name: np.asarray(filled[name], np.float32) for name in y}

    def _answers(self, x: Floats) -> dict[str, Floats]:
        """The model's outputs in the student's channels, NaN where it has none."""
        outputs = {name: np.asarray(one, np.float32) for name, one in self.model.predict_on_batch(x).items()}
        found = {}
        for name, origins in self._origins.items():
            cells = outputs["heatmap_2"].shape[:3]
            channels = np.full((*cells, len(origins)), np.nan, np.float32)
            for channel, origin in enumerate(origins):
                if origin is not None:
                    channels[..., channel] = outputs[origin[0]][..., origin[1]]
            found[name] = channels
        return found


def make_teacher(config: TrainConfig, recipe: Recipe) -> Teacher | None:
    """The teacher of `config.distillation`; None where there is none.

    Raises:
        SourceError: an option that PoseNet has not, or that makes another grid than the student's.
        ModelError: weights that are not for this network.
    """
    asked = config.distillation
    if asked is None:
        return None
    ours = {"output_stride": recipe.stride_px, "channels": recipe.channels}
    for name, value in ours.items():
        if asked.options.get(name, value) != value:
            raise SourceError(
                f"[distillation] options: wanted {name} {value}, as the network has, got {asked.options[name]}"
            )
    skeleton = skeletons.get(asked.weights_skeleton) if asked.weights_skeleton else recipe.skeleton
    network = NetworkConfig("posenet", {**asked.options, **ours}, weights=asked.weights)
    # In float32, whatever the student's precision.
    alone = replace(
        config,
        network=network,
        skeleton=skeleton,
        optimizer=replace(config.optimizer, precision="float32"),
    )
    model = build(make_recipe(alone), alone)
    return Teacher(model, skeleton, recipe.skeleton, least_score=asked.least_score)
