"""A verification as lines of text, 100 columns at most."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from posecore.export.verify_people import SURE_SCORE
from posecore.printable import printable

if TYPE_CHECKING:
    from posecore.export.runners import Cost
    from posecore.export.verification import Verification
    from posecore.export.verify_heads import HeadReport

COLUMNS = 100
_NONE = "-"
_MOST_NAME = 34


def as_text(found: Verification) -> str:
    """People, keypoints, heads, cost, accuracy where there were labels, and the verdict."""
    width, height = found.input_size
    pictures = f"{found.pictures} picture{'' if found.pictures == 1 else 's'}"
    lines = [
        _cut(f"{printable(found.file)} against the float model"),
        f"{pictures} at {height}x{width} (height x width)",
        "",
        *_people(found),
        "",
        *_heads(found.heads),
        "",
        *_costs(found),
    ]
    if found.accuracy is not None:
        one = found.accuracy
        span = "" if one.low is None or one.high is None else f"  [{one.low:+.3f}, {one.high:+.3f}]"
        lines += [
            "",
            f"AP on {one.pictures} labelled pictures: float {one.reference:.3f}, exported {one.exported:.3f}, "
            f"difference {one.difference:+.3f}{span}",
        ]
    return "\n".join([*lines, "", *textwrap.wrap(found.verdict, COLUMNS)])


def _people(found: Verification) -> list[str]:
    crowd = found.crowd
    return [
        f"people     float {crowd.people}, exported {crowd.found}: {crowd.matched} matched, {crowd.lost} lost, "
        f"{crowd.invented} invented",
        f"keypoints  {len(crowd.shifts_px)} of score {SURE_SCORE:g} or more in matched people, {crowd.faded} faded",
        f"shift      {_shift(found.shift_px)} of the input",
        f"           {_shift(found.own_shift_px)} of float, by saving as JPEG",
        f"up to      median {found.max_median_px:>6.2f} px, p95 {found.max_shift_px:>6.2f} px will do",
    ]


def _shift(quantiles: tuple[float, float, float] | None) -> str:
    median, p95, most = (f"{_number(value, 2):>6}" for value in quantiles or (None,) * 3)
    return f"median {median} px, p95 {p95} px, max {most} px"


def _heads(heads: tuple[HeadReport, ...]) -> list[str]:
    labels = [_label(head, heads) for head in heads]
    names = max(16, *map(len, labels))
    rows = [
        f"{'':<{names}}  {'':<11} {'error at people':>23} {'':>8} {'clipped':>9}  p95 px",
        f"{'head':<{names}}  {'unit':<11} {'median':>7} {'p95':>7} {'max':>7} {'step':>8} {'at people':>9}  if float",
    ]
    for head, label in zip(heads, labels, strict=True):
        errors = "".join(f" {_number(value, 3):>7}" for value in (head.median, head.p95, head.most))
        clipped = _NONE if head.clipped_at_people is None else f"{100 * head.clipped_at_people:.2f} %"
        rows.append(
            f"{label:<{names}}  {head.unit:<11}{errors} {_number(head.step, 4):>8} {clipped:>9}  "
            f"{_number(head.p95_px_if_float, 2):>8}"
        )
    return rows


def _label(head: HeadReport, heads: tuple[HeadReport, ...]) -> str:
    """The output's name; where it holds two tensors, which of them."""
    alone = sum(other.name == head.name for other in heads) == 1
    shown = printable(head.name) if alone else f"{printable(head.name)} ({head.tensor})"
    return shown if len(shown) <= _MOST_NAME else f"{shown[: _MOST_NAME - 1]}…"


def _costs(found: Verification) -> list[str]:
    rows = [f"{'':<10}{'file':>9} {'memory':>14} {'time on this CPU':>17}  {'operators':<18} runs on"]
    for label, cost in (("float", found.reference_cost), ("exported", found.exported_cost)):
        memory = _NONE if cost.memory_bytes is None else f"{_bytes(cost.memory_bytes)} {cost.memory}"
        time = _NONE if cost.latency_ms is None else f"{cost.latency_ms:.1f} ms"
        row = f"{label:<10}{_bytes(cost.file_bytes):>9} {memory:>14} {time:>17}  {_operators(cost):<18} {cost.runs_on}"
        rows.append(_cut(row.rstrip()))
    return rows


def _operators(cost: Cost) -> str:
    return ", ".join(f"{count} {unit}" for unit, count in cost.operators.items()) or _NONE


def _bytes(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return _NONE
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.0f}"


def _cut(line: str) -> str:
    return line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…"
