"""Writes cpp/src/exp_table.hpp: `python tools/build_exp_table.py [--check]`.

Row j holds 2^(j/128) as the sum of two doubles: the nearest double, and the double nearest to what is left. They come
from 60 decimal digits of exp(j ln 2 / 128), as Python's decimal module has them (correctly rounded).
"""

from __future__ import annotations

import argparse
import os
import sys
from decimal import Decimal, getcontext
from pathlib import Path

ROWS = 128
TABLE = Path(__file__).resolve().parent.parent / "cpp" / "src" / "exp_table.hpp"

HEAD = f"""\
// Powers of two between 1 and 2, each as the sum of two doubles. tools/build_exp_table.py writes this file.
#pragma once

namespace posecore::detail {{

struct PowerOfTwo {{
  double high;  // the double nearest to 2^(j / {ROWS})
  double low;   // the double nearest to what `high` leaves
}};

inline constexpr PowerOfTwo kPowersOfTwo[{ROWS}] = {{
"""
TAIL = """\
};

}  // namespace posecore::detail
"""


def rows() -> list[tuple[float, float]]:
    """(high, low) of 2^(j/128) for each j."""
    getcontext().prec = 60
    step = Decimal(2).ln() / ROWS
    powers = [(j * step).exp() for j in range(ROWS)]
    return [(float(power), float(power - Decimal(float(power)))) for power in powers]


def source() -> str:
    """The header as it should be."""
    return HEAD + "".join(f"    {{{high.hex()}, {low.hex()}}},\n" for high, low in rows()) + TAIL


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the table is not up to date"
    )
    if parser.parse_args().check:
        same = TABLE.is_file() and TABLE.read_text(encoding="utf-8") == source()
        print(f"{TABLE.name} is {'up to date' if same else 'out of date: run tools/build_exp_table.py'}")
        return 0 if same else 1
    beside = TABLE.with_suffix(".hpp.new")
    beside.write_text(source(), encoding="utf-8")
    os.replace(beside, TABLE)
    print(f"wrote {TABLE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
