"""The log of a run: one row an epoch, always as log.csv with its curves in log.svg, and as JSON in checkpoints."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posecore.evaluation.whole_file import write_whole
from posecore.train.run_plot import plot

Row = dict[str, float | int | None]


class RunLog:
    """Rows by epoch. The files are written anew each time, so that they never have half a line, and after a crash never
    a row of an epoch that is trained again.

    Args:
        path: of the .csv file.
        rows: those of the epochs before, as a checkpoint had them.
    """

    def __init__(self, path: Path, rows: list[Row] | None = None) -> None:
        self.path = path
        self.rows: list[Row] = list(rows or [])

    def add(self, row: Mapping[str, Any]) -> None:
        """One epoch's numbers; NaN and infinity become empty cells."""
        self.rows.append({name: _plain(value) for name, value in row.items()})
        columns = list(dict.fromkeys(name for one in self.rows for name in one))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        for one in self.rows:
            shown = {
                name: f"{value:.7g}" if isinstance(value, float) else value for name, value in one.items()
            }
            writer.writerow(shown)
        write_whole(self.path, text.getvalue())
        write_whole(self.path.with_suffix(".svg"), f"{plot(self.rows)}\n")


def _plain(value: Any) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return float(value) if math.isfinite(value) else None
