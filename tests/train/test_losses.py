"""The losses are what their formulas say, and know nothing of what nobody labelled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oracle import losses as oracle
from posecore.skeletons import COCO17
from posecore.train.losses import LimbPrior, MaskedBce, MaskedMse, OksLoss, SmoothL1, Together

SIGMAS = COCO17.sigmas or ()
SIZE = (96, 64)
PRIOR = LimbPrior(COCO17.limbs, COCO17.flip_pairs, apart=0.3, weight=1.0)


def heatmaps(unknown: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """(3, 4, 5, 6) truths and predictions; of the second picture keypoint 2 is unknown, of the third everything."""
    rng = np.random.default_rng(5)
    true = rng.random((3, 4, 5, 6), np.float32)
    true[rng.random(true.shape) < unknown] = np.nan
    true[1, :, :, 2] = np.nan
    true[2] = np.nan
    return true, rng.normal(0, 3, true.shape).astype(np.float32)


def coordinates(shift: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """(3, 17, 2) truths and predictions in [0, 1]; of the second five keypoints are known, of the third none."""
    rng = np.random.default_rng(7)
    true = rng.random((3, 17, 2), np.float32)
    true[1, 5:] = np.nan
    true[2] = np.nan
    predicted = np.nan_to_num(true, nan=0.5) + rng.normal(0, shift, true.shape).astype(np.float32)
    return true, predicted.astype(np.float32)


LOSSES = [
    (MaskedMse(), heatmaps),
    (MaskedMse(hardest=2), heatmaps),
    (MaskedMse(hardest=3), coordinates),
    (MaskedBce(weight=4.0), heatmaps),
    (MaskedBce(hardest=4), heatmaps),
    (SmoothL1(scale=8.0, beta=0.25), heatmaps),
    (OksLoss(SIGMAS, SIZE), coordinates),
    (PRIOR, coordinates),
    (Together((MaskedMse(), PRIOR)), coordinates),
]
EVERY = pytest.mark.parametrize(("loss", "pictures"), LOSSES, ids=lambda one: type(one).__name__)


def value_and_slope(loss: Any, true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf

    variable = tf.Variable(predicted)
    with tf.GradientTape() as tape:
        lost = loss(tf.constant(true), variable)
        total = tf.reduce_sum(lost)
    return np.asarray(lost), np.asarray(tape.gradient(total, variable))


def test_mean_squared_error_is_the_mean_over_what_is_known() -> None:
    true, predicted = heatmaps()
    wanted = [oracle.mean(oracle.squared, t, p) for t, p in zip(true, predicted, strict=True)]
    np.testing.assert_allclose(MaskedMse()(true, predicted), wanted, rtol=1e-5)
    assert wanted[2] == 0


def test_cross_entropy_is_that_of_the_sigmoid_of_logits() -> None:
    true, predicted = heatmaps()
    wanted = [4 * oracle.mean(oracle.cross_entropy, t, p) for t, p in zip(true, predicted, strict=True)]
    np.testing.assert_allclose(MaskedBce(weight=4.0)(true, predicted), wanted, rtol=1e-5)


@pytest.mark.parametrize("logit", [-1e4, -50.0, 0.0, 50.0, 1e4])
@pytest.mark.parametrize("true", [0.0, 0.25, 1.0])
def test_the_slope_of_cross_entropy_is_sigmoid_minus_truth_at_every_logit(logit: float, true: float) -> None:
    lost, slope = value_and_slope(
        MaskedBce(), np.full((1, 1), true, np.float32), np.full((1, 1), logit, np.float32)
    )
    assert np.isfinite(lost).all()
    sigmoid = 1 / (1 + np.exp(-np.clip(logit, -80, 80)))
    np.testing.assert_allclose(slope, [[sigmoid - true]], atol=1e-6)


@pytest.mark.parametrize(("scale", "beta"), [(1.0, 1.0), (8.0, 0.25), (32.0, 0.1)])
def test_smooth_l1_is_a_parabola_within_beta_and_lines_beyond(scale: float, beta: float) -> None:
    true, predicted = heatmaps()
    wanted = [oracle.mean(oracle.smooth_l1(beta, scale), t, p) for t, p in zip(true, predicted, strict=True)]
    np.testing.assert_allclose(SmoothL1(scale, beta)(true, predicted), wanted, rtol=1e-5)


@pytest.mark.parametrize("most", [1, 3, 6, 9])
def test_the_hardest_keypoints_of_each_picture_count_alone(most: int) -> None:
    true, predicted = heatmaps()
    each = oracle.cross_entropy
    wanted = [oracle.hardest(each, t, p, most, axis=-1) for t, p in zip(true, predicted, strict=True)]
    np.testing.assert_allclose(MaskedBce(hardest=most)(true, predicted), wanted, rtol=1e-5)
    points, near = coordinates()
    wanted = [oracle.hardest(oracle.squared, t, p, most, axis=0) for t, p in zip(points, near, strict=True)]
    np.testing.assert_allclose(MaskedMse(hardest=most)(points, near), wanted, rtol=1e-5)


@pytest.mark.parametrize("shift", [0.001, 0.02, 0.3])
def test_the_oks_loss_is_one_minus_oks(shift: float) -> None:
    true, predicted = coordinates(shift)
    wanted = [
        oracle.one_minus_oks(t, p, SIGMAS, SIZE, least_area=0.01)
        for t, p in zip(true, predicted, strict=True)
    ]
    np.testing.assert_allclose(OksLoss(SIGMAS, SIZE)(true, predicted), wanted, rtol=1e-4, atol=1e-6)


def test_the_oks_loss_is_one_minus_what_the_evaluator_says() -> None:
    from posecore import oks

    true, predicted = coordinates(0.02)
    pixels, area = np.array(SIZE, np.float64), None
    truths = np.concatenate([true[:1] * pixels, np.full((1, 17, 1), 2.0)], axis=2)
    sides = np.ptp(truths[0, :, :2], axis=0)
    area = np.array([0.53 * sides[0] * sides[1]])
    similarity = oks(predicted[:1] * pixels, truths, area, COCO17)[0, 0]
    np.testing.assert_allclose(OksLoss(SIGMAS, SIZE)(true, predicted)[0], 1 - similarity, rtol=1e-4)


def test_the_prior_is_what_lengths_and_close_pairs_say() -> None:
    true, predicted = coordinates(0.3)
    wanted = [
        oracle.limb_prior(t, p, COCO17.limbs, COCO17.flip_pairs, 0.3)
        for t, p in zip(true, predicted, strict=True)
    ]
    np.testing.assert_allclose(PRIOR(true, predicted), wanted, rtol=1e-4, atol=1e-6)
    assert wanted[0] > 0.01


def test_the_prior_does_not_mind_where_a_person_stands_and_loses_nothing_at_the_truth() -> None:
    true, _ = coordinates()
    true = true[:1]
    np.testing.assert_allclose(PRIOR(true, true), 0, atol=1e-6)
    np.testing.assert_allclose(PRIOR(true, true + 0.25), 0, atol=1e-6)
    fallen = true.copy()
    fallen[0, 15], fallen[0, 16] = true[0, 13], true[0, 13]  # both ankles on the left knee
    assert float(PRIOR(true, fallen)[0]) > 0.01


@EVERY
def test_what_is_unknown_has_no_slope_and_no_value(loss: Any, pictures: Any) -> None:
    true, predicted = pictures()
    lost, slope = value_and_slope(loss, true, predicted)
    assert np.isfinite(lost).all()
    assert np.isfinite(slope).all()
    assert (slope[np.isnan(true)] == 0).all()
    assert lost[2] == 0, "of the third picture nothing is known"
    assert (slope[0][~np.isnan(true[0])] != 0).any()
    elsewhere = np.where(np.isnan(true), predicted + 1e3, predicted).astype(np.float32)
    np.testing.assert_array_equal(value_and_slope(loss, true, elsewhere)[0], lost)


@EVERY
def test_nothing_known_is_no_loss_and_no_slope(loss: Any, pictures: Any) -> None:
    true, predicted = pictures()
    lost, slope = value_and_slope(loss, np.full_like(true, np.nan), predicted)
    assert (lost == 0).all()
    assert (slope == 0).all()


@EVERY
def test_the_loss_of_a_picture_does_not_depend_on_the_others_of_its_batch(loss: Any, pictures: Any) -> None:
    true, predicted = pictures()
    together = np.asarray(loss(true, predicted))
    alone = [np.asarray(loss(true[i : i + 1], predicted[i : i + 1]))[0] for i in range(len(true))]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


@EVERY
def test_keras_compiles_it_and_takes_the_mean_over_pictures(keras: Any, loss: Any, pictures: Any) -> None:
    true, predicted = pictures()
    model = keras.Sequential([keras.Input(predicted.shape[1:]), keras.layers.Identity()])
    model.compile(loss=loss)
    lost = model.evaluate(predicted, true, batch_size=3, verbose=0)
    np.testing.assert_allclose(lost, np.asarray(loss(true, predicted)).mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: MaskedMse(weight=-1.0), "weight: wanted a number from 0 to 1e+06, got -1.0"),
        (lambda: MaskedBce(hardest=0), "hardest: wanted a whole number from 1 to 65536, got 0"),
        (lambda: SmoothL1(scale=0.0), "scale: wanted a number from 1e-06 to 1e+06, got 0.0"),
        (lambda: LimbPrior(()), "limbs: wanted limbs or pairs, got neither"),
    ],
)
def test_wrong_options_get_one_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        make()
    assert str(caught.value) == sentence


def test_the_oks_loss_wants_one_sigma_over_0_for_each_keypoint() -> None:
    with pytest.raises(ValueError, match=r"sigmas: wanted .*, got 0"):
        OksLoss((0.1, 0.0), SIZE)
    true, predicted = coordinates(0.02)
    with pytest.raises(ValueError, match=r"^sigmas: wanted 17, one a keypoint, got 1$"):
        OksLoss((0.1,), SIZE)(true, predicted)
