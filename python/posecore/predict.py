"""`posecore predict`: find people in pictures, videos, cameras and heads; draw them, write them down."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import posecore
from posecore.destinations import plan
from posecore.errors import PosecoreError, require
from posecore.interruption import Interruption
from posecore.movement import Movement, Recording
from posecore.network_options import add_decoder_options, add_network_options, decoder_options, load_estimator
from posecore.option_values import names, seconds, stride, whole
from posecore.outputs import FORMATS
from posecore.prediction import Prediction, Wishes
from posecore.progress import Progress
from posecore.rendering import OF_HEADS
from posecore.sources import Source, find_sources
from posecore.track import MOST_PEOPLE
from posecore.usage import FAILED, OK, UsageError

if TYPE_CHECKING:
    from posecore.skeletons import Skeleton

NAME = "predict"
SUMMARY = "find people in pictures, videos, cameras and heads files"
DETAILS = """\
A folder gives its pictures; an animated GIF is a video. A video keeps its rate and size, with --every N
at 1/N of the rate, so that it plays at the same speed; it is written as MPEG-4 Part 2 (.mp4), Motion JPEG
(.avi) or VP8 (.webm), without sound. One that is cut off gives what can be read, and exit code 1. A
camera's frames that come faster than they are used are dropped, and counted. heatmaps are some keypoints'
confidence maps; offsets is the walk that found each point.
json, jsonl and csv hold pixels of the picture as it is shown; a keypoint that was not found is null, or
has no row. coco is results for COCO's evaluation: image ids are the numbers in file names where all are
numbers, else images are counted from 1; the file .coco_images.json beside says which image each id is.
--track gives people of videos and cameras ids, colours of their own, and numbers beside them; it ends with a
receipt, as --smooth does: jitter before and after, lag, what was repaired, filled in and dropped, and ids.
kalman and one-euro smooth while frames come. lowess looks at a video as a whole: the poses of all frames first,
which are kept in memory, then drawing, for which the video is read a second time.
example: posecore predict clip.mp4 --smooth kalman"""
DRAWINGS = ("poses", "heatmaps", "offsets", "names")
SMOOTHERS = ("kalman", "one-euro", "lowess", "none")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "source",
        nargs="*",
        metavar="SOURCE",
        help="picture, folder, glob, video, camera number or .npz heads; none is the default picture",
    )
    group = parser.add_argument_group("the network")
    add_network_options(group, model="a .tflite model; PoseNet MobileNetV1 0.75 comes with posecore")
    add = group.add_argument
    add("--device", default="cpu", help="cpu (default), or coral, coral:0, coral:usb for an Edge TPU")
    add(
        "--resize",
        choices=("letterbox", "stretch", "coral"),
        default="letterbox",
        help="letterbox keeps the aspect (default); stretch and coral (nearest pixels) do not",
    )
    add(
        "--input-range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="what a float input takes for bytes 0 and 255, where the kind of network does not say: -1 1",
    )
    add(
        "--scores",
        choices=("logits", "probabilities"),
        help="what the heatmaps hold, where the model's layout does not say it right",
    )
    add(
        "--stride",
        type=stride,
        metavar="PX",
        help="input pixels from cell to cell, where it does not follow from the model",
    )
    add(
        "--x-first",
        choices=("offsets", "displacements", "both"),
        help="which channels of a PoseNet hold all x before all y, where they do (posecore doctor finds out)",
    )
    group = parser.add_argument_group("what counts as a person")
    add_decoder_options(
        group,
        max_poses="at most so many people in a frame (default: what the model says, else 20)",
        conf="score from 0 to 1 for people, for where they start, and below which drawing is faint "
        "(default 0.2; faint below 0.25)",
    )
    add = group.add_argument
    add(
        "--refine",
        choices=("none", "quarter", "taylor"),
        help="how the highest cell of a plain heatmap is refined (default quarter)",
    )
    add(
        "--semantics",
        choices=("coral", "tfjs"),
        help="whose poses of PoseNet: tfjs finds those of the JavaScript package, duplicates too (default coral)",
    )
    group = parser.add_argument_group("the pictures")
    add = group.add_argument
    add(
        "--mirror",
        action="store_true",
        help="mirror pictures as a looking glass does; left and right stay the person's own",
    )
    add(
        "--color",
        choices=("rgb", "bgr"),
        default="rgb",
        help="bgr where red and blue of the source have changed places",
    )
    add(
        "--every",
        type=whole(1, 10**9),
        default=1,
        metavar="N",
        help="of a video or camera take each N-th frame only",
    )
    group = parser.add_argument_group("people over time, in videos and cameras")
    add = group.add_argument
    add("--track", action="store_true", help="give people ids that they keep from frame to frame")
    add(
        "--max-gap",
        type=seconds,
        metavar="S",
        help="a person who was not seen for longer, in seconds, gets a new id (default 1)",
    )
    add(
        "--smooth",
        choices=SMOOTHERS,
        default="none",
        help="smooth each person's keypoints; brings --track with it (default none)",
    )
    group = parser.add_argument_group("what is written")
    add = group.add_argument
    add(
        "--save",
        type=names(FORMATS),
        default=["json"],
        metavar="LIST",
        help=f"of {','.join(FORMATS)}, or none (default json)",
    )
    add(
        "--draw",
        type=names(DRAWINGS),
        metavar="LIST",
        help=f"of {','.join(DRAWINGS)}, or none (default poses)",
    )
    add(
        "--out",
        metavar="PATH",
        help="a folder; a picture's or video's name, for one source; - is stdout, for json, jsonl or csv "
        "without a drawing. Default: posecore-out, then posecore-out-2, ...",
    )
    add("--force", action="store_true", help="overwrite files that are there")
    add("--show", action="store_true", help="show each frame in a window; q or Esc ends")
    add("--json", action="store_true", help="print a summary for programs on stdout")
    add("--quiet", action="store_true", help="say nothing but errors")


def run(args: argparse.Namespace) -> int:
    drawings = args.draw if args.draw is not None else [] if args.out == "-" else ["poses"]
    if args.json and args.out == "-":
        raise UsageError("--json: stdout is taken by --out -")
    if args.mirror and "coco" in args.save:
        raise UsageError(
            "--mirror: COCO results are of the pictures as they are; leave it or --save coco out"
        )
    sources = find_sources(args.source)
    if all(source.kind == "heads" for source in sources):
        _refuse_network_options(args)
    tracked = args.track or args.smooth != "none"
    _refuse_what_does_not_move(args, sources, drawings, tracked=tracked)
    try:
        planned = plan(args.out, sources, args.save, drawn=bool(drawings), force=args.force)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if args.show:
        _need_window()
    progress = Progress(quiet=args.quiet)
    estimator = None
    if any(source.kind != "heads" for source in sources):
        estimator = _load(args)
        progress.line(f"{estimator.name} on {args.device}, {estimator.library}")
    make_movement = None
    if tracked and estimator is not None:
        make_movement = partial(_movement, estimator.skeleton, args.smooth, args.max_gap)
    with Interruption() as interruption:
        wishes = _wishes(args, drawings)
        prediction = Prediction(sources, planned, wishes, estimator, progress, interruption, make_movement)
        summary = prediction.run()
    code = interruption.exit_code if summary.interrupted else FAILED if summary.failed else OK
    for line in summary.lines():
        progress.line(line)
    if args.json:
        about = {
            "posecore": posecore.__version__,
            "model": estimator.name if estimator else None,
            "library": estimator.library if estimator else None,
            "skeleton": prediction.skeleton.name if prediction.skeleton else None,
        }
        print(json.dumps(about | summary.report() | {"exit_code": code}, allow_nan=False))
    return code


def _wishes(args: argparse.Namespace, drawings: list[str]) -> Wishes:
    given = decoder_options(args) | {"refine": args.refine, "semantics": args.semantics}
    wishes = Wishes(
        drawings=tuple(drawings),
        save=tuple(args.save),
        decoding={option: value for option, value in given.items() if value is not None},
        skeleton=args.skeleton,
        mirror=args.mirror,
        swap_colors=args.color == "bgr",
        every=args.every,
        show=args.show,
    )
    return wishes if args.conf is None else replace(wishes, faint_below=args.conf)


def _load(args: argparse.Namespace) -> Any:
    return load_estimator(
        model=args.model,
        size=args.size,
        device=args.device,
        skeleton=args.skeleton,
        threads=args.threads,
        refine=args.refine,
        semantics=args.semantics,
        resize=args.resize,
        input_range=tuple(args.input_range) if args.input_range else None,
        scores=args.scores,
        stride_px=args.stride,
        x_first=args.x_first,
        **decoder_options(args),
    )


def load_tracker(skeleton: Skeleton, **options: Any) -> Any:
    """What knows people from frame to frame."""
    return posecore.Tracker(skeleton, **options)


def load_smoother(name: str, skeleton: Skeleton, fps: float) -> Any:
    """One of `SMOOTHERS`: lowess is called with the poses of all frames, the others with those of one frame."""
    if name == "lowess":
        return import_module("posecore.offline").OfflineSmoother("lowess")
    module = import_module("posecore.smooth")
    # Slower and faster than this, the filters' own defaults are as good as those of the nearest.
    nominal_fps = min(max(fps, 1.0), 1000.0)
    return {"kalman": module.KalmanSmoother, "one-euro": module.OneEuroSmoother}[name](
        skeleton, fps=nominal_fps
    )


def _movement(skeleton: Skeleton, smooth: str, max_gap_s: float | None, fps: float) -> Movement | Recording:
    options = {} if max_gap_s is None else {"max_gap_s": max_gap_s}
    tracker = load_tracker(skeleton, max_people=MOST_PEOPLE, **options)
    if smooth == "lowess":
        return Recording(tracker, load_smoother(smooth, skeleton, fps))
    return Movement(tracker, load_smoother(smooth, skeleton, fps) if smooth != "none" else None)


def _refuse_what_does_not_move(
    args: argparse.Namespace, sources: list[Source], drawings: list[str], *, tracked: bool
) -> None:
    """What is said about people over time fits the sources and drawings."""
    if args.max_gap is not None and not tracked:
        raise UsageError("--max-gap: wanted --track or --smooth beside it, got neither")
    if tracked and args.max_poses is not None and args.max_poses > MOST_PEOPLE:
        raise UsageError(
            f"--max-poses: wanted at most {MOST_PEOPLE} beside --track and --smooth, got {args.max_poses}"
        )
    if tracked and not any(source.kind in ("video", "camera") for source in sources):
        option = "--track" if args.track else "--smooth"
        raise UsageError(f"{option}: wanted a video or camera, got pictures or heads alone")
    if args.smooth != "lowess":
        return
    of_heads = [name for name in drawings if name in OF_HEADS]
    if of_heads:
        raise UsageError(
            f"--smooth lowess: draws when the network is done, so wanted --draw of poses and names, "
            f"got {','.join(of_heads)}"
        )
    if args.show:
        raise UsageError("--smooth lowess: smooths when all frames are read; leave it or --show out")
    if drawings and any(source.kind == "camera" for source in sources):
        raise UsageError(
            "--smooth lowess: reads a video a second time to draw it, which a camera cannot give; "
            "add --draw none, or take kalman"
        )


def _refuse_network_options(args: argparse.Namespace) -> None:
    """Heads come out of a network: what is said about one would be ignored."""
    idle = {
        "--model": args.model,
        "--size": args.size,
        "--input-range": args.input_range,
        "--scores": args.scores,
        "--stride": args.stride,
        "--x-first": args.x_first,
        "--device": args.device if args.device != "cpu" else None,
        "--threads": args.threads if args.threads != 1 else None,
        "--resize": args.resize if args.resize != "letterbox" else None,
    }
    for option, value in idle.items():
        if value is not None:
            raise UsageError(f"{option}: wanted a picture or video to run a network on, got heads alone")


def _need_window() -> None:
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise PosecoreError("--show: there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)")
    cv2 = require("cv2", extra="app", purpose="--show")
    if re.search(r"GUI:\s+NONE", cv2.getBuildInformation()):
        raise PosecoreError(
            "--show: this OpenCV has no windows; install opencv-python in place of opencv-python-headless"
        )
