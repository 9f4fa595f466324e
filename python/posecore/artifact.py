"""`Artifact`: what an exported model is, written beside it, so that whoever runs it has to guess nothing.

The file is JSON and has the model's name with `.json` after it (`pose.tflite.json`). It comes from anywhere: it is read
with bounds, and what does not fit is a sentence.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from posecore.arguments import choice, listed, number, whole, yes_or_no
from posecore.bounded_file import read_bounded
from posecore.errors import ModelError
from posecore.heads import STRIDE_PX, Quantization, Scores
from posecore.layouts import Kind, Role
from posecore.printable import printable
from posecore.skeletons import Skeleton
from posecore.tensor_specs import AxisOrder, HeadSpec, InputSpec, Unit, checked_hash, checked_text

__all__ = ["Artifact", "AxisOrder", "Calibration", "HeadSpec", "InputSpec", "Unit", "sha256_of"]

Target = Literal["tflite", "coral", "k210", "onnx"]
Precision = Literal["float32", "float16", "dynamic", "int8", "uint8"]

FORMAT, VERSION = "posecore artifact", 1
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the ranges of a quantised model were measured on.

    Attributes:
        pictures: how many.
        digest: SHA-256 of their bytes, in hex, in the order that they were shown in.
        random: whether they were noise, which says nothing about pictures.
    """

    pictures: int
    digest: str
    random: bool = False

    def __post_init__(self) -> None:
        whole(self.pictures, "calibration pictures", 1, 2**31 - 1)
        checked_hash(self.digest, "calibration digest")
        yes_or_no(self.random, "calibration random")


@dataclass(frozen=True, slots=True)
class Artifact:
    """An exported model, as its sidecar file says it.

    Attributes:
        file: the model file's name, without folders.
        sha256: of its bytes, in hex.
        target: what it is for.
        precision: of its weights and arithmetic; "dynamic" has 8-bit weights and float tensors.
        kind: what decodes it; see `posecore.layouts`.
        skeleton: what the keypoints are, in full.
        input: the picture that it takes.
        heads: its outputs in its order. Where a decoder operator follows, those are the operator's inputs.
        stride_px: input pixels from cell to cell; 0 where there are no cells.
        scores: what heatmaps hold, "logits" or "probabilities".
        decoder: options of a PosenetDecoderOp at its end, by the names of `runtime.decoder_options.DecoderOptions`.
        calibration: what quantisation was calibrated with; None where nothing was.
        tools: versions of what made it, by name.

    Raises:
        TypeError, ValueError: a field that is something else, or heads that do not fit the skeleton.
    """

    file: str
    sha256: str
    target: Target
    precision: Precision
    kind: Kind
    skeleton: Skeleton
    input: InputSpec
    heads: tuple[HeadSpec, ...]
    stride_px: float
    scores: Scores
    decoder: Mapping[str, float] | None = None
    calibration: Calibration | None = None
    tools: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = checked_text(self.file, "file")
        if name in (".", "..") or set(name) & {"/", "\\", "\0"}:
            raise ValueError(f"file: wanted a name without folders, got {printable(name)}")
        checked_hash(self.sha256, "sha256")
        choice(self.target, "target", get_args(Target))
        choice(self.precision, "precision", get_args(Precision))
        choice(self.kind, "kind", get_args(Kind))
        choice(self.scores, "scores", get_args(Scores))
        if not isinstance(self.skeleton, Skeleton):
            raise TypeError(f"skeleton: wanted a Skeleton, got {type(self.skeleton).__name__}")
        object.__setattr__(self, "heads", tuple(self.heads))
        cells = self.kind in ("posenet", "heatmaps")
        least, most = STRIDE_PX if cells else (0.0, 0.0)
        object.__setattr__(self, "stride_px", number(self.stride_px, "stride_px", least, most))
        _check_heads(self.kind, self.heads, self.skeleton)
        if self.decoder is not None:
            for name, value in self.decoder.items():
                number(value, f"decoder {checked_text(name, 'decoder')}", 0, 65536)
            options = dict(self.decoder)
            object.__setattr__(self, "decoder", MappingProxyType(options))
        tools = {checked_text(k, "tools"): checked_text(v, f"tools {k}") for k, v in self.tools.items()}
        object.__setattr__(self, "tools", MappingProxyType(tools))

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON has it; `from_dict` gives it back."""
        skeleton = {name: getattr(self.skeleton, name) for name in _SKELETON}
        return {
            "format": FORMAT,
            "version": VERSION,
            **{name: getattr(self, name) for name in _PLAIN},
            "skeleton": skeleton,
            "input": asdict(self.input),
            "heads": [asdict(head) for head in self.heads],
            "decoder": None if self.decoder is None else dict(self.decoder),
            "calibration": None if self.calibration is None else asdict(self.calibration),
            "tools": dict(self.tools),
        }

    @classmethod
    def from_dict(cls, data: object) -> Artifact:
        """What `as_dict` gave, from anywhere.

        Raises:
            TypeError, ValueError: it is something else; the sentence says what.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f'wanted the description of an exported model ("format": "{FORMAT}")')
        if data.get("version") != VERSION:
            raise ValueError(f"version: wanted {VERSION}, got {data.get('version')!r:.40}")
        known = {
            "format",
            "version",
            *_PLAIN,
            "skeleton",
            "input",
            "heads",
            "decoder",
            "calibration",
            "tools",
        }
        _fields(data, known, "the description")
        skeleton = _fields(data["skeleton"], set(_SKELETON), "skeleton")
        heads = listed(data["heads"], "heads", "wanted a list of outputs")
        if len(heads) > 64:
            raise ValueError(f"heads: wanted at most 64 outputs, got {len(heads)}")
        calibration = data["calibration"]
        for name in ("decoder", "tools"):
            if not (isinstance(data[name], dict) or (name == "decoder" and data[name] is None)):
                raise TypeError(f"{name}: wanted an object, got {data[name]!r:.40}")
        return cls(
            **{name: data[name] for name in _PLAIN},
            skeleton=Skeleton(**{name: _tuples(value) for name, value in skeleton.items()}),
            input=InputSpec(**_quantized(data["input"], InputSpec, "input")),
            heads=tuple(HeadSpec(**_quantized(head, HeadSpec, "heads")) for head in heads),
            decoder=data["decoder"],
            calibration=None
            if calibration is None
            else Calibration(**_fields(calibration, set(Calibration.__slots__), "calibration")),
            tools=data["tools"],
        )

    @staticmethod
    def path_beside(model: str | os.PathLike[str]) -> Path:
        """Where the description of a model file lies."""
        path = Path(model)
        return path.with_name(path.name + ".json")

    def save(self, model: str | os.PathLike[str]) -> Path:
        """Write it beside the model file; gives its path. It is there whole or not at all.

        Raises:
            ValueError: `model` has another name than `file`.
            OSError: it cannot be written; the error names it.
        """
        if Path(model).name != self.file:
            raise ValueError(f"model: wanted a file called {self.file}, got {os.fspath(model)}")
        target = self.path_beside(model)
        text = json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n"
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            part.write_text(text, encoding="utf-8")
            os.replace(part, target)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(target)) from error
        finally:
            part.unlink(missing_ok=True)
        return target

    @classmethod
    def read(cls, model: str | os.PathLike[str], data: bytes | None = None) -> Artifact | None:
        """What lies beside a model file; None where nothing does.

        Args:
            model: the model file.
            data: its bytes, where somebody has read them already.

        Raises:
            ModelError: it is not one of these files, or it describes other bytes than the model's.
        """
        path = cls.path_beside(model)
        text = _read_beside(path)
        if text is None:
            return None
        try:
            found = cls.from_dict(json.loads(text, parse_constant=_no_constant))
        except (TypeError, ValueError, RecursionError) as error:
            reason = printable(str(error))[:300] or "it is nested too deeply"
            raise ModelError(
                f"{path}: wanted what posecore's export writes beside a model, got another file ({reason}); "
                "move it away to use the model without it"
            ) from None
        if sha256_of(Path(model), data) != found.sha256:
            raise ModelError(
                f"{path}: it describes another file than {Path(model).name} is now (their SHA-256 differ); "
                "export the model anew, or move the description away to use the model without it"
            )
        return found


