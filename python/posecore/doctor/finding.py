"""`Finding`: one line of a checkup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from posecore.printable import printable

Status = Literal["ok", "missing", "broken"]
_MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing.

    Attributes:
        group: the heading that it stands under.
        name: what was looked at.
        status: "ok", "missing" (not there), or "broken" (there, and does not do its work).
        said: versions and what was seen; for what is not ok, why. One line.
        remedy: the line to type that brings it or mends it; "" where there is nothing to do.
    """

    group: str
    name: str
    status: Status
    said: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """All fields by name."""
        return asdict(self)


def findings_from(group: str, rows: object) -> list[Finding]:
    """Findings from what a child process wrote: rows of name, status, said and remedy.

    Raises:
        ValueError: not such rows.
    """
    found = []
    for row in rows if isinstance(rows, list) else [rows]:
        if not (isinstance(row, list) and len(row) == 4 and all(isinstance(word, str) for word in row)):
            raise ValueError("rows: wanted four texts each")
        name, status, said, remedy = (one_line(word) for word in row)
        if status not in get_args(Status):
            raise ValueError(f"status: wanted one of {', '.join(get_args(Status))}, got {status}")
        found.append(Finding(group, name, status, said, remedy))  # type: ignore[arg-type]
    return found


def one_line(text: object) -> str:
    """`text` as one printable line of at most 400 characters."""
    line = printable(" ".join(str(text).split()))
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 4] + " ..."


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """For people: a heading for each group, a line for each finding, and below it what to type."""
    findings = list(findings)
    wide = max((len(one.name) for one in findings), default=0)
    group = None
    for one in findings:
        if one.group != group:
            group = one.group
            yield group
        yield f"  {one.status:<7}  {one.name:<{wide}}  {one.said}".rstrip()
        if one.remedy:
            way = "to get it" if one.status == "missing" else "to mend it"
            yield f"  {'':<7}  {'':<{wide}}  {way}: {one.remedy}"
