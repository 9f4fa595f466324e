"""Which decoder reads which kind of network, with which of a person's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posecore.arguments import number, whole
from posecore.decode import Decoder, HeatmapDecoder, Onto
from posecore.runtime import movenet
from posecore.runtime.coordinates import CoordinatesReader
from posecore.runtime.movenet import MovenetReader

if TYPE_CHECKING:
    from posecore.heads import Heads
    from posecore.layouts import HeadsLayout, Kind
    from posecore.poses import Poses
    from posecore.skeletons import Skeleton

_POSE_THRESHOLD = 0.2
_STEPS: dict[str, tuple[str, ...]] = {
    "posenet": (
        "max_poses",
        "root_threshold",
        "pose_threshold",
        "nms_radius_px",
        "refine_steps",
        "semantics",
    ),
    "heatmaps": ("max_poses", "root_threshold", "pose_threshold", "refine", "blur_sigma_cells"),
    "coordinates": (),
    "movenet-single": ("max_poses", "root_threshold", "pose_threshold"),
    "movenet-multi": ("max_poses", "root_threshold", "pose_threshold"),
}


@dataclass(frozen=True, slots=True)
class OnePerson:
    """Plain heatmaps decoded as one person, who is dropped where no keypoint reaches `root_threshold` or
    their mean score is below `pose_threshold`."""

    decoder: HeatmapDecoder
    root_threshold: float
    pose_threshold: float

    def decode(self, heads: Heads, onto: Onto | None = None) -> Poses:
        """Nobody or one person, as `HeatmapDecoder.decode` gives it."""
        poses = self.decoder.decode(heads, onto)
        found = (poses.pose_scores >= self.pose_threshold) & (poses.scores.max(axis=1) >= self.root_threshold)
        return poses[found]


def make_reader(
    layout: HeadsLayout, skeleton: Skeleton, given: Mapping[str, Any]
) -> Decoder | OnePerson | CoordinatesReader | MovenetReader:
    """The decoder of a network with these outputs.

    Args:
        given: decode options by name; None is one that was not given.

    Raises:
        TypeError, ValueError: an option out of its range, or of a step that this kind does not have.
    """
    if layout.kind == "coordinates":
        _checked(layout.kind, given)
        return CoordinatesReader(skeleton, layout.quantization[0])
    if layout.kind in ("posenet", "heatmaps"):
        return _heads_reader(layout.kind, layout.stride_px, skeleton, given)
    options = _checked(layout.kind, given)
    max_poses = whole(options.pop("max_poses", movenet.MAX_PEOPLE), "max_poses", 1, 65536)
    return MovenetReader(layout.kind, skeleton, max_poses, *_thresholds(options))


def make_heads_reader(heads: Heads, skeleton: Skeleton, given: Mapping[str, Any]) -> Decoder | OnePerson:
    """The decoder of heads like these; raises as `make_reader` does."""
    kind: Kind = "heatmaps" if heads.displacement_fwd is None and heads.short_offsets is None else "posenet"
    return _heads_reader(kind, heads.stride_px, skeleton, given)


def _heads_reader(
    kind: Kind, stride_px: float, skeleton: Skeleton, given: Mapping[str, Any]
) -> Decoder | OnePerson:
    options = _checked(kind, given)
    if kind == "posenet":
        return Decoder(skeleton, stride_px=stride_px, **options)
    whole(options.pop("max_poses", 1), "max_poses", 1, 65536)
    thresholds = _thresholds(options)
    return OnePerson(HeatmapDecoder(skeleton, stride_px=stride_px, **options), *thresholds)


def _thresholds(options: dict[str, Any]) -> tuple[float, float]:
    """Takes both out of the options: root_threshold and pose_threshold."""
    return (
        number(options.pop("root_threshold", 0.0), "root_threshold", 0, 1),
        number(options.pop("pose_threshold", _POSE_THRESHOLD), "pose_threshold", 0, 1),
    )


def _checked(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in given.items() if value is not None}
    for name, value in options.items():
        if name not in _STEPS[kind]:
            raise ValueError(f"{name}: wanted None, since a {kind} network has no such step, got {value!r}")
    return options
