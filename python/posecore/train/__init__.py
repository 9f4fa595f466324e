"""Training: networks, data, targets, losses and the loop. Needs the extra `train`, and nothing of it at import.

`fit(read_config("run.toml"))`, or `fit(TrainConfig(...))`, trains; the modules are for those who build their own loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from posecore.lazy_names import lazy_names

if TYPE_CHECKING:
    from posecore.train.config import TrainConfig, read_config
    from posecore.train.fitting import fit

# Imported when first used: whoever wants a network or a dataset does not wait for the loop.
_LAZY = {
    "TrainConfig": "posecore.train.config",
    "fit": "posecore.train.fitting",
    "read_config": "posecore.train.config",
}

__all__ = ["TrainConfig", "fit", "read_config"]

__getattr__, __dir__ = lazy_names(__name__, _LAZY)
