"""`posecore smooth`: the tracks of a video without their trembling, looked at from its end as well as its beginning."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from posecore import skeletons
from posecore.errors import SourceError
from posecore.printable import printable
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from posecore.offline import OfflineSmoother, Smoothed
    from posecore.pose_files import Clip
    from posecore.skeletons import Skeleton
    from posecore.smooth_receipt import SmoothReceipt
    from posecore.trace_plot import Trace

NAME = "smooth"
SUMMARY = "smooth the tracks in a file of poses, and draw one"
DETAILS = """\
TRACKS is what posecore predict VIDEO --track --save json (or jsonl, npz) wrote, of one video or more, each of which is
smoothed by itself. What comes out has the same form and the same people; those without a track id stay as they are.
Outliers are dropped first and interpolated; then each keypoint is smoothed by
  lowess    lines through the frames around it, robust; no lag (the default)
  savgol    parabolas through the frames around it (Savitzky-Golay); no lag
  rts       a Kalman filter forwards and back (Rauch-Tung-Striebel); no lag
  kalman    a Kalman filter forwards alone; lags
  one-euro  the one-euro filter; lags
At the end stands the receipt: jitter before and after, lag, keypoints filled in, outliers dropped.
example: posecore smooth poses.json --plot knee.svg --keypoint right_knee"""
METHODS = ("lowess", "savgol", "rts", "kalman", "one-euro")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tracks", metavar="TRACKS", help="poses with track ids: .json, .jsonl or .npz")
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
    add("--video", metavar="NAME", help="in which, of a file of several (default: where she is seen longest)")
    add("--force", action="store_true", help="overwrite files that are there")
    add("--json", action="store_true", help="print the receipt as JSON on stdout")


def run(args: argparse.Namespace) -> int:
    out = _out(args)
    from posecore.offline import OfflineSmoother
    from posecore.outputs import open_writer, write_file
    from posecore.pose_files import read_poses

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
    found = [_smoothed(args, smoother, clip, alone=len(poses.clips) == 1) for clip in poses.clips]
    tracked = [each for each in found if each.smoothed.tracks]
    if not tracked and any(each.receipt.poses_without_id for each in found):
        raise SourceError(
            f"{args.tracks}: wanted people with track ids, got none; posecore predict --track gives them"
        )
    drawing = _plot(args, poses.skeleton, tracked) if args.plot is not None else None
    folder, stem = (None, "") if out is None else (out.parent, out.name.removesuffix(out.suffix))
    writer = open_writer(poses.form, folder, stem, poses.skeleton)
    try:
        for each in found:
            for number, frame in zip(each.clip.numbers, each.smoothed.frames, strict=True):
                writer.write(each.clip.video, number, frame)
        writer.close()
    except BaseException:
        writer.discard()
        raise
    written = [] if out is None else [out]
    if isinstance(drawing, str):
        write_file(Path(args.plot), drawing.encode("utf-8"))
        written.append(Path(args.plot))
    if args.json:
        files = [{"source": each.clip.video, "receipt": each.receipt.as_dict()} for each in found]
        report = {"method": args.smooth, "files": files, "saved": [str(path) for path in written]}
        print(json.dumps(report, allow_nan=False))
    for line in _lines(args.smooth, found, written):
        print(printable(line), file=sys.stderr)
    if isinstance(drawing, SourceError):
        raise drawing
    return OK


@dataclass(frozen=True)
class _Found:
    """What became of a video."""

    clip: Clip
    times_s: npt.NDArray[np.float64]
    smoothed: Smoothed
    receipt: SmoothReceipt


def _smoothed(args: argparse.Namespace, smoother: OfflineSmoother, clip: Clip, *, alone: bool) -> _Found:
    from posecore.smooth_receipt import SmoothReceipt
    from posecore.trajectories import frame_times

    try:
        times_s = frame_times(clip.frames, args.fps)
        smoothed = smoother.smooth(clip.frames)
    except ValueError as error:
        where = args.tracks if alone else f"{args.tracks}: {clip.video}"
        raise SourceError(f"{where}: {error}") from None
    return _Found(clip, times_s, smoothed, SmoothReceipt.of(smoothed, times_s))


def _lines(method: str, found: list[_Found], written: list[Path]) -> Iterator[str]:
    """For people: the receipts, then one line."""
    tracked = [each for each in found if each.smoothed.tracks]
    for each in tracked or found[:1]:
        name = f"{each.clip.video}: " if len(found) > 1 else ""
        yield from (f"{name}{line}" for line in each.receipt.lines())
    if tracked and len(tracked) < len(found):
        yield f"{len(found) - len(tracked)} of {len(found)} videos and pictures have no track ids: left as they are"
    people = sum(each.receipt.people for each in found)
    told = _plural(sum(each.receipt.frames for each in found), "frame")
    told += f" of {len(found)} videos and pictures" if len(found) > 1 else ""
    told += f", {people} {'person' if people == 1 else 'people'}, {method}"
    yield told + (f"; written: {', '.join(str(path) for path in written)}" if written else "")


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
    for option in ("keypoint", "track", "video"):
        if args.plot is None and getattr(args, option) is not None:
            raise UsageError(f"--{option}: wanted --plot beside it, got none")
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


def _plot(args: argparse.Namespace, skeleton: Skeleton, tracked: list[_Found]) -> str | SourceError:
    """The drawing, or why there is none."""
    from posecore.trace_plot import trace_plot

    names = skeleton.keypoints
    wanted = args.keypoint or ("right_knee" if "right_knee" in names else names[0])
    if wanted not in names:
        raise UsageError(f"--keypoint: wanted one of {', '.join(names)}, got {wanted}"[:2000])
    keypoint = names.index(wanted)
    if args.video is not None:
        videos = [each.clip.video for each in tracked]
        tracked = [each for each in tracked if each.clip.video == args.video]
        if not tracked:
            raise UsageError(f"--video: wanted one of {_some(videos)}, got {args.video}")
    sights: dict[tuple[int, int], int] = {}
    for place, each in enumerate(tracked):
        for track in each.smoothed.measured:
            seen = int(track.visible[:, keypoint].sum())
            sights[place, track.track_id] = sights.get((place, track.track_id), 0) + seen
    if not sights:
        return SourceError(f"{args.tracks}: nobody is there to draw, so {args.plot} is not written")
    if args.track is not None:
        ids = sorted({identity for _, identity in sights})
        sights = {whose: count for whose, count in sights.items() if whose[1] == args.track}
        if not sights:
            raise UsageError(f"--track: wanted one of {_some(ids)}, got {args.track}")
    place, identity = max(sights, key=lambda whose: sights[whose])
    whose = f"{wanted.replace('_', ' ')} of person {identity}"
    if not sights[place, identity]:
        return SourceError(f"{args.tracks}: {whose} is never seen, so {args.plot} is not written")
    trace = _trace(tracked[place], identity, keypoint)
    told, receipt = [args.smooth, *_jitters(trace)], tracked[place].receipt
    if receipt.jitter_before_px is not None:
        told.append(f"everybody: {next(iter(receipt.lines()))}")
    return trace_plot(trace, f"{whose} in {os.path.basename(tracked[place].clip.video)}", "; ".join(told))


def _some(names: Sequence[object]) -> str:
    return ", ".join(str(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")


def _trace(found: _Found, identity: int, keypoint: int) -> Trace:
    """From the first frame with this person to the last."""
    import numpy as np

    from posecore.trace_plot import Trace

    pairs = zip(found.smoothed.measured, found.smoothed.tracks, strict=True)
    mine = [pair for pair in pairs if pair[0].track_id == identity]
    begin, end = mine[0][0].start, mine[-1][0].span.stop
    raw, new = np.zeros((2, end - begin, 2))
    seen, shown, outliers = np.zeros((3, end - begin), np.bool_)
    for one, other in mine:
        part = slice(one.start - begin, one.span.stop - begin)
        raw[part], new[part] = one.xy[:, keypoint], other.xy[:, keypoint]
        seen[part], shown[part] = one.visible[:, keypoint], other.visible[:, keypoint]
        outliers[part] = other.outliers[:, keypoint]
    return Trace(found.times_s[begin:end], raw, seen, new, shown, outliers)


def _jitters(trace: Trace) -> list[str]:
    """Of this keypoint alone."""
    import numpy as np

    from posecore.evaluation.jitter import jitter

    both = (trace.seen & trace.shown)[:, None]
    # Pixels do not depend on the rate.
    found = [
        jitter(np.ascontiguousarray(xy)[:, None], both, fps=1.0).px for xy in (trace.raw, trace.smoothed)
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


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
