"""How long training targets of a picture take, and whether they are right: posecore beside NumPy, in one interleaved
run.

    python bench/bench_targets.py --json targets.json

Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench_decode import environment, spread
from bench_oks import run_rounds

from posecore import COCO17, MPII16, Skeleton
from posecore.train.targets import GaussianTargets, PersonLabTargets

Arrays = dict[str, np.ndarray]
NEGLIGIBLE, KNOWN_SIGMAS = 25 * np.log(2), 3.0


@dataclass
class Picture:
    """People of a picture, each in a box, with a fifth of the keypoints not labelled; one region is ignored."""

    xy: np.ndarray
    visibility: np.ndarray
    boxes: np.ndarray
    ignored: np.ndarray
    size: tuple[int, int]

    @classmethod
    def make(cls, people: int, keypoints: int, size: tuple[int, int]) -> Picture:
        random = np.random.default_rng(people + 100 * keypoints)
        side = (
            np.array(size) * random.uniform(0.25, 0.6, (people, 1, 2))
            if people > 1
            else np.array([[size]]) * 0.8
        )
        corner = random.uniform(0, 1, (people, 1, 2)) * (np.array(size) - side)
        xy = corner + random.uniform(0, 1, (people, keypoints, 2)) * side
        visibility = np.where(random.uniform(size=(people, keypoints)) < 0.2, 0, 2)
        boxes = np.concatenate([corner[:, 0], side[:, 0]], axis=1)
        x, y = size[0] * 0.8, size[1] * 0.1
        ignored = np.array([[[x, y], [x + 50, y + 5], [x + 45, y + 55], [x - 5, y + 50]]])
        floats = [array.astype(np.float32) for array in (xy, boxes, ignored)]
        return cls(floats[0], visibility.astype(np.uint8), floats[1], floats[2], size)


class Vectorised:
    """What one writes with NumPy: all people, cells and keypoints at once, in float32."""

    def __init__(
        self, picture: Picture, stride: int, reach: float, margin: float, shift: float = 0.0
    ) -> None:
        width, height = picture.size
        self.x = (np.arange((width - 1) // stride + 1) * stride + shift).astype(np.float32)
        self.y = (np.arange((height - 1) // stride + 1) * stride + shift).astype(np.float32)
        self.picture, self.reach, self.margin = picture, np.float32(reach), np.float32(margin)
        self.grid = len(self.y), len(self.x)

    def unknown(self) -> np.ndarray:
        """(h, w, K): where an unlabelled keypoint may be, and near ignored regions."""
        p, keypoints = self.picture, self.picture.xy.shape[1]
        x, y, width, height = p.boxes.T[:, :, None]
        reach = self.reach + self.margin * np.maximum(width, height)
        across = (self.x >= x - reach) & (self.x <= x + width + reach)  # (N, w)
        down = (self.y >= y - reach) & (self.y <= y + height + reach)  # (N, h)
        inside = (down[:, :, None] & across[:, None]).reshape(len(p.xy), -1)
        # A product of matrices is NumPy's quickest way to "any of these people".
        found = inside.T.astype(np.float32) @ (p.visibility == 0).astype(np.float32)
        unknown = (found > 0).reshape(*self.grid, keypoints)
        for corners in p.ignored:
            unknown[self.near(corners)] = True
        return unknown

    def near(self, corners: np.ndarray) -> np.ndarray:
        """(h, w): on lines up to the reach away, between the border's leftmost and rightmost, give or take it."""
        a, b = corners.astype(np.float64), np.roll(corners, -1, axis=0).astype(np.float64)
        top = np.maximum(np.minimum(a[:, 1], b[:, 1]), self.y[:, None] - self.reach)
        bottom = np.minimum(np.maximum(a[:, 1], b[:, 1]), self.y[:, None] + self.reach)
        slope = (b[:, 0] - a[:, 0]) / np.where(b[:, 1] == a[:, 1], 1, b[:, 1] - a[:, 1])
        x = a[:, 0] + (np.stack([top, bottom]) - a[:, 1]) * slope
        missed = top > bottom
        left = np.where(missed, np.inf, x).min(axis=(0, 2)) - self.reach
        right = np.where(missed, -np.inf, x).max(axis=(0, 2)) + self.reach
        return (self.x >= left[:, None]) & (self.x <= right[:, None])

    def placed(self) -> np.ndarray:
        return np.where(self.picture.visibility[:, :, None] > 0, self.picture.xy, np.float32(np.nan))


