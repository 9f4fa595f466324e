"""Checkpoints: one .npz with everything that a run needs to go on as if nothing had happened, and weights alone.

A checkpoint holds `weights/N:NAME` (weights, normalisation statistics and seeds of dropout), `optimizer/N` (its
counter, moments, averages, accumulated gradients) and `state`, JSON text. It is one file, which is written beside,
put on the disk and then renamed: a process that is killed leaves this checkpoint whole, or the one before.

Weights alone are an .npz with `LAYER/NAME`.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

_STATE = "state"
_MOST_BYTES = 1 << 36  # unpacked: 16 billion float32 are no network of ours


def save_checkpoint(path: Path, model: Any, state: dict[str, Any]) -> None:
    """Write what `load_checkpoint` reads.

    Args:
        path: ends in .npz; what is there is replaced in one step.
        model: a compiled `keras.Model` whose optimizer is built.
        state: what JSON can hold.

    Raises:
        OSError: it cannot be written; the file that was there is as it was.
    """
    arrays = {name: np.asarray(variable) for name, variable in _variables(model).items()}
    arrays[_STATE] = np.array(json.dumps(state, allow_nan=False))
    _write(path, arrays)


def load_checkpoint(path: Path, model: Any) -> dict[str, Any]:
    """Set all weights and the optimizer of `model`, and give the state.

    Raises:
        ModelError: the file is no checkpoint, is damaged, or is of another network or optimizer; `model` is then
            as it was.
    """
    wanted = _variables(model)
    arrays = _read(path)
    state = state_of(arrays, path)
    for name in sorted(arrays.keys() - wanted.keys() - {_STATE}):
        raise ModelError(f"checkpoint {path} has {name}, for which this run has no place")
    for name, variable in wanted.items():
        if name not in arrays:
            raise ModelError(f"checkpoint {path} has no {name}, which this run needs")
        array, shape = arrays[name], tuple(variable.shape)
        if array.shape != shape or array.dtype != np.asarray(variable).dtype:
            raise ModelError(
                f"checkpoint {path} has {name} of shape {array.shape} and {array.dtype}, wanted {shape} and "
                f"{np.asarray(variable).dtype}"
            )
    for name, variable in wanted.items():
        variable.assign(arrays[name])
    return state


def read_state(path: Path) -> dict[str, Any]:
    """The state alone; raises as `load_checkpoint` does."""
    return state_of(_read(path, only=_STATE), path)


def state_of(arrays: dict[str, npt.NDArray[Any]], path: Path) -> dict[str, Any]:
    """The state among the arrays of a file."""
    try:
        state = json.loads(str(arrays[_STATE]))
    except (KeyError, ValueError):
        raise ModelError(f"checkpoint {path} has no state: it is no checkpoint, or it is damaged") from None
    if not isinstance(state, dict):
        raise ModelError(f"checkpoint {path} has no state: it is no checkpoint, or it is damaged")
    return state


def save_weights(path: Path, model: Any) -> None:
    """Write the weights of all layers into an .npz, as `networks.load_posenet_weights` reads them for any network;
    what is there is replaced in one step."""
    weights = {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights}
    _write(path, {name: np.asarray(weight, np.float32) for name, weight in weights.items()})


def _variables(model: Any) -> dict[str, Any]:
    """All that changes while a model trains, by its place."""
    # Not by path: Keras numbers layers and optimizers by how many of a kind a process has made.
    found = {f"weights/{i:05}:{variable.name}": variable for i, variable in enumerate(model.variables)}
    optimizer = model.optimizer.variables
    return found | {f"optimizer/{i:05}": variable for i, variable in enumerate(optimizer)}


def _write(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        beside.unlink(missing_ok=True)


def _read(path: Path, only: str | None = None) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise ModelError(f"{path}: wanted at most 64 GiB unpacked, got more")
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if only in (None, name)}
    except ModelError:
        raise
    except FileNotFoundError:
        raise ModelError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: the file cannot be read ({error.strerror or error})") from None
    except Exception as error:  # whatever a broken file makes the zip and npy readers raise
        raise ModelError(f"{path}: wanted a whole .npz file, got one that cannot be read") from error
