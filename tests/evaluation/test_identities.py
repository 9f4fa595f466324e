"""Identities: switches, fragmentations, IDF1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.tracks import identities as slow_identities
from posecore.evaluation.identities import identities


def test_a_track_that_keeps_to_its_person():
    found = identities([[(1, 10)]] * 5)
    assert (found.switches, found.fragmentations, found.matches, found.idf1) == (0, 0, 5, None)


def test_two_people_exchange_their_tracks():
    found = identities([[(1, 10), (2, 20)]] * 3 + [[(1, 20), (2, 10)]] * 2)
    assert found.switches == 2
    assert found.switch_frames == ((3, 1), (3, 2))
    assert found.fragmentations == 0


def test_a_switch_is_seen_across_a_gap_and_a_gap_is_a_fragmentation():
    found = identities([[(1, 10)], [], [(1, 11)], [], [], [(1, 11)], []])
    assert (found.switches, found.fragmentations) == (1, 2)
    assert found.switch_frames == ((2, 1),)


def test_a_person_who_is_away_is_not_lost():
    pairs = [[(1, 10)], [], [(1, 10)]]
    assert identities(pairs).fragmentations == 1
    assert identities(pairs, truth_ids=[[1], [], [1]]).fragmentations == 0
    assert identities(pairs, truth_ids=[[1], [1], [1]]).fragmentations == 1


def test_idf1_by_hand():
    pytest.importorskip("scipy")
    # Person 1 has track 10 in three frames and track 11 in two; one false track, one missed frame.
    pairs = [[(1, 10)]] * 3 + [[(1, 11)]] * 2 + [[]]
    found = identities(pairs, truth_ids=[[1]] * 6, predicted_ids=[[10]] * 3 + [[11]] * 2 + [[99]])
    assert found.idf1 == 2 * 3 / (6 + 6)
    assert "IDF1 50.00 %" in str(found)
    assert math.isnan(identities([[]], truth_ids=[[]], predicted_ids=[[]]).idf1)


def test_arrays_are_taken_too():
    found = identities(
        [np.array([[1, 10], [2, 20]]), np.zeros((0, 2), np.int64)], truth_ids=[np.array([1, 2]), [1]]
    )
    assert found.matches == 2


@st.composite
def sequences(draw):
    pairs, there = [], []
    for _ in range(draw(st.integers(0, 8))):
        present = draw(st.sets(st.integers(0, 2)))
        tracks = draw(st.permutations([10, 11, 12]))
        found = [person for person in sorted(present) if draw(st.booleans())]
        pairs.append(list(zip(found, tracks, strict=False)))
        there.append(present)
    return pairs, there


@given(sequences())
def test_they_are_those_of_following_each_person(sequence):
    pytest.importorskip("scipy")
    pairs, there = sequence
    predicted = [{track for _, track in frame} for frame in pairs]
    found = identities(pairs, truth_ids=[*map(list, there)], predicted_ids=[*map(list, predicted)])
    switches, fragmentations, explained = slow_identities(pairs, there)
    assert (found.switches, found.fragmentations) == (switches, fragmentations)
    people = sum(map(len, there)) + sum(map(len, predicted))
    assert found.idf1 == pytest.approx(2 * explained / people if people else math.nan, nan_ok=True)


@given(sequences(), st.permutations([10, 11, 12]))
def test_the_names_of_tracks_do_not_matter(sequence, names):
    pairs, _ = sequence
    renamed = [[(person, names[track - 10]) for person, track in frame] for frame in pairs]
    assert identities(renamed).switch_frames == identities(pairs).switch_frames


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ([[(1, 2, 3)]], {}, r"pairs: frame 0 wants pairs of whole numbers, got \(1, 2, 3\)"),
        ([[], [(1, "a")]], {}, "pairs: frame 1 wants pairs of whole numbers"),
        ([[(1, 10), (1, 11)]], {}, "pairs: frame 0 wants each id in one pair"),
        ([[(1, 10), (2, 10)]], {}, "pairs: frame 0 wants each id in one pair"),
        ([5], {}, "pairs: frame 0 wants pairs"),
        (5, {}, "pairs: wanted a list a frame, got 5"),
        ([[(1, 10)]], {"truth_ids": []}, "truth_ids: wanted 1 frames, as pairs has, got 0"),
        ([[(1, 10)]], {"truth_ids": [[2]]}, "truth_ids: frame 0 wants every matched id, got none that is 1"),
        ([[(1, 10)]], {"predicted_ids": [[10, 10]]}, "predicted_ids: frame 0 wants different ids"),
        ([[(1, 10)]], {"predicted_ids": [[1.5]]}, "predicted_ids: frame 0 wants whole numbers"),
    ],
)
def test_wrong_arguments_get_a_sentence(arguments, options, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        identities(arguments, **options)