def vectorised_discs(
    picture: Picture, skeleton: Skeleton, stride: int, radius: float, margin: float
) -> Arrays:
    work = Vectorised(picture, stride, radius, margin)
    xy = work.placed()
    rows, columns = work.grid
    keypoints = np.arange(skeleton.num_keypoints)
    edges = np.array(skeleton.edges)
    dy2 = (xy[:, :, 1, None] - work.y) ** 2  # (N, K, h)
    dx2 = (xy[:, :, 0, None] - work.x) ** 2
    distance2 = np.moveaxis(dy2[:, :, :, None] + dx2[:, :, None, :], 1, 3)  # (N, h, w, K)
    distance2[np.isnan(distance2)] = np.inf
    owner = distance2.argmin(axis=0)
    inside = np.take_along_axis(distance2, owner[None], axis=0)[0] <= radius * radius
    heatmap = np.where(inside, np.float32(1), np.where(work.unknown(), np.float32(np.nan), np.float32(0)))
    # Only the cells in discs are worth their offsets.
    row, column, k = np.nonzero(inside)
    person = owner[row, column, k]
    y, x = work.y[row], work.x[column]
    found = {"heatmap_2": heatmap}

    def ways(name: str, channels: int, cells: np.ndarray, channel: np.ndarray, to: np.ndarray) -> None:
        array = np.full((rows, columns, 2 * channels), np.nan, np.float32)
        target = xy[person[cells], to]
        array[row[cells], column[cells], channel] = target[:, 1] - y[cells]
        array[row[cells], column[cells], channels + channel] = target[:, 0] - x[cells]
        found[name] = array

    ways("offset_2", len(keypoints), np.arange(len(k)), k, k)
    for name, start, end in (("displacement_fwd_2", 0, 1), ("displacement_bwd_2", 1, 0)):
        cells, channel = np.nonzero(k[:, None] == edges[:, start])
        ways(name, len(edges), cells, channel, edges[channel, end])
    return found


def vectorised_gaussians(
    picture: Picture, stride: int, sigma: float, background: bool, margin: float
) -> Arrays:
    work = Vectorised(picture, stride, KNOWN_SIGMAS * sigma, margin)
    xy = work.placed()
    down = -((xy[:, None, :, 1] - work.y[:, None]) ** 2) / np.float32(2 * sigma * sigma)  # (N, h, K)
    across = -((xy[:, None, :, 0] - work.x[:, None]) ** 2) / np.float32(2 * sigma * sigma)  # (N, w, K)
    # A Gaussian is the product of two: exponentials of rows and columns, not of cells.
    factors = [np.nan_to_num(np.exp(part), nan=0.0) for part in (down, across)]
    if len(xy) == 1:
        heatmap = factors[0][0, :, None] * factors[1][0, None]
    else:
        heatmap = (factors[0][:, :, None] * factors[1][:, None]).max(axis=0)
    heatmap[heatmap < 2.0**-25] = 0
    heatmap[work.unknown() & (heatmap < np.float32(np.exp(-KNOWN_SIGMAS * KNOWN_SIGMAS / 2)))] = np.nan
    if background:
        heatmap = np.concatenate([heatmap, 1 - heatmap.max(axis=2, keepdims=True)], axis=2)
    return {"heatmap": heatmap}


