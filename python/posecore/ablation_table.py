"""The numbers of an ablation as lines of text."""

from __future__ import annotations

from posecore.ablation import STATS, Ablation, Row
from posecore.ablation_score import SHARE
from posecore.evaluation.markup import fixed, signed, tight
from posecore.printable import printable

_INDENT = "  "


def as_text(ablation: Ablation) -> str:
    """The card, and a line for each variant under the name of its group."""
    card = [(label, printable(text)) for label, text in ablation.card]
    wide = max((len(label) for label, _ in card), default=0)
    lines = [f"{label:<{wide}}  {text}" for label, text in card]
    names = max(len(row.name) for row in ablation.rows) + len(_INDENT)
    head = "".join(f"{name:>6}" for name in STATS)
    lines += ["", f"{'':<{names}}{head}  poses  difference of AP"]
    group = ""
    for row in ablation.rows:
        if row.group != group:
            group = row.group
            lines.append(group)
        name = f"{_INDENT if group else ''}{row.name}"
        numbers = "".join(f"{tight(value if value >= 0 else None):>6}" for value in row.stats)
        lines.append(f"{name:<{names}}{numbers}  {row.poses:5d}  {_change(row)}".rstrip())
    return "\n".join([*lines, "", *notes(ablation, "A star")])


def notes(ablation: Ablation, mark: str) -> tuple[str, ...]:
    """Sentences that say how the numbers are to be read; `mark` is what clear differences have."""
    if not ablation.draws:
        return ("No sets of pictures were drawn: nobody knows which differences are chance.",)
    return (
        f"In brackets: where the difference lies in {SHARE:.0%} of {ablation.draws:,} sets of "
        f"{ablation.pictures:,} pictures, drawn with replacement from these, the same sets for all rows.",
        f"{mark}: 0 lies outside of the brackets; of twenty rows without any difference one has that too.",
        "Differences of single parts do not add up.",
    )


def span(row: Row) -> str:
    """[+.006, +.030], or nothing where no sets were drawn."""
    if row.low is None or row.high is None:
        return ""
    shown = signed if row.group else fixed
    return f"[{shown(row.low)}, {shown(row.high)}]"


def _change(row: Row) -> str:
    if not row.group:
        return f"AP {span(row)}" if span(row) else ""
    return f"{signed(row.difference)}  {span(row)}{' *' if row.is_clear else ''}"