_PLAIN = ("file", "sha256", "target", "precision", "kind", "stride_px", "scores")
_SKELETON = ("name", "keypoints", "edges", "limbs", "flip_pairs", "sigmas")


def sha256_of(path: Path, data: bytes | None = None) -> str:
    """SHA-256 of a file's bytes in hex; of `data` where somebody has read them already.

    Raises:
        ModelError: the file cannot be read.
    """
    digest = hashlib.sha256(data or b"")
    if data is None:
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _read_beside(path: Path) -> str | None:
    if not path.exists():
        return None
    too_many = f"is more than {MOST_BYTES >> 20} MiB, which no description of a model is"
    data = read_bounded(path, MOST_BYTES, str(path), too_many=too_many)
    return data.decode("utf-8", "replace")


def _no_constant(word: str) -> None:
    raise ValueError(f"wanted finite numbers, got {word}")


def _fields(data: object, wanted: set[str], where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"{where}: wanted an object, got {data!r:.40}")
    for name in sorted(wanted - data.keys()):
        raise ValueError(f"{where}: {name} is missing")
    for name in sorted(data.keys() - wanted):
        raise ValueError(f"{where}: nobody knows {name!r:.60}")
    return data


def _quantized(data: object, spec: type, where: str) -> dict[str, Any]:
    fields = dict(_fields(data, set(spec.__slots__), where))  # type: ignore[attr-defined]
    pair = fields["quantization"]
    if pair is not None:
        fields["quantization"] = Quantization(
            **_fields(pair, {"scale", "zero_point"}, f"{where} quantization")
        )
    return fields


def _tuples(value: object) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _check_heads(kind: Kind, heads: tuple[HeadSpec, ...], skeleton: Skeleton) -> None:
    for head in heads:
        if not isinstance(head, HeadSpec):
            raise TypeError(f"heads: wanted HeadSpec, got {type(head).__name__}")
    keypoints, edges = skeleton.num_keypoints, len(skeleton.edges)
    wanted: tuple[dict[Role, int], ...]
    if kind == "posenet":
        both: dict[Role, int] = {"heatmaps": keypoints, "short_offsets": 2 * keypoints}
        wanted = (
            {**both, "displacement_fwd": 2 * edges, "displacement_bwd": 2 * edges},
            {**both, "mid_offsets": 4 * edges},
        )
    elif kind == "heatmaps":
        wanted = ({"heatmaps": keypoints},)
    elif kind == "coordinates":
        wanted = ({"keypoints": keypoints},)
    else:
        return
    used = [head for head in heads if head.role != "other"]
    got = {head.role: head.channels for head in used}
    if got not in wanted or len(got) != len(used):
        raise ValueError(
            f"heads: wanted {' or '.join(map(str, wanted))} channels for skeleton {skeleton.name}, got {got}"
        )
