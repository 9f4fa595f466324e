"""`posecore smooth`: the tracks of a video without their trembling, looked at from its end as well as its beginning."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from posecore import skeletons
from posecore.errors import SourceError
from posecore.printable import printable
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from posecore.offline import Smoothed
    from posecore.pose_files import PoseFile
    from posecore.smooth_receipt import SmoothReceipt
    from posecore.trace_plot import Trace
    from posecore.trajectories import Trajectory

NAME = "smooth"
SUMMARY = "smooth the tracks in a file of poses, and draw one"
DETAILS = """\
TRACKS is what posecore predict VIDEO --track --save json (or jsonl, npz) wrote. What comes out has the same form and
the same people. Outliers are dropped first and interpolated; then each keypoint is smoothed by
  lowess    lines through the frames around it, robust; no lag (the default)
  savgol    parabolas through the frames around it (Savitzky-Golay); no lag
  rts       a Kalman filter forwards and back (Rauch-Tung-Striebel); no lag
  kalman    a Kalman filter forwards alone; lags
  one-euro  the one-euro filter; lags
At the end stands the receipt: jitter before and after, lag, gaps filled, outliers dropped.
example: posecore smooth poses.json --plot knee.svg --keypoint right_knee"""
METHODS = ("lowess", "savgol", "rts", "kalman", "one-euro")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tracks", metavar="TRACKS", help="poses with track ids of one video: .json, .jsonl or .npz")
    add("--smooth", choices=METHODS, default="lowess", help="how (default lowess)")
    add(
        "--window",
        type=_frames,
        metavar="FRAMES",
        help="of lowess and savgol, instead of one by the frame rate",
    )
    add(
        "--outliers",
        type=_number,
        default=3.0,
        metavar="SIGMAS",
        help="drop what is further from its neighbours than so many standard deviations; 0 drops nothing (default 3)",
    )
    add(
        "--max-gap",
        type=_number,
        default=0.0,
        metavar="SECONDS",
        help="fill a gap between two sights of a keypoint at most this far apart (default 0: none)",
    )
    add("--fps", type=_number, help="of a file without times (default 30)")
    add("--skeleton", choices=skeletons.names(), help="what the keypoints are, for jsonl")
    add(
        "--out",
        metavar="FILE",
        help="where the poses go, - for stdout (default TRACKS.smoothed and its ending)",
    )
    add("--plot", metavar="FILE.svg", help="draw x and y of one keypoint over time")
    add("--keypoint", metavar="NAME", help="the one that is drawn (default right_knee)")
    add("--track", type=_whole, metavar="ID", help="whose (default: who is seen longest)")
    add("--force", action="store_true", help="overwrite files that are there")
    add("--json", action="store_true", help="print the receipt as JSON on stdout")


def run(args: argparse.Namespace) -> int:
    out = _out(args)
    from posecore.offline import OfflineSmoother
    from posecore.outputs import open_writer
    from posecore.pose_files import read_poses
    from posecore.smooth_receipt import SmoothReceipt
    from posecore.trajectories import frame_times, trajectories

    try:
        smoother = OfflineSmoother(
            args.smooth,
            window_frames=args.window,
            outlier_sigmas=args.outliers,
            max_gap_s=args.max_gap,
            fps=args.fps,
        )
    except ValueError as error:
        raise UsageError(
            f"--{_OPTIONS.get(str(error).partition(':')[0], 'smooth')}: {_rest(error)}"
        ) from None
    poses = read_poses(args.tracks, skeletons.get(args.skeleton) if args.skeleton else None)
    try:
        times = frame_times(poses.frames, args.fps)
        before = trajectories(poses.frames)
        if not before and any(len(frame) for frame in poses.frames):
            raise SourceError(
                f"{args.tracks}: wanted people with track ids, got none; posecore predict --track gives them"
            )
        smoothed = smoother.smooth(poses.frames)
    except ValueError as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{args.tracks}: {error}") from None
    receipt = SmoothReceipt.of(before, smoothed, times)
    drawing = _plot(args, poses, before, smoothed, times, receipt) if args.plot is not None else None
    folder, stem = (None, "") if out is None else (out.parent, out.name.removesuffix(out.suffix))
    writer = open_writer(poses.form, folder, stem, poses.skeleton)
    try:
        for number, frame in zip(poses.numbers, smoothed.frames, strict=True):
            writer.write(poses.video, number, frame)
        writer.close()
    except BaseException:
        writer.discard()
        raise
    written = [] if out is None else [out]
    if drawing is not None:
        from posecore.outputs import write_file

        write_file(Path(args.plot), drawing.encode("utf-8"))
        written.append(Path(args.plot))
    if args.json:
        report = {"method": args.smooth, **receipt.as_dict(), "saved": [str(path) for path in written]}
        print(json.dumps(report, allow_nan=False))
    for line in receipt.lines():
        print(line, file=sys.stderr)
    people = f"{receipt.people} {'person' if receipt.people == 1 else 'people'}"
    frames = f"{receipt.frames} frame{'' if receipt.frames == 1 else 's'}"
    told = f"{frames}, {people}, {args.smooth}"
    if written:
        told += f"; written: {', '.join(printable(str(path)) for path in written)}"
    print(told, file=sys.stderr)
    return OK


def _out(args: argparse.Namespace) -> Path | None:
    """Where the poses go, once all options fit together; None is stdout."""
    ending = Path(args.tracks).suffix
    if args.out == "-":
        if args.json:
            raise UsageError("--out: wanted a file beside --json, got - for stdout, where its receipt goes")
        if ending.lower() == ".npz":
            raise UsageError("--out: wanted a file for npz, got - for stdout")
    elif args.out is not None and Path(args.out).suffix != ending:
        raise UsageError(f"--out: wanted a file ending in {ending} as {args.tracks} does, got {args.out}")
    if args.plot is not None and Path(args.plot).suffix != ".svg":
        raise UsageError(f"--plot: wanted a file ending in .svg, got {args.plot}")
    if args.plot is None and (args.keypoint is not None or args.track is not None):
        option = "--keypoint" if args.keypoint is not None else "--track"
        raise UsageError(f"{option}: wanted --plot beside it, got none")
    out = None
    if args.out != "-":
        out = Path(args.out or f"{args.tracks.removesuffix(ending)}.smoothed{ending.lower()}")
    for option, path in (("--out", out), ("--plot", args.plot)):
        if path is None:
            continue
        if os.path.isdir(path):
            raise UsageError(f"{option}: wanted a file, got the folder {path}")
        if os.path.realpath(path) == os.path.realpath(args.tracks):
            raise UsageError(f"{option}: {path} is the file to read; choose another name")
        if os.path.lexists(path) and not args.force:
            raise UsageError(f"{option}: {path} is there already; add --force to overwrite")
    return out


def _plot(
    args: argparse.Namespace,
    poses: PoseFile,
    before: list[Trajectory],
    smoothed: Smoothed,
    times: npt.NDArray[np.float64],
    receipt: SmoothReceipt,
) -> str:
    from posecore.trace_plot import trace_plot

    names = poses.skeleton.keypoints
    wanted = args.keypoint or ("right_knee" if "right_knee" in names else names[0])
    if wanted not in names:
        raise UsageError(f"--keypoint: wanted one of {', '.join(names)}, got {wanted}"[:2000])
    keypoint = names.index(wanted)
    if not before:
        raise SourceError(f"{args.tracks}: wanted a person to draw, got nobody")
    place = max(range(len(before)), key=lambda k: int(before[k].visible[:, keypoint].sum()))
    if args.track is not None:
        ids = [track.track_id for track in before]
        if args.track not in ids:
            told = ", ".join(str(identity) for identity in ids[:20]) + (", ..." if len(ids) > 20 else "")
            raise UsageError(f"--track: wanted one of {told}, got {args.track}")
        place = ids.index(args.track)
    one, other = before[place], smoothed.tracks[place]
    trace = _trace(one, other, times, keypoint)
    title = f"{wanted.replace('_', ' ')} of person {one.track_id}" + (
        f" in {poses.video}" if poses.video else ""
    )
    return trace_plot(
        trace, title, "; ".join([args.smooth, *_jitters(trace), f"everybody: {next(iter(receipt.lines()))}"])
    )


def _trace(one: Trajectory, other: Trajectory, times: npt.NDArray[np.float64], keypoint: int) -> Trace:
    from posecore.trace_plot import Trace

    return Trace(
        times[one.span],
        one.xy[:, keypoint].astype(float),
        one.visible[:, keypoint],
        other.xy[:, keypoint].astype(float),
        other.visible[:, keypoint],
        other.outliers[:, keypoint],
    )


def _jitters(trace: Trace) -> list[str]:
    """Of this keypoint alone."""
    import numpy as np

    from posecore.evaluation.jitter import jitter

    both = (trace.seen & trace.shown)[:, None]
    found = [
        jitter(np.ascontiguousarray(xy)[:, None], both, times_s=trace.times_s).px
        for xy in (trace.raw, trace.smoothed)
    ]
    return (
        []
        if np.isnan(found).any()
        else [f"this keypoint: jitter {found[0]:.2f} px before, {found[1]:.2f} px after"]
    )


_OPTIONS = {"window_frames": "window", "outlier_sigmas": "outliers", "max_gap_s": "max-gap", "fps": "fps"}


def _rest(error: ValueError) -> str:
    return str(error).partition(": ")[2]


def _frames(text: str) -> int:
    if not re.fullmatch(r"\d{1,4}", text) or not 3 <= int(text) <= 1001:
        raise argparse.ArgumentTypeError(f"wanted a whole number from 3 to 1001, got {text!r}")
    return int(text)


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise argparse.ArgumentTypeError(f"wanted a whole number from 0, got {text!r}")
    return int(text)


def _number(text: str) -> float:
    if not re.fullmatch(r"\d{1,12}(\.\d{1,12})?|\.\d{1,12}", text):
        raise argparse.ArgumentTypeError(f"wanted a number from 0, such as 0.5, got {text!r}")
    return float(text)
