"""Options that every command which runs a network on pictures has: which one, and how its heads are decoded."""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import Any

from posecore import skeletons
from posecore.errors import PosecoreError
from posecore.option_values import network_size, radius, share, whole
from posecore.printable import printable
from posecore.usage import UsageError

# The options behind the arguments of `Estimator`.
_OPTION_OF = {
    "max_poses": "--max-poses",
    "root_threshold": "--conf",
    "pose_threshold": "--conf",
    "nms_radius_px": "--nms",
    "refine_steps": "--refine-steps",
    "refine": "--refine",
    "semantics": "--semantics",
    "resize": "--resize",
    "input_range": "--input-range",
    "scores": "--scores",
    "stride_px": "--stride",
    "x_first": "--x-first",
    "size": "--size",
    "device": "--device",
    "threads": "--threads",
    "skeleton": "--skeleton",
}


def add_network_options(group: argparse._ArgumentGroup, *, model: str) -> None:
    """--model, --size, --skeleton and --threads; `model` is what --help says of the first."""
    add = group.add_argument
    add("--model", metavar="FILE", help=model)
    add(
        "--size",
        type=network_size,
        metavar="N|HxW",
        help="network input: the long side in pixels, or height x width (353x481)",
    )
    add(
        "--skeleton",
        choices=skeletons.names(),
        help="what the keypoints are; for models that do not have COCO's 17",
    )
    add("--threads", type=whole(1, 1024), default=1, metavar="N", help="threads of the network (default 1)")


def add_decoder_options(group: argparse._ArgumentGroup, *, max_poses: str, conf: str) -> None:
    """--max-poses, --conf, --nms and --refine-steps; the texts are what --help says of the first two."""
    add = group.add_argument
    add("--max-poses", type=whole(1, 65536), metavar="N", help=max_poses)
    add("--conf", type=share, metavar="P", help=conf)
    add(
        "--nms",
        type=radius,
        metavar="PX",
        help="keypoints of one kind within this radius are one, in input pixels (default 10)",
    )
    add(
        "--refine-steps",
        type=whole(0, 100),
        metavar="N",
        help="short-offset corrections of each keypoint of PoseNet (default 5)",
    )


def decoder_options(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of a decoder that `add_decoder_options` asks for, None where nothing was said."""
    return {
        "max_poses": args.max_poses,
        "root_threshold": args.conf,
        "pose_threshold": args.conf,
        "nms_radius_px": args.nms,
        "refine_steps": args.refine_steps,
    }


def load_estimator(**options: Any) -> Any:
    """The estimator that pictures go through.

    Raises:
        UsageError: options that do not fit the model, under the names that they have on the command line.
    """
    from posecore.runtime.estimator import Estimator

    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            estimator = Estimator(options.pop("model"), **options)
        for one in warned:
            if issubclass(one.category, UserWarning) and str(one.message).startswith("size: "):
                print(f"posecore: {printable(_with_options(str(one.message)))}", file=sys.stderr)
            else:  # a library's, which the filters of whoever called decide about
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno, source=one.source)
        return estimator
    except PosecoreError:
        raise
    except ValueError as error:
        raise UsageError(_with_options(str(error))) from None


def _with_options(sentence: str) -> str:
    """The sentence with the option's name in place of the argument's."""
    argument, colon, rest = sentence.partition(":")
    option = _OPTION_OF.get(argument)
    return f"{option}{colon}{rest}" if option else sentence
