"""The one-euro filter, algorithm 1 of Casiez, Roussel and Vogel (CHI 2012), for one coordinate, with the speed in sizes
of the person."""

from __future__ import annotations

import math


class OneEuro:
    def __init__(self, min_cutoff_hz: float, beta: float, derivative_cutoff_hz: float) -> None:
        self.min_cutoff_hz, self.beta, self.derivative_cutoff_hz = min_cutoff_hz, beta, derivative_cutoff_hz
        self.x: float | None = None
        self.dx = 0.0

    @staticmethod
    def alpha(cutoff_hz: float, seconds: float) -> float:
        tau = 1 / (2 * math.pi * cutoff_hz)
        return 1 / (1 + tau / seconds)

    def __call__(self, value: float, seconds: float, size: float) -> float:
        if self.x is None:
            self.x = value
            return value
        dx = (value - self.x) / seconds / size
        a = self.alpha(self.derivative_cutoff_hz, seconds)
        self.dx = a * dx + (1 - a) * self.dx
        a = self.alpha(self.min_cutoff_hz + self.beta * abs(self.dx), seconds)
        self.x = a * value + (1 - a) * self.x
        return self.x
