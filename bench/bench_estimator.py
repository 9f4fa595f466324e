"""What everything around the network costs, as a share of the network's own time.

    python bench/bench_estimator.py [--rounds 60] [--json FILE] [--ap]

The default model (float16) at 353x481, one thread, OpenCV on one thread, pictures of three sizes,
interleaved. Each picture has just been written, as a camera or a decoder of files does it. Every call is
timed whole and the network inside it by itself; what is left is the resize, the letterbox, the input
conversion, the decoder and the building of `Poses`. Beside the time stands whether the answer is right: how
many people, and how far their keypoints lie from those of a picture that was shrunk by an area average.

`--ap` adds the average precision behind the choices in `posecore.runtime`: how pictures are shrunk, where
they lie in the input, what the margins hold, the NMS radius. It wants pycocotools, and the COCO pictures
under POSECORE_SHARED.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np

import posecore as pc
from posecore.runtime import network_input
from posecore.runtime.geometry import Geometry

PICTURES = ((640, 480), (1280, 720), (1920, 1080))
AP_SIZES = (257, 353, 433, 481, 513)
HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("POSECORE_SHARED", HERE.parents[1] / "shared")) / "data"
Image = np.ndarray


def read(path: Path) -> Image:
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path}: wanted a picture, got something else")
    return np.ascontiguousarray(picture[:, :, ::-1])


def default_picture() -> Image:
    return read(Path(pc.__file__).parent / "data/people.jpg")


def shrunk_by(interpolation: int) -> Any:
    """One OpenCV resize in place of ours."""

    def resample(self: Geometry, image: Image) -> Image:
        if self.resized_size == self.image_size:
            return image
        return np.asarray(cv2.resize(image, self.resized_size, interpolation=interpolation))

    return mock.patch.object(Geometry, "resample", resample)


def distance_px(found: pc.Poses, expected: pc.Poses) -> float:
    """Median distance of the sure keypoints, in picture pixels, of people paired by nearness."""
    if not len(found):
        return float("nan")
    sure = expected.scores > 0.5
    gaps = [np.linalg.norm(found.xy - expected.xy[i], axis=2)[:, sure[i]] for i in range(len(expected))]
    nearest = [gap[np.argmin(np.median(gap, axis=1))] for gap in gaps if gap.size]
    return float(np.median(np.concatenate(nearest))) if nearest else float("nan")


def around_the_network(rounds: int) -> Iterator[dict[str, Any]]:
    estimator = pc.Estimator(size=(353, 481), threads=1)
    interpreter = estimator._network.interpreter
    invoke, network_s = interpreter.invoke, [0.0]

    def timed() -> None:
        start = time.perf_counter()
        invoke()
        network_s[0] = time.perf_counter() - start

    pictures = [cv2.resize(default_picture(), size, interpolation=cv2.INTER_AREA) for size in PICTURES]
    frames = [picture.copy() for picture in pictures]
    samples: list[list[tuple[float, ...]]] = [[] for _ in pictures]
    with mock.patch.object(interpreter, "invoke", timed):
        for _ in range(rounds):
            for picture, frame, sample in zip(pictures, frames, samples, strict=True):
                frame[...] = picture
                start = time.perf_counter()
                estimator(frame)
                whole = time.perf_counter() - start
                called = network_s[0]
                frame[...] = picture
                times = estimator.detail(frame).times
                sample.append((whole - called, called, times["resize"], times["decode"]))
    for picture, sample in zip(pictures, samples, strict=True):
        around, network, resize, decode = (statistics.median(column) for column in zip(*sample, strict=True))
        poses = estimator(picture)
        with shrunk_by(cv2.INTER_AREA):
            expected = estimator(picture)
        yield {
            "picture": f"{picture.shape[1]}x{picture.shape[0]}",
            "network_ms": 1e3 * network,
            "around_us": 1e6 * around,
            "resize_us": 1e6 * resize,
            "decode_us": 1e6 * decode,
            "percent": 100 * around / network,
            "people": len(poses),
            "people_by_area": len(expected),
            "distance_px": distance_px(poses, expected),
        }


def resampling(rounds: int) -> Iterator[dict[str, Any]]:
    """Ways of shrinking, the network run in between as it is in use."""
    estimator = pc.Estimator(size=(353, 481))
    ways: dict[str, Any] = {
        "ours": contextlib.nullcontext(),
        "bilinear": shrunk_by(cv2.INTER_LINEAR),
        "area": shrunk_by(cv2.INTER_AREA),
    }
    for width, height in (*PICTURES, (1281, 721), (3840, 2160)):
        picture = cv2.resize(default_picture(), (width, height), interpolation=cv2.INTER_LINEAR)
        frame = picture.copy()
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                frame[...] = picture
                with way:
                    times[name].append(estimator.detail(frame).times["resize"])
        medians = {name: statistics.median(values) for name, values in times.items()}
        yield (
            {"picture": f"{width}x{height}"}
            | {f"{name}_us": 1e6 * seconds for name, seconds in medians.items()}
            | {f"{name}_ratio": seconds / medians["ours"] for name, seconds in medians.items()}
        )


def placed(share: float) -> Any:
    """The picture at the start (0) or at the end (1) of its margins instead of in the middle."""
    middle: Callable[..., Geometry] = Geometry.long_side.__func__  # type: ignore[attr-defined]

    def long_side(cls: type[Geometry], *args: Any, **options: Any) -> Geometry:
        geometry = middle(cls, *args, **options)
        margins = (w - r for w, r in zip(geometry.input_size, geometry.resized_size, strict=True))
        left, top = (int(margin * share) for margin in margins)
        return dataclasses.replace(geometry, offset=(left, top))

    return mock.patch.object(Geometry, "long_side", classmethod(long_side))


def average_precision() -> Iterator[dict[str, Any]]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(SHARED / "train/coco.json"))
    pictures = [
        (entry["id"], read(SHARED / "train/coco" / entry["file_name"]))
        for entry in truth.loadImgs(sorted(truth.getImgIds()))
    ]

    def precision(size: int, **options: Any) -> float:
        estimator = pc.Estimator(size=size, **({"root_threshold": 0.05, "pose_threshold": 0.05} | options))
        results = [
            {
                "image_id": identity,
                "category_id": 1,
                "keypoints": np.c_[poses.xy[i], poses.scores[i]].astype(float).ravel().tolist(),
                "score": float(poses.pose_scores[i]),
            }
            for identity, picture in pictures
            for poses in [estimator(picture)]
            for i in range(len(poses))
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            scored = COCOeval(truth, truth.loadRes(results), "keypoints")
            scored.evaluate()
            scored.accumulate()
            scored.summarize()
        return float(scored.stats[0])

    nothing = contextlib.nullcontext
    variants: list[tuple[str, Callable[[], Any], dict[str, Any]]] = [
        ("ours", nothing, {}),
        ("default thresholds", nothing, {"root_threshold": None, "pose_threshold": None}),
        ("area average", lambda: shrunk_by(cv2.INTER_AREA), {}),
        ("bilinear", lambda: shrunk_by(cv2.INTER_LINEAR), {}),
        ("top-left", lambda: placed(0), {}),
        ("bottom-right", lambda: placed(1), {}),
        ("black margins", lambda: mock.patch.object(network_input, "PAD_BYTE", 0), {}),
        ("white margins", lambda: mock.patch.object(network_input, "PAD_BYTE", 255), {}),
        ("NMS 5 px", nothing, {"nms_radius_px": 5}),
        ("NMS 20 px", nothing, {"nms_radius_px": 20}),
    ]
    for name, variant, options in variants:
        with variant():
            values = {f"AP@{size}": precision(size, **options) for size in AP_SIZES}
        yield {"variant": name} | values | {"mean": statistics.fmean(values.values())}


def table(title: str, rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    print(f"\n{title}")
    done: list[dict[str, Any]] = []
    for row in rows:
        widths = {key: max(len(key), 11 if index else 18) for index, key in enumerate(row)}
        if not done:
            print("  ".join(f"{key:>{widths[key]}}" for key in row))
        shown = {
            key: value if not isinstance(value, float) else f"{value:.4f}" if value < 1 else f"{value:.2f}"
            for key, value in row.items()
        }
        print("  ".join(f"{shown[key]:>{widths[key]}}" for key in row), flush=True)
        done.append(row)
    return done


def machine() -> dict[str, str]:
    commit = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(
            (line.partition(": ")[2] for line in lines if line.startswith("model name")), processor
        )
    return {
        "processor": processor,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "interpreter": pc.Estimator().library,
        "posecore": pc.__version__,
        "commit": commit.stdout.strip() or "unknown",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60, help="calls for each median")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--ap", action="store_true", help="average precision of the choices, two minutes")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    about = machine()
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    report: dict[str, Any] = {"machine": about}
    report["around"] = table("around the network, 353x481, one thread", around_the_network(args.rounds))
    report["resampling"] = table("resize and input conversion", resampling(max(args.rounds // 3, 1)))
    if args.ap:
        report["ap"] = table("AP on 119 COCO pictures", average_precision())
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
