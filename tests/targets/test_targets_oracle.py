"""The kernels against their slow twins, on arbitrary pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled import FIVE, NO_EDGES, ONE, encoded, pictures

import oracle.targets as oracle
from posecore import Skeleton
from posecore.train.targets import CoordinateTargets, GaussianTargets, PersonLabTargets

SKELETONS = pytest.mark.parametrize("skeleton", [FIVE, NO_EDGES, ONE], ids=lambda s: s.name)
STRIDES = st.sampled_from([1, 2, 3, 8, 16, 32, 200])


@SKELETONS
@given(data=st.data())
def test_discs_are_the_oracles_to_the_last_bit(skeleton: Skeleton, data: st.DataObject) -> None:
    picture = data.draw(pictures(skeleton.num_keypoints))
    stride = data.draw(STRIDES.filter(lambda px: max(picture.size) < 40 * px))
    radius = data.draw(st.sampled_from([0.0, 5.0, 17.5, 32.0]))
    margin = data.draw(st.sampled_from([0.0, 0.1, 1.0]))
    targets = PersonLabTargets(skeleton, stride, radius, margin)
    found = encoded(targets, picture)
    wanted = oracle.disc_targets(picture, skeleton.edges, stride, max(radius, 1.5 * stride), margin)
    names = ["heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2"]
    assert list(found) == names[: 4 if skeleton.edges else 2]
    for name, array in zip(names, wanted, strict=True):
        if name in found:
            assert found[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], array.astype(np.float32), name)


@SKELETONS
@given(data=st.data())
def test_gaussians_are_the_oracles_to_one_spacing_of_float32(skeleton: Skeleton, data: st.DataObject) -> None:
    picture = data.draw(pictures(skeleton.num_keypoints))
    stride = data.draw(STRIDES.filter(lambda px: max(picture.size) < 40 * px))
    sigma = data.draw(st.sampled_from([0.5, 2.0, 7.3, 40.0]))
    shift = data.draw(st.sampled_from([0.0, 3.5, -1.0]))
    background, margin = data.draw(st.booleans()), data.draw(st.sampled_from([0.0, 0.1, 1.0]))
    targets = GaussianTargets(skeleton, stride, sigma, background, shift, margin)
    (found,) = encoded(targets, picture).values()
    wanted = oracle.gaussian_targets(picture, stride, sigma, shift, background, margin).astype(np.float32)
    assert found.dtype == np.float32
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_array_equal(found == 0, wanted == 0)
    known = ~np.isnan(found)
    np.testing.assert_array_max_ulp(found[known], wanted[known], 1)


@given(picture=pictures(5))
def test_coordinates_are_the_oracles_to_the_last_bit(picture: oracle.Labels) -> None:
    found = encoded(CoordinateTargets(FIVE), picture)["keypoints"]
    np.testing.assert_array_equal(found, oracle.coordinate_targets(picture).astype(np.float32))
