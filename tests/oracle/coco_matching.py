"""COCO's keypoint evaluation, slow and obvious: object keypoint similarity, matching, and what is counted.

`truths` and `detections` are anything with the columns of posecore.evaluation's `Truths` and `Detections`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

EPSILON = np.spacing(1)


def object_keypoint_similarity(
    xy: np.ndarray,
    truth_xy: np.ndarray,
    labelled: np.ndarray,
    box: np.ndarray,
    area: float,
    sigmas: np.ndarray,
) -> float:
    """OKS of one detection (K, 2) with one truth; without labels, of its distance to the box grown threefold."""
    variances = (np.asarray(sigmas) * 2) ** 2
    if labelled.any():
        delta = (xy - truth_xy)[labelled]
        variances = variances[labelled]
    else:
        x, y, width, height = box
        least, most = np.array([x - width, y - height]), np.array([x + 2 * width, y + 2 * height])
        delta = np.maximum(0, least - xy) + np.maximum(0, xy - most)
    squares = delta[:, 0] ** 2 + delta[:, 1] ** 2
    exponents = squares / variances / (area + EPSILON) / 2
    return float(np.sum(np.exp(-exponents)) / len(exponents))


def match(
    truths,
    detections,
    *,
    sigmas,
    areas,
    thresholds,
    ranges,
    max_detections,
    truth_ignored=None,
    detection_ignored=None,
    detection_areas=None,
) -> SimpleNamespace:
    """Which truth each detection is matched with, for each area range and threshold, over rows of the columns.

    `detection_ignored` says which are not wrong where they match no one.
    """
    detection_areas = detections.areas if detection_areas is None else detection_areas
    no_labels = ~(truths.visibility > 0).any(axis=1)
    always = truths.is_crowd | no_labels
    if truth_ignored is not None:
        always = always | truth_ignored
    keys = sorted(set(zip(detections.category_ids.tolist(), detections.image_index.tolist(), strict=True)))
    evaluated = []
    for category, image in keys:
        rows = np.flatnonzero((detections.category_ids == category) & (detections.image_index == image))
        best = np.argsort(-detections.scores[rows], kind="stable")[:max_detections]
        evaluated.append((category, image, rows[best]))
    order = np.concatenate([rows for *_, rows in evaluated]) if evaluated else np.zeros(0, int)
    shape = (len(ranges), len(thresholds), len(order))
    result = SimpleNamespace(
        thresholds=np.asarray(thresholds, float),
        ranges=tuple(ranges),
        order=order.astype(np.int64),
        truth=np.full(shape, -1, np.int32),
        ignored=np.zeros(shape, bool),
        detection_of_truth=np.full((*shape[:2], len(truths.ids)), -1, np.int32),
        truth_ignored=np.array([always | (areas < least) | (areas > most) for _, least, most in ranges]),
    )
    at = 0
    for category, image, rows in evaluated:
        people = np.flatnonzero((truths.category_ids == category) & (truths.image_index == image))
        similarity = {
            (row, g): object_keypoint_similarity(
                detections.xy[row], truths.xy[g], truths.visibility[g] > 0, truths.boxes[g], areas[g], sigmas
            )
            for row in rows
            for g in people
        }
        for a, (_, least, most) in enumerate(ranges):
            ignored = result.truth_ignored[a]
            sorted_people = [*(g for g in people if not ignored[g]), *(g for g in people if ignored[g])]
            for t, threshold in enumerate(thresholds):
                for d, row in enumerate(rows):
                    held, best = -1, min(threshold, 1 - 1e-10)
                    for g in sorted_people:
                        if result.detection_of_truth[a, t, g] >= 0 and not truths.is_crowd[g]:
                            continue
                        if held >= 0 and not ignored[held] and ignored[g]:
                            break
                        if similarity[row, g] < best:
                            continue
                        held, best = g, similarity[row, g]
                    result.truth[a, t, at + d] = held
                    if held >= 0:
                        result.detection_of_truth[a, t, held] = row
                        result.ignored[a, t, at + d] = ignored[held]
                    else:
                        outside = not least <= detection_areas[row] <= most
                        left_out = detection_ignored is not None and detection_ignored[row]
                        result.ignored[a, t, at + d] = outside or left_out
        at += len(rows)
    return result


def accumulate(matches, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision (T, 101, A) at each recall, recall (T, A), and the scores there (T, 101, A), of one category."""
    ranges, thresholds, _ = matches.truth.shape
    recalls = np.linspace(0, 1, 101)
    precision = -np.ones((thresholds, 101, ranges))
    recall = -np.ones((thresholds, ranges))
    at_scores = -np.ones((thresholds, 101, ranges))
    ordered = scores[matches.order]
    by_score = np.argsort(-ordered, kind="stable")
    for a in range(ranges):
        positives = np.count_nonzero(~matches.truth_ignored[a])
        if positives == 0:
            continue
        for t in range(thresholds):
            matched = matches.truth[a, t, by_score] >= 0
            counted = ~matches.ignored[a, t, by_score]
            right = np.cumsum(matched & counted).astype(float)
            wrong = np.cumsum(~matched & counted).astype(float)
            found = right / positives
            share = right / (wrong + right + EPSILON)
            share = np.maximum.accumulate(share[::-1])[::-1]
            recall[t, a] = found[-1] if len(found) else 0
            at = np.searchsorted(found, recalls, side="left")
            inside = at < len(found)
            precision[t, :, a] = 0
            at_scores[t, :, a] = 0
            precision[t, inside, a] = share[at[inside]]
            at_scores[t, inside, a] = ordered[by_score][at[inside]]
    return precision, recall, at_scores
