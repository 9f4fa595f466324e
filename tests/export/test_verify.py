"""`verify` on runners whose answers are known: what is wrong with a model is found, and its head is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_people import NAMES, SIZE, TWO, KnownRunner, heads_of, quantised, reading

from posecore.errors import ModelError
from posecore.export.comparison import verify
from posecore.export.letterbox import letterboxed
from posecore.export.verification import Accuracy, Verification

PICTURES = [np.full((100, 150, 3), level, np.uint8) for level in (40, 160)]
TENSORS = heads_of(*TWO)
COORDINATES: dict[str, Any] = {
    "kind": "coordinates",
    "stride_px": 0.0,
    "scores": "probabilities",
    "names": {"keypoints": "keypoints"},
    "units": {"keypoints": "fraction"},
}


@pytest.fixture(autouse=True)
def _opencv(cv2: Any) -> None:
    """Pictures are resized with it."""


def compare(
    tensors: Mapping[str, np.ndarray], *, max_shift_px: float | None = None, **more: Any
) -> Verification:
    return verify(
        KnownRunner(TENSORS), KnownRunner(tensors, **more), pictures=PICTURES, max_shift_px=max_shift_px
    )


def moved(px: float, *tensors: str) -> dict[str, np.ndarray]:
    return {name: array + np.float32(px if name in tensors else 0) for name, array in TENSORS.items()}


NOISE = np.random.default_rng(0).integers(0, 256, (193, 257, 3), np.uint8)


class Unsteady(KnownRunner):
    """So many pixels right and down in every picture but `NOISE`."""

    def __init__(self, px: float) -> None:
        super().__init__(TENSORS)
        self._px = px

    def heads(self, picture: np.ndarray) -> Any:
        self._tensors = moved(0 if np.array_equal(picture, NOISE) else self._px, "short_offsets")
        return super().heads(picture)


def test_the_same_answers_are_good_and_nothing_moves() -> None:
    found = compare(TENSORS)
    assert found.ok
    assert found.worst_head is None
    assert found.shift_px == (0, 0, 0)
    assert (found.crowd.people, found.crowd.matched, len(found.crowd.shifts_px)) == (4, 4, 68)
    assert all(head.most == head.rms == 0 and not head.clipped for head in found.heads)


def test_shift_is_in_pixels_of_the_input() -> None:
    # All offsets 3 to the right and 4 down.
    down = np.concatenate([np.full((13, 17, 17), 4.0), np.full((13, 17, 17), 3.0)], axis=2)
    tensors = {**TENSORS, "short_offsets": (TENSORS["short_offsets"] + down).astype(np.float32)}
    found = compare(tensors, max_shift_px=24)
    assert found.ok
    assert found.shift_px == pytest.approx((5, 5, 5), abs=0.05)
    error = {head.tensor: head.median for head in found.heads}
    assert error == {"heatmaps": 0, "short_offsets": 3.5, "displacement_fwd": 0, "displacement_bwd": 0}


def test_the_head_that_did_it_is_named_by_what_the_file_calls_it() -> None:
    found = compare(moved(6, "short_offsets"))
    assert not found.ok
    assert found.worst_head == "offset_2"
    assert found.verdict == (
        "bad: keypoints move by 8.49 px in the median (up to 1 px will do) and 8.5 px at p95 (up to 4 px will do); "
        "offset_2 did it: with the float model's offset_2 all is well"
    )


def test_a_shift_of_everything_is_bad_though_no_keypoint_moves_far() -> None:
    found = compare(moved(2, "short_offsets"))
    assert (found.shift_px or (0, 99))[1] < found.max_shift_px
    assert found.verdict == (
        "bad: keypoints move by 2.83 px in the median (up to 1 px will do); offset_2 did it: with the float model's "
        "offset_2 all is well"
    )
    assert found.worst_head == "offset_2"


def test_a_few_that_move_far_are_bad_though_the_median_stays() -> None:
    offsets = TENSORS["short_offsets"].copy()
    for keypoint in (7, 8):  # of 17
        offsets[:, :, keypoint] += 6
    found = compare({**TENSORS, "short_offsets": offsets})
    assert (found.shift_px or (99,))[0] < 1
    assert found.verdict.startswith(
        "bad: keypoints move by 6.0 px at p95 (up to 4 px will do); offset_2 did it"
    )


@pytest.mark.parametrize(("px", "ok"), [(1.4, True), (1.45, False)])
def test_a_limit_that_is_given_allows_the_median_a_quarter(px: float, ok: bool) -> None:
    found = compare(moved(px, "short_offsets"), max_shift_px=8)
    assert (found.max_shift_px, found.max_median_px) == (8, 2)
    assert found.ok is ok
    limits = {name: found.as_dict()[name] for name in ("max_shift_px", "max_median_px")}
    assert limits == {"max_shift_px": 8, "max_median_px": 2}
    assert "up to      median   2.00 px, p95   8.00 px will do" in found.table()
    assert " at 193x257 (height x width)\n" in found.table()
    sentence = "(up to 2 px will do)"
    assert sentence in found.verdict


def test_two_heads_that_are_wrong_are_not_blamed_on_one() -> None:
    found = compare({**moved(6, "short_offsets"), "heatmaps": heads_of(TWO[0])["heatmaps"]})
    assert not found.ok
    assert found.worst_head in ("heatmap_2", "offset_2")
    assert found.verdict.endswith(
        f"{found.worst_head} did most of it, and no one head alone: more than one is wrong"
    )


def test_tensors_of_one_output_are_exchanged_together() -> None:
    # Everything is led to the other person.
    names = {**NAMES, "displacement_fwd": "mid", "displacement_bwd": "mid"}
    wrong = moved(110, "displacement_fwd", "displacement_bwd")
    found = compare(wrong, said=reading(names=names))
    assert found.worst_head == "mid"
    assert found.verdict.endswith("mid did it: with the float model's mid all is well")
    assert "mid (displacement_bwd)" in found.table()


def test_clipped_heatmaps_are_bad_though_everybody_is_found() -> None:
    quantization, codes = {}, {}
    for name, array in TENSORS.items():
        high = 2.0 if name == "heatmaps" else float(array.max()) + 1
        codes[name], quantization[name] = quantised(array, float(array.min()) - 1, high)
    found = compare(codes, quantization=quantization)
    assert found.crowd.lost == found.crowd.invented == 0
    assert (found.shift_px or (99,))[0] < 1
    assert not found.ok
    assert found.worst_head == "heatmap_2"
    assert "heatmap_2 is clipped at 58 % of where people are" in found.verdict
    clipped = {head.tensor: head.clipped_at_people for head in found.heads}
    beyond = TENSORS["heatmaps"] > 2.0 + 9 / 255
    sure = TENSORS["heatmaps"] > np.log(0.3 / 0.7)
    assert clipped.pop("heatmaps") == pytest.approx(beyond.sum() / sure.sum())
    assert set(clipped.values()) == {0}
    assert found.heads[0].span == pytest.approx((-7, 2), abs=0.05)


def test_eight_bits_with_the_right_ranges_are_good() -> None:
    quantization, codes = {}, {}
    for name, array in TENSORS.items():
        codes[name], quantization[name] = quantised(array, float(array.min()), float(array.max()))
    found = compare(codes, quantization=quantization)
    assert found.ok
    for head in found.heads:
        assert head.step is not None
        assert head.most is not None
        assert head.most <= head.step
        assert head.clipped == 0


def test_clipping_is_seen_in_floats_that_were_codes_inside_of_the_model() -> None:
    codes, one = quantised(TENSORS["heatmaps"], -7, 2)
    real = (codes.astype(np.float32) - one.zero_point) * np.float32(one.scale)
    found = compare({**TENSORS, "heatmaps": real}, said=reading(eight_bit=True))
    assert not found.ok
    assert (found.heads[0].clipped_at_people or 0) > 0.5


def test_floats_of_a_file_that_was_not_computed_in_8_bits_have_no_ends() -> None:
    # The same few values in a float file are what a network of few levels says, not codes.
    codes, one = quantised(TENSORS["heatmaps"], -7, 2)
    real = (codes.astype(np.float32) - one.zero_point) * np.float32(one.scale)
    found = compare({**TENSORS, "heatmaps": real})
    assert [(head.clipped, head.saturated, head.span, head.step) for head in found.heads] == [(None,) * 4] * 4
    assert "%" not in found.table()


@pytest.mark.parametrize("eight_bit", [False, True])
def test_the_few_values_of_a_regressor_are_not_taken_for_codes(eight_bit: bool) -> None:
    # All say a little less far out, and two are next to each other, which is no step of codes.
    said = reading(eight_bit=eight_bit, **COORDINATES)
    right = (TWO[0] + 0.5) / np.array(SIZE, np.float32)
    wrong = right - np.sign(right - 0.5) * np.float32(0.04 / SIZE[0])
    wrong[1, 0] = right[1, 0] = wrong[0, 0] + np.float32(1e-6)
    found = verify(
        KnownRunner({"keypoints": right}, said=said),
        KnownRunner({"keypoints": wrong}, said=said),
        pictures=PICTURES[:1],
    )
    assert found.ok, found.verdict
    assert (found.shift_px or (0, 0, 99))[2] < 0.1
    (head,) = found.heads
    assert (head.clipped_at_people, head.step) == (None, None)


def test_half_precision_has_no_ends_and_so_is_not_clipped() -> None:
    rng = np.random.default_rng(0)
    noisy = {
        name: (array + rng.normal(0, 0.01, array.shape)).astype(np.float32) for name, array in TENSORS.items()
    }
    found = compare(noisy)
    assert found.ok
    assert [head.clipped for head in found.heads] == [None] * 4


def test_lost_people_are_a_fault_even_where_nobody_else_moves() -> None:
    found = compare(heads_of(TWO[0]))
    assert not found.ok
    assert found.verdict.startswith("bad: 2 of 4 people lost, 0 invented")
    assert found.shift_px == pytest.approx((0, 0, 0), abs=0.01)


def test_invented_people_are_a_fault() -> None:
    found = verify(KnownRunner(heads_of(TWO[0])), KnownRunner(TENSORS), pictures=PICTURES)
    assert found.verdict.startswith("bad: 0 of 2 people lost, 2 invented")


def test_a_model_that_finds_nobody_is_not_a_model_that_moves_nothing() -> None:
    found = compare({**TENSORS, "heatmaps": np.full_like(TENSORS["heatmaps"], -6)})
    assert not found.ok
    assert found.shift_px is None
    assert found.verdict.startswith("bad: 4 of 4 people lost")
    assert found.worst_head == "heatmap_2"


def test_pictures_without_people_judge_nothing() -> None:
    nobody = heads_of()
    found = verify(KnownRunner(nobody), KnownRunner(nobody), pictures=PICTURES)
    assert not found.ok
    assert (found.worst_head, found.shift_px, found.examples) == (None, None, ())
    assert found.verdict == (
        "could not be judged: the float model finds a person (score 0.3 or more) in none of 2 pictures; show it "
        "pictures with people"
    )


def test_twice_as_far_as_the_float_model_moves_by_itself_is_allowed_unless_a_number_is_given() -> None:
    exported = KnownRunner(moved(5, "short_offsets"))
    loose = verify(Unsteady(4), exported, pictures=[NOISE])
    assert loose.own_shift_px == pytest.approx((4 * 2**0.5,) * 3, abs=0.1)
    assert loose.max_shift_px == pytest.approx(8 * 2**0.5, abs=0.2)
    assert loose.max_median_px == pytest.approx(8 * 2**0.5, abs=0.2)
    assert loose.ok
    strict = verify(Unsteady(4), exported, pictures=[NOISE], max_shift_px=4)
    assert strict.own_shift_px == loose.own_shift_px
    assert not strict.ok
    steady = verify(KnownRunner(TENSORS), exported, pictures=[NOISE])
    assert (steady.max_shift_px, steady.max_median_px, steady.ok) == (4, 1, False)


def test_an_unsteady_float_model_allows_no_more_than_a_cell() -> None:
    found = verify(Unsteady(14), KnownRunner(moved(13, "short_offsets")), pictures=[NOISE])
    assert (found.own_shift_px or (0, 0))[1] > 19
    assert found.max_shift_px == 16
    assert not found.ok
    assert "px at p95 (up to 16 px will do)" in found.verdict


def test_coordinates_are_compared_as_one_person() -> None:
    said = reading(**COORDINATES)
    right = (TWO[0] + 0.5) / np.array(SIZE, np.float32)
    wrong = right + np.array((10 / SIZE[0], 0), np.float32)
    found = verify(
        KnownRunner({"keypoints": right}, said=said),
        KnownRunner({"keypoints": wrong}, said=said),
        pictures=PICTURES,
    )
    assert found.shift_px == pytest.approx((10, 10, 10), abs=1e-3)
    assert found.worst_head == "keypoints"
    assert found.verdict.endswith("it has one head, keypoints")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"stride_px": 8.0}, "with stride_px 16.0, got 8.0"),
        ({"scores": "probabilities"}, "with scores logits, got probabilities"),
        ({"input_size": (193, 257)}, "with input_size .*, got"),
        (
            {"skeleton": replace(reading().skeleton, edges=reading().skeleton.edges[::-1])},
            "the edges of coco17",
        ),
    ],
)
def test_a_file_of_another_model_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        compare(TENSORS, said=reading(**changed))


def test_heads_of_another_grid_are_refused() -> None:
    smaller = {name: array[:-1] for name, array in TENSORS.items()}
    with pytest.raises(ModelError, match=r"heatmaps: wanted heads of the float model's shape \(13, 17, 17\)"):
        compare(smaller)


@pytest.mark.parametrize(
    ("pictures", "error", "sentence"),
    [
        ([], ValueError, "pictures: wanted at least one picture with people in it, got none"),
        ("folder", TypeError, r"pictures: wanted uint8 arrays of shape \(H, W, 3\), got str"),
        ([np.zeros((4, 4, 3))], TypeError, "pictures: picture 1: wanted a uint8 .*, got dtype float64"),
        (
            {"a.png": np.zeros((4, 4), np.uint8)},
            ValueError,
            r"pictures: a\.png: wanted a uint8 .*, got shape",
        ),
    ],
)
def test_pictures_have_to_be_pictures(pictures: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        verify(KnownRunner(TENSORS), KnownRunner(TENSORS), pictures=pictures)


@pytest.mark.parametrize("limit", [-1, 1001, float("nan"), "4"])
def test_the_limit_is_a_number_of_pixels(limit: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="max_shift_px: wanted a number from 0 to 1000"):
        compare(TENSORS, max_shift_px=limit)


def test_a_file_has_to_be_there_with_its_description(tmp_path: Path) -> None:
    missing = tmp_path / "no.tflite"
    with pytest.raises(ModelError, match="does not exist"):
        verify(KnownRunner(TENSORS), missing, pictures=PICTURES)
    missing.write_bytes(b"TFL3")
    with pytest.raises(ModelError, match=r"without its description \(no\.tflite\.json\)"):
        verify(KnownRunner(TENSORS), missing, pictures=PICTURES)


def test_the_report_is_json_and_the_table_fits_a_terminal() -> None:
    for tensors in (TENSORS, moved(6, "short_offsets"), heads_of()):
        found = compare(tensors)
        text = json.dumps(found.as_dict(), allow_nan=False)
        assert json.loads(text)["ok"] is found.ok
        table = found.table().splitlines()
        assert max(map(len, table)) <= 100
        assert " ".join(table).endswith(found.verdict)


def test_accuracy_joins_table_and_report() -> None:
    found = compare(TENSORS).with_accuracy(Accuracy(0.2, 0.15, 119, -0.07, -0.03))
    assert (
        "AP on 119 labelled pictures: float 0.200, exported 0.150, difference -0.050  [-0.070, -0.030]"
        in found.table()
    )
    assert found.as_dict()["accuracy"]["difference"] == pytest.approx(-0.05)


def test_pictures_are_named_and_the_worst_comes_first() -> None:
    wrong = np.full((193, 257, 3), 200, np.uint8)

    class Sometimes(KnownRunner):
        def heads(self, picture: np.ndarray) -> Any:
            self._tensors = moved(9 if np.array_equal(picture, wrong) else 1, "short_offsets")
            return super().heads(picture)

    pictures = {"a.png": PICTURES[0], "b.png": wrong, "c.png": PICTURES[1]}
    found = verify(KnownRunner(TENSORS), Sometimes(TENSORS), pictures=pictures)
    assert [example.name for example in found.examples] == ["b.png", "c.png"]
    assert found.examples[0].shift_px == pytest.approx(9 * 2**0.5, abs=0.1)


def test_pictures_are_letterboxed_with_grey_around() -> None:
    picture = letterboxed(np.full((100, 100, 3), 9, np.uint8), SIZE, "a")
    assert picture.shape == (193, 257, 3)
    assert set(np.unique(picture[:, 33:225])) == {9}
    assert set(np.unique(picture[:, :32])) == set(np.unique(picture[:, 225:])) == {127}
