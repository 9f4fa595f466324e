"""What lies beside a .keras file of posecore: its skeleton and what its outputs are, as JSON.

The file has the model's name with `.json` after it. Keras alone opens the model; this says what its channels mean.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from posecore.bounded_file import read_bounded
from posecore.errors import ModelError
from posecore.printable import printable
from posecore.skeletons import Skeleton

FORMAT, VERSION = "posecore keras model", 1
_MOST_BYTES = 1 << 20
_FIELDS = ("name", "keypoints", "edges", "limbs", "flip_pairs", "sigmas")


def sidecar_of(path: str | os.PathLike[str]) -> Path:
    """The path of what lies beside a model file."""
    path = Path(path)
    return path.with_name(f"{path.name}.json")


def sidecar_text(skeleton: Skeleton, outputs: dict[str, str], *, about: str, sha256: str) -> str:
    """The JSON beside a .keras file.

    Args:
        skeleton: of its keypoints, written in full.
        outputs: by output what its numbers are.
        about: where the model comes from, one line.
        sha256: of the model file, in hexadecimal.
    """
    described = {name: getattr(skeleton, name) for name in _FIELDS}
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "about": about,
            "sha256": sha256,
            "input": "image: float32 (n, height, width, channels), RGB, pixel / 127.5 - 1",
            "outputs": outputs,
            "skeleton": described,
        },
        indent=1,
        allow_nan=False,
    )


def read_keras_sidecar(path: str | os.PathLike[str]) -> Skeleton | None:
    """The skeleton that the file beside a model says; None where there is no such file.

    Raises:
        ModelError: there is one that is not of this format, or is of another model file than this.
    """
    beside = sidecar_of(path)
    if not beside.exists():
        return None
    data = read_bounded(
        beside, _MOST_BYTES, str(beside), too_many="is more than 1 MiB, which no file beside a model is"
    )
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise ModelError(
            f'{beside}: wanted what posecore writes beside a model ("format": "{FORMAT}", version {VERSION}), got '
            "another file; move it away to open the model without it"
        )
    from posecore.artifact import sha256_of

    if found.get("sha256") != sha256_of(Path(path)):
        raise ModelError(
            f"{beside}: it describes another file than {Path(path).name} is now (their SHA-256 differ); move it away "
            "to open the model without it"
        )
    return _skeleton(found.get("skeleton"), beside)


def _skeleton(value: Any, where: Path) -> Skeleton:
    if not isinstance(value, dict) or set(value) != set(_FIELDS):
        raise ModelError(f"{where}: wanted a skeleton of {', '.join(_FIELDS)}, got another")
    try:
        return Skeleton(**{name: _tuples(one) for name, one in value.items()})
    except (TypeError, ValueError) as error:
        raise ModelError(f"{where}: {printable(str(error))[:300]}") from None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
