"""Numbers as JSON has them, which knows neither NaN nor infinity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def json_number(value: float | np.integer[Any] | np.floating[Any]) -> float | None:
    """The number as Python's own, whole numbers as whole; None where it is NaN or infinite."""
    plain: float = value.item() if isinstance(value, np.generic) else value
    return plain if math.isfinite(plain) else None
