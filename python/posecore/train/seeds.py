"""Chance that can be had again."""

from __future__ import annotations

from posecore.errors import require


def set_seeds(seed: int, *, deterministic: bool) -> None:
    """Make first weights and dropout follow from `seed`, 0..2^31 - 1, in this process.

    Args:
        deterministic: the backend takes only kernels that give the same bits again, where it has a choice. For
            TensorFlow that holds for the rest of the process.
    """
    keras = require("keras", extra="train", purpose="Training")
    keras.utils.set_random_seed(seed)
    if deterministic and keras.config.backend() == "tensorflow":
        tensorflow = require("tensorflow", extra="train", purpose="Training")
        tensorflow.config.experimental.enable_op_determinism()
