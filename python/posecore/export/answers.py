"""What a network says about one picture, in a form that all runners share, and the decoder that makes poses of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.artifact import Artifact
from posecore.decode import Decoder, HeatmapDecoder
from posecore.errors import ModelError
from posecore.heads import Heads, Quantization, Scores
from posecore.layouts import tensors_of
from posecore.poses import Poses
from posecore.runtime.coordinates import in_pixels
from posecore.tensor_specs import Unit

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.export.contract import Contract
    from posecore.layouts import Kind
    from posecore.skeletons import Skeleton

CANDIDATE_SCORE = 0.15
"""Poses of this score are decoded: half of what a person has to have, so that nobody is lost to a hair's breadth."""
_MOST_POSES = 20
_NMS_PX = 10.0


@dataclass(frozen=True, eq=False)
class Coordinates:
    """What a regressor says: `keypoints` (K, 2), x and y as fractions of the input's width and height, of any dtype
    that `Heads` take, with its quantisation by that name. It has those methods of `Heads` that do not ask for cells.
    """

    keypoints: npt.NDArray[Any]
    quantization: Mapping[str, Quantization] = field(default_factory=dict)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The array by its name."""
        return {"keypoints": self.keypoints}

    def dequantized(self, name: str) -> npt.NDArray[np.float32]:
        """The array as float32 (K, 2)."""
        real = self.tensors()[name].astype(np.float32)
        if name in self.quantization:
            one = self.quantization[name]
            real = (real - np.float32(one.zero_point)) * np.float32(one.scale)
        return real


Answer = Heads | Coordinates


@dataclass(frozen=True)
class Reading:
    """How the answers of a network are read: what a Keras model and the file that was made of it have to agree in.

    Attributes:
        kind: "posenet", "heatmaps" or "coordinates".
        skeleton: what the keypoints are.
        stride_px: input pixels from cell to cell; 0 for coordinates.
        scores: what heatmaps hold.
        input_size: (width, height) in pixels.
        names: of each output, by the tensors of an answer that it holds: one output can hold two.
        units: of each tensor of an answer.
        nms_radius_px: what a decoder at the end of the file says, else that of `Decoder`.
        eight_bit: whether it was computed in 8 bits, even where it is given as floats.
    """

    kind: Kind
    skeleton: Skeleton
    stride_px: float
    scores: Scores
    input_size: tuple[int, int]
    names: Mapping[str, str]
    units: Mapping[str, Unit]
    nms_radius_px: float = _NMS_PX
    eight_bit: bool = False

    @classmethod
    def of_contract(cls, contract: Contract, input_size: tuple[int, int]) -> Reading:
        """That of a Keras model."""
        named = [(head.role, head.name, head.unit) for head in contract.heads]
        return cls(
            contract.kind,
            contract.skeleton,
            contract.stride_px,
            contract.scores,
            input_size,
            *_by_tensor(named),
        )

    @classmethod
    def of_artifact(cls, artifact: Artifact, input_size: tuple[int, int]) -> Reading:
        """That of an exported file; ModelError where it gives poses themselves."""
        if artifact.kind not in ("posenet", "heatmaps", "coordinates"):
            raise ModelError(
                f"{artifact.file}: wanted a network that gives heads or coordinates, got {artifact.kind}"
            )
        named = [(head.role, head.name, head.unit) for head in artifact.heads]
        nms = dict(artifact.decoder or {}).get("nms_radius_px", _NMS_PX)
        return cls(
            artifact.kind,
            artifact.skeleton,
            artifact.stride_px,
            artifact.scores,
            input_size,
            *_by_tensor(named),
            nms_radius_px=float(nms),
            # "dynamic" has weights of 8 bits, but what it computes are floats.
            eight_bit=artifact.precision in ("int8", "uint8"),
        )

    def answer(
        self, arrays: Mapping[str, npt.NDArray[Any]], quantization: Mapping[str, Quantization] | None = None
    ) -> Answer:
        """An answer of arrays (h, w, channels), or (K, 2), by their names in it."""
        quantized = dict(quantization or {})
        if self.kind == "coordinates":
            return Coordinates(arrays["keypoints"], quantized)
        return Heads(
            arrays["heatmaps"],
            arrays.get("short_offsets"),
            arrays.get("displacement_fwd"),
            arrays.get("displacement_bwd"),
            stride_px=self.stride_px,
            scores=self.scores,
            quantization=quantized,
        )

    def decoder(self, score: float = CANDIDATE_SCORE) -> PoseDecoder:
        """What makes poses, from this score on, of answers."""
        return PoseDecoder(self, score)

    def differences(self, other: Reading) -> str | None:
        """In what the other one differs, so that their poses cannot be held against each other; None where they can."""
        for name in ("kind", "stride_px", "scores", "input_size"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                return f"{name} {ours}, got {theirs}"
        if self.skeleton.keypoints != other.skeleton.keypoints:
            return f"the keypoints of {self.skeleton.name}, got those of {other.skeleton.name}"
        if self.kind == "posenet" and self.skeleton.edges != other.skeleton.edges:
            return f"the edges of {self.skeleton.name}, got those of {other.skeleton.name}"
        if set(self.units) != set(other.units):
            return f"the heads {', '.join(sorted(self.units))}, got {', '.join(sorted(other.units))}"
        return None


class PoseDecoder:
    """Answers to poses in input pixels. Of plain heatmaps and coordinates that is one person always, whatever the
    score. Not thread safe.
    """

    def __init__(self, reading: Reading, score: float) -> None:
        self._reading = reading
        self._decode: Any = None
        if reading.kind == "posenet":
            self._decode = Decoder(
                reading.skeleton,
                stride_px=reading.stride_px,
                max_poses=_MOST_POSES,
                root_threshold=score,
                pose_threshold=score,
                nms_radius_px=reading.nms_radius_px,
            )
        elif reading.kind == "heatmaps":
            self._decode = HeatmapDecoder(reading.skeleton, stride_px=reading.stride_px)

    def __call__(self, answer: Answer) -> Poses:
        """`Poses` in pixels of the network's input, best first; coordinates have scores of 1."""
        if isinstance(answer, Heads):
            poses: Poses = self._decode(answer)
            return poses
        skeleton = self._reading.skeleton
        return Poses(
            in_pixels(answer.dequantized("keypoints"), self._reading.input_size)[None],
            np.ones((1, skeleton.num_keypoints), np.float32),
            skeleton=skeleton,
        )


def _by_tensor(named: list[tuple[Any, str, Unit]]) -> tuple[dict[str, str], dict[str, Unit]]:
    names: dict[str, str] = {}
    units: dict[str, Unit] = {}
    for role, name, unit in named:
        names |= dict.fromkeys(tensors_of(role), name)
        units |= dict.fromkeys(tensors_of(role), unit)
    return names, units
