"""The 27 small sets on which evaluators disagree, fail, or are easily got wrong."""

from __future__ import annotations

from dataclasses import dataclass

from standing_people import Record, annotation, result, truth

# A set of people who are all found has a precision of 1, of which 1 / (1 + spacing) is the first point of each curve:
# the mean of 101 and of 10 x 101 of those, as NumPy sums them.
AP, AP50 = 0.9999999999999998, 0.9999999999999999
ALL_FOUND = (AP, AP50, AP50, AP, -1, 1, 1, 1, 1, -1)
HALF = (0.5, 0.5, 0.5, 0.5, -1, 1, 1, 1, 1, -1)
NOTHING_FOUND = (0, 0, 0, 0, -1, 0, 0, 0, 0, -1)
NOBODY_TO_FIND = (-1,) * 10


@dataclass(frozen=True)
class EdgeSet:
    """Annotations, results, and the ten numbers that are right or the pattern of the sentence that refuses them.

    `peers_err` says in what pycocotools 2.0.11 differs.
    """

    truth: Record
    results: list[Record]
    right: tuple[float, ...] | str
    peers_err: str = ""


def _nan_result() -> Record:
    record = result(0.9)
    record["keypoints"][3 * 3] = float("nan")
    return record


def _zeroed_result() -> Record:
    """The five keypoints of the face at (0, 0), as some networks write what they did not find."""
    record = result(0.95, box=(400, 300, 20, 30))
    record["keypoints"][: 3 * 5] = [0.0, 0.0, 1.0] * 5
    return record


_SMALL_BOXES = ((300, 60, 60, 150), (350, 60, 60, 150), (380, 90, 60, 150))
_IN_THE_CROWD = [
    *(result(score, box=box) for score, box in zip((0.95, 0.94, 0.93), _SMALL_BOXES, strict=True)),
    result(0.5),
]
_NOBODY = {"labelled": (), "box": (400, 100, 60, 200)}
_GROUP = {"labelled": (), "box": (300, 50, 150, 300), "area": 30000.0}

