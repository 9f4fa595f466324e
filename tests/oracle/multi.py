"""Many people: PersonLab's greedy grouping (arXiv 1803.08225, section 3.2), one plain step after another."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from oracle.fields import clean_scores, nearest, sample, sample_vector, sigmoid, to_score


@dataclass
class Doubt:
    """How near the closest decision came to falling the other way: pixels, or scores times 100."""

    least: float = np.inf

    def compare(self, value: float, threshold: float, scale: float = 1.0) -> None:
        self.least = min(self.least, abs(float(value) - float(threshold)) * scale)


@dataclass
class Person:
    points: np.ndarray  # (K, 2) y, x in cells
    scores: np.ndarray  # (K,) in [0, 1]
    mean: float
    found: int
    kept: float = 0.0


@dataclass
class People:
    """xy (N, K, 2) in input pixels, scores (N, K), pose_scores (N,), best first."""

    xy: np.ndarray
    scores: np.ndarray
    pose_scores: np.ndarray
    doubt: Doubt


@dataclass
class MultiDecoder:
    """Arrays are (h, w, channels) of real numbers; offsets in input pixels, all y before all x."""

    edges: tuple[tuple[int, int], ...]
    stride_px: float
    max_poses: int = 20
    root_threshold: float = 0.2
    pose_threshold: float = 0.2
    nms_radius_px: float = 10.0
    refine_steps: int = 5
    local_maximum_radius: int = 1
    sampling: str = "bilinear"
    rescore: bool = True
    logits: bool = True
    dtype: type = np.float64
    doubt: Doubt = field(default_factory=Doubt)

    def __call__(self, heatmaps: np.ndarray, short: np.ndarray, fwd: np.ndarray, bwd: np.ndarray) -> People:
        self.doubt = Doubt()
        self.raw = heatmaps
        self.heat = clean_scores(heatmaps, self.dtype)
        self.rows, self.columns, self.keypoints = heatmaps.shape
        self.short, self.fwd, self.bwd = (offsets.astype(self.dtype) for offsets in (short, fwd, bwd))
        held: list[Person] = []
        for found, (row, column, keypoint) in enumerate(self.candidates()):
            if len(held) == self.max_poses:
                break
            root = self.step(self.short, keypoint, self.keypoints, np.array([row, column], self.dtype))
            if any(self.within(root, person.points[keypoint]) for person in held):
                continue
            person = self.walk(root, keypoint, found)
            if self.reaches(person.mean):
                held = self.admit(held, person)
        held.sort(key=lambda person: -person.kept)
        self.doubt_order([person.kept for person in held], held)
        count = len(held)
        points = np.array([person.points for person in held]).reshape(count, self.keypoints, 2)
        return People(
            points[:, :, ::-1] * self.stride_px,
            np.array([person.scores for person in held]).reshape(count, self.keypoints),
            np.array([person.kept for person in held]),
            self.doubt,
        )

    def candidates(self) -> list[tuple[int, int, int]]:
        """Cells over the threshold that no neighbour exceeds, best first, then by row, column, keypoint."""
        reach = self.local_maximum_radius
        found = []
        for row in range(self.rows):
            for column in range(self.columns):
                window = self.raw[
                    max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1
                ]
                for keypoint in range(self.keypoints):
                    value = self.raw[row, column, keypoint]
                    if np.isnan(value) or (window[:, :, keypoint] > value).any():
                        continue
                    score = sigmoid(value) if self.logits else float(value)
                    if 0 < self.root_threshold < 1:
                        self.doubt.compare(score, self.root_threshold, 1e4)
                    if score >= self.root_threshold:
                        found.append((-value, row, column, keypoint))
        return [cell[1:] for cell in sorted(found)]

    def clamp(self, point: np.ndarray) -> np.ndarray:
        return np.clip(point, 0, np.array([self.rows - 1, self.columns - 1], self.dtype)).astype(self.dtype)

    def within(self, a: np.ndarray, b: np.ndarray) -> bool:
        distance = float(np.hypot(*(a - b))) * self.stride_px
        if self.nms_radius_px > 0 or distance > 0:
            self.doubt.compare(distance, self.nms_radius_px)
        return distance <= self.nms_radius_px

    def reaches(self, score: float) -> bool:
        if score > 0 or self.pose_threshold > 0:
            self.doubt.compare(score, self.pose_threshold, 100)
        return score >= self.pose_threshold

    def walk(self, root: np.ndarray, keypoint: int, found: int) -> Person:
        """Keypoint after keypoint, the surest next, along the tree in both directions."""
        points = np.zeros((self.keypoints, 2), self.dtype)
        scores = np.full(self.keypoints, np.nan)
        queue = [(-self.score_at(root, keypoint), keypoint, root)]
        while queue:
            score, here, point = heapq.heappop(queue)
            if not np.isnan(scores[here]):
                continue
            points[here], scores[here] = point, -score
            for edge, (parent, child) in enumerate(self.edges):
                for start, end, displacement in ((parent, child, self.fwd), (child, parent, self.bwd)):
                    if start == here and np.isnan(scores[end]):
                        there = self.step(displacement, edge, len(self.edges), point)
                        for _ in range(self.refine_steps):
                            there = self.step(self.short, end, self.keypoints, there)
                        heapq.heappush(queue, (-self.score_at(there, end), end, there))
        return Person(points, scores, float(scores.mean()), found)

    def step(self, offsets: np.ndarray, channel: int, channels: int, point: np.ndarray) -> np.ndarray:
        point = self.read_at(point)
        vector = sample_vector(offsets[:, :, channel], offsets[:, :, channels + channel], point)
        return self.clamp(point + vector / self.dtype(self.stride_px))

    def score_at(self, point: np.ndarray, keypoint: int) -> float:
        return to_score(sample(self.heat[:, :, keypoint], self.read_at(point)), self.logits)

    def read_at(self, point: np.ndarray) -> np.ndarray:
        if self.sampling == "bilinear":
            return point
        for part in point:
            self.doubt.compare(part % 1, 0.5)
        return nearest(point)

    def admit(self, held: list[Person], person: Person) -> list[Person]:
        """The pool with `person` in it, if it survives those above it; without those that it drives out."""
        for other in held:
            if not np.array_equal(person.scores, other.scores):
                self.doubt.compare(person.mean, other.mean, 1e4)
        above = [other for other in held if other.mean >= person.mean]
        below = [other for other in held if other.mean < person.mean]
        person.kept = self.kept(person, above)
        if not self.reaches(person.kept):
            return held
        survivors = [*above, person]
        for other in below:
            other.kept = self.kept(other, survivors)
            if self.reaches(other.kept):
                survivors.append(other)
        return survivors

    def kept(self, person: Person, above: list[Person]) -> float:
        """The score over those keypoints that nobody above has."""
        if not self.rescore:
            return person.mean
        total = 0.0
        for keypoint in range(self.keypoints):
            taken = [self.within(person.points[keypoint], other.points[keypoint]) for other in above]
            total += 0.0 if any(taken) else person.scores[keypoint]
        return total / self.keypoints

    def doubt_order(self, kept: list[float], held: list[Person]) -> None:
        for first, second, a, b in zip(kept, kept[1:], held, held[1:], strict=False):
            if not np.array_equal(a.scores, b.scores):
                self.doubt.compare(first, second, 1e4)
