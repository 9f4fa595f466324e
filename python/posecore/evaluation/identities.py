"""Identities: how well tracks keep to their people, from pairs that were matched frame by frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from posecore.arguments import listed
from posecore.errors import require

Frames = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Identities:
    """What became of the identities.

    Attributes:
        switches: times that a person is matched to another track than at the match before, however long ago.
        fragmentations: times that a person who is there is lost after a match and is found again later, by whichever
            track.
        matches: matched pairs over all frames.
        idf1: 2 IDTP / (true + predicted people over all frames) in [0, 1]; None where these were not given.
        switch_frames: the frame and the true id of each switch, in order.
        convention: one sentence.
    """

    switches: int
    fragmentations: int
    matches: int
    idf1: float | None
    switch_frames: tuple[tuple[int, int], ...]
    convention: str

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and text for JSON; IDF1 is None where it was not measured."""
        return {
            "convention": self.convention,
            "switches": self.switches,
            "fragmentations": self.fragmentations,
            "matches": self.matches,
            "idf1": None if self.idf1 is None or math.isnan(self.idf1) else self.idf1,
            "switch_frames": [list(switch) for switch in self.switch_frames],
        }

    def __str__(self) -> str:
        idf1 = "" if self.idf1 is None else f", IDF1 {100 * self.idf1:.2f} %"
        return (
            f"{self.switches} switches, {self.fragmentations} fragmentations in {self.matches} matches{idf1}\n"
            f"{self.convention}"
        )


def identities(
    pairs: Frames, *, truth_ids: Frames | None = None, predicted_ids: Frames | None = None
) -> Identities:
    """Switches, fragmentations and, where everybody is given, IDF1.

    Args:
        pairs: for each frame its matched pairs (truth id, predicted id), by OKS or distance as the caller pleases; in a
            frame no id is in two pairs.
        truth_ids: for each frame the ids of all people that are there. Where it is left out, a person counts as there
            in every frame.
        predicted_ids: for each frame the ids of all predicted people. IDF1 needs both.

    Raises:
        TypeError, ValueError: ids that are no whole numbers, an id twice in a frame, a matched id that is not among
            its frame's ids, other numbers of frames.
        MissingExtra: IDF1 is wanted, and SciPy is not installed.
    """
    matched = [
        _pairs(frame, number) for number, frame in enumerate(listed(pairs, "pairs", "wanted a list a frame"))
    ]
    there = _ids(truth_ids, "truth_ids", [set(frame) for frame in matched])
    predicted = _ids(predicted_ids, "predicted_ids", [set(frame.values()) for frame in matched])
    last: dict[int, int] = {}
    lost: set[int] = set()
    switched, fragmentations = [], 0
    for number, frame in enumerate(matched):
        for person, track in frame.items():
            if last.setdefault(person, track) != track:
                switched.append((number, person))
                last[person] = track
        fragmentations += len(lost & frame.keys())
        lost -= frame.keys()
        lost |= (last.keys() if there is None else last.keys() & there[number]) - frame.keys()
    idf1 = None
    if there is not None and predicted is not None:
        people = sum(map(len, there)) + sum(map(len, predicted))
        idf1 = 2 * _identity_matches(matched) / people if people else math.nan
    given = "in the frames where the person is" if there is not None else "in any frames, present or not"
    return Identities(
        len(switched),
        fragmentations,
        sum(map(len, matched)),
        idf1,
        tuple(switched),
        "identities: a switch is a match to another track than the person's last one, also after a gap; "
        f"a fragmentation is a gap between matches {given}; IDTP is the largest number of the given matches that "
        "one-to-one identities explain.",
    )


def _identity_matches(matched: list[dict[int, int]]) -> int:
    """IDTP: the best one-to-one assignment of tracks to people by the number of frames they are matched in."""
    people = sorted({person for frame in matched for person in frame})
    tracks = sorted({track for frame in matched for track in frame.values()})
    row, column = ({identity: n for n, identity in enumerate(ids)} for ids in (people, tracks))
    together = np.zeros((len(people), len(tracks)), np.int64)
    for frame in matched:
        for person, track in frame.items():
            together[row[person], column[track]] += 1
    optimize = require("scipy.optimize", extra="eval", purpose="IDF1")
    rows, columns = optimize.linear_sum_assignment(together, maximize=True)
    return int(together[rows, columns].sum())


def _pairs(frame: object, number: int) -> dict[int, int]:
    if isinstance(frame, np.ndarray):
        frame = frame.tolist()
    found: dict[int, int] = {}
    for match in listed(frame, "pairs", f"frame {number} wants pairs (truth id, predicted id)"):
        ends = tuple(match) if isinstance(match, (tuple, list)) else ()
        if len(ends) != 2 or not all(map(_is_id, ends)):
            raise TypeError(f"pairs: frame {number} wants pairs of whole numbers, got {match!r}")
        if int(ends[0]) in found or int(ends[1]) in found.values():
            raise ValueError(f"pairs: frame {number} wants each id in one pair, got {match!r} as another")
        found[int(ends[0])] = int(ends[1])
    return found


def _ids(frames: Frames | None, name: str, matched: list[set[int]]) -> list[set[int]] | None:
    if frames is None:
        return None
    rows = listed(frames, name, "wanted a list a frame")
    if len(rows) != len(matched):
        raise ValueError(f"{name}: wanted {len(matched)} frames, as pairs has, got {len(rows)}")
    found = []
    for number, frame in enumerate(rows):
        ids = listed(
            frame.tolist() if isinstance(frame, np.ndarray) else frame, name, f"frame {number} wants ids"
        )
        if not all(map(_is_id, ids)):
            raise TypeError(f"{name}: frame {number} wants whole numbers, got {ids!r}")
        if len(set(ids)) != len(ids):
            raise ValueError(f"{name}: frame {number} wants different ids, got one twice")
        found.append({int(identity) for identity in ids})
        if not matched[number] <= found[-1]:
            strange = min(matched[number] - found[-1])
            raise ValueError(f"{name}: frame {number} wants every matched id, got none that is {strange}")
    return found


def _is_id(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
