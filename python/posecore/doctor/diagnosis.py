"""`Diagnosis`: which reading of a model makes sense, and how sure that is."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from posecore.doctor.readings import Reading, Trials, Tried

# Below these there is nobody, or somebody so small that any reading may draw them.
_LEAST_CONFIDENCE = 0.3
_LEAST_SENSE = 0.2
_LEAST_EXTENT_PX = 48.0
_SURE, _LIKELY = 0.95, 0.7
# How often an answer is right: a logistic curve over its lead in sense, as a share of the best reading's, and over how
# steady the lead is from view to view. Colours deceive more than the rest: the colour of a shirt is as good as another.
# Fitted to 312 diagnoses of seven models, as they are and bent, on 26 pictures (bench/bench_doctor.py --train 8).
_LEAD_SCALE, _STEADY_SCALE = 0.006, 0.6
_WEIGHT = {"colors": 0.6}
_MOST = {"colors": 0.97}
_MOST_OF_OTHERS = 0.999

_WORDS: dict[str, Callable[[Reading], str]] = {
    "colors": lambda reading: {"rgb": "red first (RGB)", "bgr": "blue first (BGR)"}[reading.color],
    "range": lambda reading: "{:g} to {:g}".format(*(reading.input_range or (math.nan, math.nan))),
    "scores": lambda reading: str(reading.scores),
    "axes": lambda reading: {
        None: "y before x",
        "both": "x before y",
        "offsets": "x before y in offsets alone",
        "displacements": "x before y in displacements alone",
    }[reading.x_first],
}
_FIELD = {"colors": "color", "range": "input_range", "scores": "scores", "axes": "x_first"}
_QUESTIONS = {
    "colors": "colours",
    "range": "bytes 0 to 255 become",
    "scores": "heatmaps hold",
    "axes": "vectors have",
}


@dataclass(frozen=True, slots=True)
class Facet:
    """One question to the model, and its answer.

    Attributes:
        name: "colors", "range", "scores" or "axes".
        value: the answer of the best reading, in words.
        probability: from 0.5 to 1, how often an answer that leads by so much is right.
        rival: the best other answer in words.
    """

    name: str
    value: str
    probability: float
    rival: str

    @property
    def sure(self) -> str:
        """ "sure", "likely" or "cannot tell"."""
        return (
            "sure"
            if self.probability >= _SURE
            else "likely"
            if self.probability >= _LIKELY
            else "cannot tell"
        )


class Diagnosis:
    """What trying all readings of a model on one picture has shown.

    Attributes:
        trials: what was tried.
        ranked: the readings, those that make most sense first.
        best: the first of them.
        facets: the questions that the model leaves open, and their answers.
        doubt: one sentence: why nothing can be told; "" where there is a reading to recommend.
    """

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.ranked: tuple[Tried, ...] = tuple(
            sorted(trials.tried, key=lambda one: (-float(one.sense.mean()), -one.plausible))
        )
        self.best: Tried = self.ranked[0]
        self.facets: tuple[Facet, ...] = tuple(self._facets())
        self.doubt: str = self._doubt()

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `Estimator` beside the model, where they are not what it does by itself."""
        best, usual = self.best.reading, self.trials.usual
        names = ("color", "input_range", "scores", "x_first")
        return {name: getattr(best, name) for name in names if getattr(best, name) != getattr(usual, name)}

    def calls(self, model: str | None, more: dict[str, Any]) -> tuple[str, str]:
        """What to type for the best reading: Python, and the command.

        Args:
            model: the file, as it was typed; None is the default model.
            more: other arguments of `Estimator` that were given: size, skeleton, stride_px.
        """
        options = more | self.options
        arguments = [repr(model)] * (model is not None) + [
            f"{name}={value!r}" for name, value in options.items()
        ]
        words = ["posecore", "predict", "PICTURE"] + (["--model", model] if model is not None else [])
        for name, value in options.items():
            words.append({"stride_px": "--stride"}.get(name, f"--{name.replace('_', '-')}"))
            if name == "size":
                words.append(str(value) if isinstance(value, int) else "x".join(map(str, value)))
            elif isinstance(value, tuple):
                words += [f"{number:g}" for number in value]
            else:
                words.append(f"{value:g}" if isinstance(value, float) else str(value))
        return f"posecore.Estimator({', '.join(arguments)})", shlex.join(words)

    def _facets(self) -> Iterator[Facet]:
        best = self.best
        for name, field in _FIELD.items():
            mine = getattr(best.reading, field)
            others = [one for one in self.ranked if getattr(one.reading, field) != mine]
            if not others:
                continue
            # `ranked` is in order: the first other is the best.
            probability = _probability(name, best, others[0])
            yield Facet(name, _WORDS[name](best.reading), probability, _WORDS[name](others[0].reading))

    def _doubt(self) -> str:
        best = self.best
        if not any(one.plausible for one in self.ranked):
            return "the heatmaps hold neither logits nor probabilities: their background is near neither"
        if float(best.confidence[0]) < _LEAST_CONFIDENCE or not float(best.sense.mean()) > 0:
            return (
                "no reading finds a person: either the picture has none that is large enough, "
                "or the model wants something that was not tried"
            )
        if best.extent_px < _LEAST_EXTENT_PX:
            return (
                f"the surest person is {best.extent_px:.0f} pixels long in the network's input: "
                f"wanted {_LEAST_EXTENT_PX:.0f} at least, since any reading may draw so small a one"
            )
        if float(best.sense.mean()) < _LEAST_SENSE:
            return (
                "no reading finds the same person in the picture, its mirror image and harder views of it: "
                "try another picture, with one person who is larger"
            )
        unknown = [_QUESTIONS[facet.name] for facet in self.facets if facet.sure == "cannot tell"]
        if unknown:
            return f"readings make equal sense on this picture ({', '.join(unknown)}): try another one, with colours"
        return ""

    def lines(self, *, all_readings: bool = False) -> Iterator[str]:
        """For people: a table of the readings that the heatmaps' values allow, or of all, and the answers."""
        heading = f"{'sense':>5}  {'takes':<5}  {'bytes as':<8}  {'heatmaps':<13}  {'first axis':<17}"
        yield f"{heading}  confidence  anatomy  agreement  plausible"
        possible = [one for one in self.ranked if one.plausible > 0]
        for one in self.ranked if all_readings else possible:
            color, low_high, scores, axis = one.reading.words()
            if one.plausible == 0:
                numbers = "  not what its values can be"
            else:
                means = (float(np.mean(v)) for v in (one.confidence, one.anatomy, one.agreement))
                numbers = "{:12.2f}  {:7.2f}  {:9.2f}  {:9.2f}".format(*means, one.plausible)
            yield f"{one.sense.mean():5.2f}  {color.upper():<5}  {low_high:<8}  {scores:<13}  {axis:<17}{numbers}"
        rest = len(self.ranked) - len(possible)
        if rest and not all_readings:
            more = "more readings take" if possible else "readings take"
            yield f"and {rest} {more} heatmaps for what their values cannot be (--all shows them)"
        yield ""
        for facet in self.facets:
            share = f"{facet.sure} ({facet.probability:.1%})" if facet.sure != "cannot tell" else facet.sure
            yield f"{_QUESTIONS[facet.name]:<21}  {facet.value:<34}  {share}, else {facet.rival}"

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "model": self.trials.name,
            "kind": self.trials.kind,
            "library": self.trials.library,
            "input_size": list(self.trials.input_size),
            "told": not self.doubt,
            "doubt": self.doubt or None,
            "options": {k: list(v) if isinstance(v, tuple) else v for k, v in self.options.items()},
            "answers": {
                facet.name: {
                    "value": getattr(self.best.reading, _FIELD[facet.name]),
                    "probability": round(facet.probability, 4),
                    "sure": facet.sure,
                }
                for facet in self.facets
            },
            "readings": [
                {
                    "color": one.reading.color,
                    "input_range": one.reading.input_range,
                    "scores": one.reading.scores,
                    "x_first": one.reading.x_first,
                    "sense": round(float(one.sense.mean()), 4),
                    "confidence": round(float(one.confidence.mean()), 4),
                    "anatomy": round(float(one.anatomy.mean()), 4),
                    "agreement": round(float(one.agreement.mean()), 4),
                    "plausible": round(one.plausible, 4),
                    "people": len(one.poses),
                }
                for one in self.ranked
            ],
        }


def _probability(name: str, best: Tried, rival: Tried) -> float:
    lead = best.sense - rival.sense
    size = float(best.sense.mean())
    if not size > 0:
        return 0.5
    error = float(lead.std(ddof=1)) / math.sqrt(len(lead)) + 1e-3 * size
    mean = float(lead.mean())
    evidence = min(mean / size / _LEAD_SCALE, mean / error / _STEADY_SCALE, 30.0)
    share = 1 / (1 + math.exp(-evidence * _WEIGHT.get(name, 1.0)))
    return min(share, _MOST.get(name, _MOST_OF_OTHERS))


def caption(one: Tried) -> str:
    """A reading and its sense in few words, for a drawing."""
    color, low_high, scores, axis = one.reading.words()
    words = [color.upper(), *(word for word in (low_high, scores, axis) if word != "-")]
    return f"{one.sense.mean():.2f}  {' '.join(words)}"
