"""What a PosenetDecoderOp at the end of a model is told: a FlexBuffer map of options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posecore.runtime.flatbuffer import Damaged, flexbuffer_map

DECODER = "PosenetDecoderOp"


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """What a model's PosenetDecoderOp is told. An option that the file leaves out has the value given here,
    which is what Coral's newer files say.
    """

    max_detections: int = 20
    score_threshold: float = 0.2
    nms_radius_px: float = 10.0
    stride_px: int = 16

    def as_decode_options(self) -> dict[str, float]:
        """The same by the names of `posecore.Decoder`; its one threshold is for roots and for poses."""
        return {
            "max_poses": self.max_detections,
            "root_threshold": self.score_threshold,
            "pose_threshold": self.score_threshold,
            "nms_radius_px": self.nms_radius_px,
        }


def decoder_options(data: memoryview) -> DecoderOptions:
    """The options in an operator's FlexBuffer; raises `Damaged` for values that no decoder could use."""
    default = DecoderOptions()
    found = flexbuffer_map(data) if len(data) else {}
    return DecoderOptions(
        max_detections=int(_option(found, "max_detections", default.max_detections, 1, 10_000)),
        score_threshold=float(_option(found, "score_threshold", default.score_threshold, 0, 1)),
        nms_radius_px=float(_option(found, "nms_radius", default.nms_radius_px, 0, 10_000)),
        stride_px=int(_option(found, "stride", default.stride_px, 1, 1024)),
    )


def _option(
    options: Mapping[str, bool | int | float], key: str, default: float, low: float, high: float
) -> float:
    value = options.get(key, default)
    whole = isinstance(default, int)
    if isinstance(value, bool) or not low <= value <= high or (whole and value != int(value)):
        wanted = f"a {'whole ' if whole else ''}number from {low} to {high}"
        raise Damaged(f"the option {key} of its {DECODER} is {value}, where {wanted} was expected")
    return value if whole else float(f"{value:.7g}")  # stored as float32: 0.2, not 0.20000000298
