"""Logs for TensorBoard: numbers, histograms and sparsity of weights and activations, and confidence maps on pictures.

They are written through TensorFlow's own writer. TensorBoard itself need not be installed where a network is trained:
its plugins' tensors are a number, rows of (left, right, count), and (width, height, PNG, PNG, ...).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import require
from posecore.heads import Heads
from posecore.train.check_layers import activation_outputs
from posecore.train.datasets import Dataset
from posecore.train.recipes import Recipe
from posecore.train.validation import inputs_of
from posecore.train.views import draw_map
from posecore.train.warps import letterbox

if TYPE_CHECKING:
    from posecore.train.samples import Sample

SMALL = 0.05
_PICTURES = 4
_BINS = 30
# TensorFlow's DataClass: a scalar, a tensor, a sequence of blobs.
_DATA_CLASSES = {"scalars": 1, "histograms": 2, "images": 3}


class TensorBoard:
    """Writes one epoch after the other into a folder.

    Args:
        folder: of the event files; a run that goes on adds one more.
        recipe: how outputs are read.
        dataset: its first four pictures are drawn, and are what activations are taken of.
    """

    def __init__(self, folder: Path, recipe: Recipe, dataset: Dataset) -> None:
        tensorflow = require("tensorflow", extra="train", purpose="Writing logs for TensorBoard")
        self._tensorflow: Any = tensorflow
        self._writer = tensorflow.summary.create_file_writer(str(folder))
        self._recipe = recipe
        count = min(_PICTURES, len(dataset))
        self._samples = [letterbox(dataset[index], recipe.size) for index in range(count)]
        self._x = inputs_of(recipe, self._samples)

    def write(self, row: Mapping[str, Any], model: Any) -> None:
        """One epoch: its row of the log, under its step, and what the model is now."""
        step = int(row["step"])
        with self._writer.as_default(step=step):
            for name, value in row.items():
                if isinstance(value, (int, float)) and math.isfinite(value) and name not in ("epoch", "step"):
                    self._put(name, "scalars", np.float32(value))
            for layer in model.layers:
                for weight in layer.weights:
                    self._values(f"weights/{layer.name}/{weight.name}", np.asarray(weight))
            for name, array in activation_outputs(model, self._x).items():
                self._values(f"activations/{name}", array)
            self._overlays(model)
        self._writer.flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._writer.close()

    def _values(self, name: str, array: Any) -> None:
        values = np.asarray(array, np.float64).ravel()  # float32 has no room for edges between close values
        values = values[np.isfinite(values)]
        if not len(values):  # a run that went astray: the loss says so
            return
        counts, edges = np.histogram(values, bins=_BINS)
        self._put(name, "histograms", np.column_stack([edges[:-1], edges[1:], counts]))
        self._put(f"share below {SMALL:g}/{name}", "scalars", np.float32((np.abs(values) < SMALL).mean()))

    def _put(self, name: str, plugin: str, tensor: Any) -> None:
        metadata = self._tensorflow.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = plugin
        metadata.data_class = _DATA_CLASSES[plugin]
        self._tensorflow.summary.write(name, self._tensorflow.constant(tensor), metadata=metadata)

    def _overlays(self, model: Any) -> None:
        if self._recipe.kind == "coordinates":
            return
        outputs = {name: np.asarray(one, np.float32) for name, one in model.predict_on_batch(self._x).items()}
        drawn = []
        for row, sample in enumerate(self._samples):
            heads = self._recipe.read({name: one[row] for name, one in outputs.items()})
            assert isinstance(heads, Heads)
            drawn.append(self._overlay(sample, heads))
        height, width = drawn[0].shape[:2]
        cv2: Any = require("cv2", extra="train", purpose="Writing pictures for TensorBoard")
        pngs = [cv2.imencode(".png", one[:, :, ::-1])[1].tobytes() for one in drawn]
        self._put("confidence maps", "images", [str(width).encode(), str(height).encode(), *pngs])

    def _overlay(self, sample: Sample, heads: Heads) -> Any:
        maps = heads.dequantized("heatmaps")
        if heads.scores == "logits":
            maps = (1 / (1 + np.exp(-np.clip(maps, -30, 30)))).astype(np.float32)
        return draw_map(sample, maps)
