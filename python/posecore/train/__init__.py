"""Training: networks, data, targets, losses and the loop. Needs the extra `train`, and nothing of it at import.

`fit(read_config("run.toml"))`, or `fit(TrainConfig(...))`, trains; the modules are for those who build their own loop.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'posecore.train' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | set(__all__))
