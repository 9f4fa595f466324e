"""The edge between Python's bytes and the C++ reader."""

from __future__ import annotations

import pytest

from posecore import _core


def test_what_filling_raises_comes_out_and_the_window_is_let_go() -> None:
    views: list[memoryview] = []

    def fill(view: memoryview) -> int:
        views.append(view)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _core.read_coco_truths(fill, ["keypoints"])
    with pytest.raises(ValueError, match="released"):
        views[0][0]


@pytest.mark.parametrize("count", [-1, 2**21, 2**62])
def test_a_count_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"^wanted a number of bytes that fits, got {count}$"):
        _core.read_coco_results(lambda _: count, ["keypoints"], 17)


def test_bytes_may_come_one_by_one() -> None:
    left = list(b'[{"image_id": 3, "score": 1e-1, "keypoints": [1, 2.5, 0]}]')

    def fill(view: memoryview) -> int:
        view[: len(left[:1])] = bytes(left[:1])
        return 1 if left and left.pop(0) else 0

    section, image_ids, _, has_category, xy, _, scores, areas = _core.read_coco_results(
        fill, ["keypoints"], 1
    )
    assert (section, image_ids.tolist(), has_category.tolist()) == ("results", [3], [False])
    assert (xy.tolist(), scores.tolist(), str(areas[0])) == ([[[1, 2.5]]], [0.1], "nan")
    assert all(array.flags.aligned and array.flags.c_contiguous for array in (image_ids, xy, scores))