EDGE_SETS = {
    "perfect": EdgeSet(truth(annotation()), [result()], ALL_FOUND),
    # OKS .859: right at the eight thresholds up to .85.
    "shift5px": EdgeSet(
        truth(annotation()),
        [result(box=(105, 100, 100, 200))],
        (0.7999999999999999, AP50, AP50, 0.7999999999999999, -1, 0.8, 1, 1, 0.8, -1),
    ),
    # The mean is over the eight labelled keypoints alone.
    "half_visible": EdgeSet(
        truth(annotation(labelled=range(1, 17, 2))),
        [result(box=(105, 103, 100, 200))],
        (0.6999999999999998, AP50, AP50, 0.6999999999999998, -1, 0.7, 1, 1, 0.7, -1),
    ),
    # Both of the wrong ones are near the box of somebody without labels, who takes one; the other comes last.
    "zero_visible_gt_matches_and_is_ignored": EdgeSet(
        truth(annotation(), annotation(2, **_NOBODY)),
        [result(), result(0.8, box=(400, 120, 60, 150)), result(0.7, box=(300, 0, 200, 400))],
        ALL_FOUND,
    ),
    "zero_visible_outside_double_box": EdgeSet(
        truth(annotation(), annotation(2, **_NOBODY)),
        [result(0.3), result(0.8, box=(560, 100, 60, 200))],
        HALF,
    ),
    "crowd_absorbs_many": EdgeSet(
        truth(annotation(), annotation(2, crowd=1, **_GROUP)), _IN_THE_CROWD, ALL_FOUND
    ),
    # Two of the three are wrong, and better than the right one.
    "zero_visible_noncrowd_absorbs_one_only": EdgeSet(
        truth(annotation(), annotation(2, **_GROUP)),
        _IN_THE_CROWD,
        (0.3333333333333333, 0.3333333333333334, 0.3333333333333334, 0.3333333333333333, -1, 1, 1, 1, 1, -1),
    ),
    # After everybody is found, what is wrong costs nothing.
    "duplicate_detection_is_fp": EdgeSet(
        truth(annotation()), [result(0.9, box=(102, 100, 100, 200)), result(0.8)], ALL_FOUND
    ),
    # Equal scores: image 1 before image 2, whatever the order of the file; in an image the order of the file.
    "score_tie_across_images": EdgeSet(
        truth(annotation(), annotation(2, 2)),
        [result(0.5, 2), result(0.5, 1, box=(400, 100, 100, 200)), result(0.5, 1)],
        (0.6666666666666666, 0.6666666666666669, 0.6666666666666669, 1, -1, 1, 1, 1, 1, -1),
    ),
    "score_tie_within_image_input_order": EdgeSet(
        truth(annotation()),
        [result(0.5, box=(106, 100, 100, 200)), result(0.5)],
        (0.85, AP50, AP50, AP, -1, 1, 1, 1, 1, -1),
    ),
    # 51 of the 101 levels of recall are reached.
    "oks_tie_two_gts_last_wins": EdgeSet(
        truth(annotation(), annotation(2)),
        [result()],
        (0.5049504950495048,) * 4 + (-1,) + (0.5,) * 4 + (-1,),
    ),
    "prefer_regular_over_better_ignored": EdgeSet(
        truth(annotation(), annotation(2, labelled=(), box=(90, 90, 120, 220))),
        [result(box=(106, 104, 100, 200))],
        (0.5999999999999999, AP50, AP50, 0.5999999999999999, -1, 0.6, 1, 1, 0.6, -1),
    ),
    # 1024 and 9216 are medium, 9216 is large too, 1023.999 is neither.
    "area_medium_boundaries": EdgeSet(
        truth(annotation(1, 1, area=1024.0), annotation(2, 2, area=9216.0), annotation(3, 3, area=1023.999)),
        [result(0.9, 1), result(0.8, 2), result(0.7, 3)],
        (1, 1, 1, 1, AP, 1, 1, 1, 1, 1),
    ),
    "small_unmatched_det_ignored_in_ranges": EdgeSet(
        truth(annotation()),
        [result(0.95, box=(10, 10, 20, 30)), result(0.9)],
        (0.5, 0.5, 0.5, AP, -1, 1, 1, 1, 1, -1),
    ),
    # The same small person with its face at (0, 0) is large.
    "missing_kpts_as_zero_inflate_dt_area": EdgeSet(
        truth(annotation(area=5000.0)),
        [_zeroed_result(), result(0.9)],
        (0.5, 0.5, 0.5, AP, -1, 1, 1, 1, 1, -1),
    ),
    # The right one is the 21st.
    "more_than_20": EdgeSet(
        truth(annotation()),
        [*(result(0.9 - 0.01 * n, box=(300 + n, 100, 100, 200)) for n in range(20)), result(0.1)],
        NOTHING_FOUND,
    ),
    "ann_id_zero": EdgeSet(
        truth(annotation(0)), [result()], ALL_FOUND, peers_err="takes the id 0 for no match: all numbers 0"
    ),
    "num_keypoints_field_disagrees_0": EdgeSet(
        truth(annotation(1, 1, num_keypoints=0), annotation(2, 2)),
        [result(0.9, 1), result(0.8, 2)],
        (1, 1, 1, 1, -1, 1, 1, 1, 1, -1),
        peers_err="believes num_keypoints and ignores somebody with 17 labels",
    ),
    "num_keypoints_field_disagrees_17_but_v0": EdgeSet(
        truth(annotation(labelled=(), num_keypoints=17)),
        [result()],
        NOBODY_TO_FIND,
        peers_err="believes num_keypoints and wants somebody without labels to be found",
    ),
    "dets_only_no_gt_image": EdgeSet(
        truth(annotation()), [result(0.95, 2), result(0.9)], (0.5, 0.5, 0.5, AP, -1, 1, 1, 1, 1, -1)
    ),
    "no_positive_gt": EdgeSet(truth(annotation(labelled=())), [result()], NOBODY_TO_FIND),
    "zero_area_gt": EdgeSet(
        truth(annotation(area=0.0)), [result()], (AP, AP50, AP50, -1, -1, 1, 1, 1, -1, -1)
    ),
    "zero_area_gt_shift": EdgeSet(
        truth(annotation(area=0.0)),
        [result(box=(100.001, 100, 100, 200))],
        (0, 0, 0, -1, -1, 0, 0, 0, -1, -1),
    ),
    "dt_unknown_image": EdgeSet(
        truth(annotation()), [result(image=99)], r"\b0\b.*\bimage_id\b.*\b99\b", peers_err="AssertionError"
    ),
    "empty_results": EdgeSet(truth(annotation()), [], NOTHING_FOUND, peers_err="IndexError"),
    # v = 3 is labelled as 1 and 2 are.
    "v3_flag": EdgeSet(
        truth(annotation(v=3)),
        [result(box=(105, 103, 100, 200))],
        (0.6999999999999998, AP50, AP50, 0.6999999999999998, -1, 0.7, 1, 1, 0.7, -1),
    ),
    "nan_keypoint_in_dt": EdgeSet(
        truth(annotation()),
        [_nan_result(), result(0.8)],
        r"\b0\b.*(?i:nan).*\bkeypoint 3\b",
        peers_err="takes NaN for a perfect match",
    ),
}