def differences(found: Arrays, wanted: Arrays) -> dict[str, float]:
    """The largest difference, and the share of numbers that one of them says and the other does not."""
    largest, elsewhere, total = 0.0, 0, 0
    for name, array in wanted.items():
        here, there = np.isnan(found[name]), np.isnan(array)
        elsewhere += int((here != there).sum())
        total += array.size
        largest = max(largest, float(np.abs(found[name] - array)[~(here | there)].max(initial=0)))
    return {"largest_difference": largest, "known_to_one": elsewhere / total}


def scenes() -> dict[str, tuple[Callable[[], Arrays], Callable[[], Arrays]]]:
    """Of each scene posecore's call and NumPy's."""
    found: dict[str, tuple[Callable[[], Arrays], Callable[[], Arrays]]] = {}
    for stride, size, people in (
        (16, (353, 353), 2),
        (16, (513, 513), 5),
        (16, (513, 513), 20),
        (8, (513, 513), 5),
    ):
        picture = Picture.make(people, 17, size)
        targets = PersonLabTargets(COCO17, stride)
        name = f"discs, {size[0]} x {size[1]}, stride {stride}, {people} people"
        found[name] = (
            encoding(targets, picture),
            lambda p=picture, s=stride, t=targets: vectorised_discs(
                p, COCO17, s, t.disc_radius_px, t.box_margin
            ),
        )
    gaussian = (
        (COCO17, 4, (192, 256), 8.0, False, 1),
        (MPII16, 8, (368, 368), 21.0, True, 1),
        (COCO17, 8, (368, 368), 7.0, True, 5),
    )
    for skeleton, stride, size, sigma, background, people in gaussian:
        picture = Picture.make(people, skeleton.num_keypoints, size)
        maps = GaussianTargets(skeleton, stride, sigma, background)
        name = f"Gaussians, {size[0]} x {size[1]}, stride {stride}, sigma {sigma:g}, {people} people"
        found[name] = (
            encoding(maps, picture),
            lambda p=picture, s=stride, t=maps: vectorised_gaussians(
                p, s, t.sigma_px, t.background, t.box_margin
            ),
        )
    return found


def encoding(targets: PersonLabTargets | GaussianTargets, picture: Picture) -> Callable[[], Arrays]:
    return lambda: targets.encode(
        picture.xy, picture.visibility, picture.boxes, picture.ignored, size=picture.size
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--rounds", type=int, default=15, help="turns that each contender takes (default 15)")
    chosen = parser.parse_args()
    report: dict[str, Any] = {"environment": environment(), "results": {}}
    for key, value in report["environment"].items():
        print(f"{key}: {value}")
    print(
        "\nus a picture: of the processor, median round; ratio: NumPy's time over posecore's in the same round"
    )
    print(
        f"  {'':54}{'posecore':>10}{'NumPy':>10}{'ratio':>8}{'p10..p90':>14}{'max diff':>10}{'known to one':>14}"
    )
    for name, (ours, theirs) in scenes().items():
        right = differences(ours(), theirs())
        times = run_rounds({"posecore": ours, "NumPy": theirs}, chosen.rounds)
        us = {who: [time / 1000 for time in spent[0]] for who, spent in times.items()}
        ratio = spread([b / a for a, b in zip(us["posecore"], us["NumPy"], strict=True)])
        entry = {**{who: spread(each) for who, each in us.items()}, "ratio": ratio, **right}
        report["results"][name] = entry
        around = f"{ratio['p10']:.1f}..{ratio['p90']:.1f}"
        print(
            f"  {name:54}{entry['posecore']['median']:10.1f}{entry['NumPy']['median']:10.1f}{ratio['median']:8.1f}"
            f"{around:>14}{right['largest_difference']:10.1e}{right['known_to_one']:14.1e}"
        )
    if chosen.json:
        beside = chosen.json.with_name(f".{chosen.json.name}.part")
        beside.write_text(json.dumps(report, indent=1) + "\n")
        os.replace(beside, chosen.json)


if __name__ == "__main__":
    main()
