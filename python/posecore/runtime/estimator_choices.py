"""What an `Estimator` makes of what it was asked for: the skeleton, the input's size and range, by the network."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore import skeletons
from posecore.runtime import movenet
from posecore.runtime.cell_origin import cell_origin

if TYPE_CHECKING:
    from posecore.runtime.network import Network
    from posecore.skeletons import Skeleton

# AP of the default model, with default thresholds, on 119 COCO pictures at 257, 353, 401, 481, 513:
# .120 .178 .192 .218 .212, in 4, 7, 9, 12, 14 ms for pictures of 4:3: above 481, the width of Coral's
# 353x481, only the time grows.
DEFAULT_LONG_SIDE = 481
_MAX_SIDE = 8192
# By how much of a stride cells may move unsaid: 2 px of 16. A size beside the model's own moves them by 1.
_MOST_MOVED = 1 / 8


def chosen_skeleton(skeleton: Skeleton | str | None, network: Network) -> Skeleton:
    count = network.layout.num_keypoints
    if isinstance(skeleton, str):
        skeleton = skeletons.get(skeleton)
    said = None if network.artifact is None else network.artifact.skeleton
    if skeleton is None and said is not None:
        return said
    if skeleton is None:
        if count == skeletons.COCO17.num_keypoints:
            return skeletons.COCO17
        raise ValueError(
            f"skeleton: wanted a Skeleton of {count} keypoints, as {network.name} gives them, "
            f"or one of the names {', '.join(skeletons.names())}, got None"
        )
    if not isinstance(skeleton, skeletons.Skeleton):
        raise TypeError(
            f"skeleton: wanted a Skeleton, one of the names {', '.join(skeletons.names())}, or None, "
            f"got {type(skeleton).__name__}"
        )
    if skeleton.num_keypoints != count:
        raise ValueError(
            f"skeleton: wanted {count} keypoints, as {network.name} gives them, "
            f"got {skeleton.name} with {skeleton.num_keypoints}"
        )
    if said is not None and network.layout.kind == "posenet" and skeleton.edges != said.edges:
        raise ValueError(
            f"skeleton: wanted the edges of {said.name}, by which {network.name} was trained, as what lies beside it "
            f"says, got those of {skeleton.name}"
        )
    return skeleton


def chosen_input_range(asked: object, network: Network) -> Any:
    """What bytes 0 and 255 become: as asked for or as described, which must be the same."""
    if network.artifact is None:
        return asked
    said = network.artifact.input.range
    if asked is not None and (not isinstance(asked, (tuple, list)) or tuple(asked) != said):
        raise ValueError(
            f"input_range: wanted {said} or None, as what lies beside {network.name} says, got {asked!r}"
        )
    return said


def chosen_long_side(
    asked: int | None, fixed: tuple[int, int] | None, resize: str, network: Network
) -> int | None:
    """What a picture's longer side is scaled to, or None where all pictures go into one size."""
    if fixed is not None or (asked is None and not network.dynamic):
        return None
    if resize != "letterbox":
        raise ValueError(
            f'size: wanted (height, width), since resize="{resize}" keeps no aspect, got {asked}'
        )
    if asked is not None and not network.interpreter.resizable:
        width, height = network.input_size
        if asked == max(width, height):
            return None
        raise ValueError(
            f"size: wanted none or {max(width, height)}, since {network.name} takes {height}x{width} pixels only, "
            f"got {asked}"
        )
    return asked or (movenet.DEFAULT_LONG_SIDE if network.is_movenet else DEFAULT_LONG_SIDE)


def check_grid(fixed: tuple[int, int] | None, network: Network) -> None:
    """That a PoseNet's cells lie at a size of one's choice where its offsets are counted from.

    Args:
        fixed: (height, width) that was asked for.
        network: at that size.

    Raises:
        ValueError: they lie more than an eighth of the stride from where they lie at the model's own size, or, where a
            model of posecore has none, at sides of a multiple of the stride plus 1. Of somebody else's model of any
            size nobody knows what it was trained at: a UserWarning.
    """
    if fixed is None or network.layout.kind != "posenet":
        return
    file, heatmaps = network.interpreter.file, network.layout.roles.index("heatmaps")
    step, plus = network.size_step

    def origin(height: int, width: int) -> tuple[float, float] | None:
        return cell_origin(file, heatmaps, (width, height))

    _, height, width, _ = file.inputs[0].shape
    own = (height, width) if min(height, width) > 0 else (16 * step + plus, 16 * step + plus)
    right, there = origin(*own), origin(*fixed)
    if right is None or there is None:
        return
    most = _MOST_MOVED * network.layout.stride_px
    moved = tuple(now - then for now, then in zip(there, right, strict=True))
    if max(map(abs, moved)) <= most:
        return
    near = tuple(
        min(
            (
                side
                for side in range(max(one - step, 1), one + step + 1)
                if (found := origin(side, side)) is not None and found[axis] == right[axis]
            ),
            key=lambda side: abs(side - one),
            default=plus,
        )
        for axis, one in ((1, fixed[0]), (0, fixed[1]))
    )
    where = f"its own {height}x{width}" if min(height, width) > 0 else f"sides of {step} n + {plus}"
    said = (
        f"size: wanted a height and width at which the cells of {network.name} lie where they lie at {where}, such as "
        f"({near[0]}, {near[1]}), got ({fixed[0]}, {fixed[1]}), which moves keypoints by ({moved[1]:g}, {moved[0]:g}) "
        "pixels"
    )
    if network.dynamic and network.artifact is None and not network.is_default:
        warnings.warn(f"{said}, unless it was trained so", stacklevel=3)
    else:
        raise ValueError(said)


def chosen_size(size: object) -> tuple[int | None, tuple[int, int] | None]:
    wanted = "size: wanted the longer side in pixels, or (height, width) such as (353, 481), or None"
    sides = size if isinstance(size, (tuple, list)) else () if size is None else (size,)
    if isinstance(size, (tuple, list)) and len(size) != 2:
        raise ValueError(f"{wanted}, got {size!r}")
    if any(isinstance(side, bool) or not isinstance(side, (int, np.integer)) for side in sides):
        raise TypeError(f"{wanted}, got {size!r}")
    if any(not 1 <= side <= _MAX_SIDE for side in sides):
        raise ValueError(f"{wanted}, each from 1 to {_MAX_SIDE}, got {size!r}")
    if len(sides) == 2:
        return None, (int(sides[0]), int(sides[1]))
    return (int(sides[0]) if sides else None), None


def check_one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name}: wanted one of {', '.join(choices)}, got {value!r}")
