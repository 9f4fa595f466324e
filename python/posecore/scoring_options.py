"""Options that every command which scores results has: what is read, and by which protocol."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from posecore import skeletons
from posecore.usage import UsageError

PROTOCOLS = ("auto", "coco", "coco_feet", "crowdpose", "wholebody_body", "wholebody_foot")
_OPTIONS = (
    "max_detections",
    "metric",
    "normaliser",
    "offset_px",
    "protocol",
    "sigmas",
    "skeleton",
    "threshold",
)


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """--protocol, --skeleton, --sigmas and --max-detections."""
    add = parser.add_argument
    add(
        "--protocol",
        choices=PROTOCOLS,
        default="auto",
        help="how people are matched and counted; auto goes by the truth's keypoints",
    )
    add("--skeleton", choices=skeletons.names(), help="what the keypoints are, instead of the protocol's")
    add(
        "--sigmas",
        type=numbers,
        metavar="LIST",
        help="a standard deviation for each keypoint (.026,.025,...), instead of the skeleton's",
    )
    add(
        "--max-detections",
        type=whole_number,
        metavar="N",
        help="people looked at in each picture (default 20)",
    )


def protocol_options(args: argparse.Namespace) -> dict[str, Any]:
    """`protocol`, `skeleton` and `sigmas` for `evaluate`.

    Raises:
        UsageError: a skeleton without sigmas, and no sigmas.
    """
    skeleton = skeletons.get(args.skeleton) if args.skeleton else None
    if skeleton is not None and skeleton.sigmas is None and args.sigmas is None:
        known = ", ".join(name for name in skeletons.names() if skeletons.get(name).sigmas is not None)
        raise UsageError(
            f"--skeleton: {skeleton.name} has no sigmas, and OKS needs one a keypoint; add --sigmas, or choose "
            f"one of {known}"
        )
    return {"protocol": args.protocol, "skeleton": skeleton, "sigmas": args.sigmas}


def in_options(error: ValueError) -> UsageError:
    """An error about arguments of `evaluate` and its like, for people who typed options.

    Raises:
        ValueError: the error itself, where it is one of files.
    """
    if type(error) is not ValueError:
        raise error
    argument, colon, rest = str(error).partition(":")
    if argument in _OPTIONS:
        argument = "--" + argument.replace("_", "-")
    sentence = f"{argument}{colon}{rest}"
    return UsageError(
        sentence.replace("give a skeleton with sigmas, or sigmas", "add --skeleton or --sigmas")
    )


def source_of(name: str) -> object:
    """What a file name on the command line is read from: - is stdin."""
    return sys.stdin.buffer if name == "-" else Path(name)


def numbers(text: str) -> list[float]:
    """An option's list of numbers with commas between them."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"wanted numbers with commas between them, got {text!r}") from None


def whole_number(text: str) -> int:
    """An option's whole number above 0."""
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text[:11]) < 2**31:
        raise argparse.ArgumentTypeError(f"wanted a whole number above 0, got {text!r}")
    return int(text)
