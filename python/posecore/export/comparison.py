"""`verify`: the same real pictures through a float model and what was exported of it, judged by the people found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number
from posecore.errors import ModelError, require
from posecore.export.letterbox import letterboxed
from posecore.export.runners import KerasRunner, Runner, answers, open_runner
from posecore.export.verification import Accuracy, Example, Verification
from posecore.export.verify_heads import HeadErrors, HeadReport, sure_cells, with_float
from posecore.export.verify_limits import MAX_SHIFT_PX, Limits
from posecore.export.verify_people import SURE_SCORE, Crowd, pair, quantiles

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.export.answers import Answer, Reading
    from posecore.skeletons import Skeleton

    Image = npt.NDArray[np.uint8]

__all__ = ["MAX_SHIFT_PX", "Accuracy", "Example", "Verification", "verify"]

JPEG_QUALITY = 90
MOST_CLIPPED = 0.05
"""The share of a head's values at people that may be clipped: those of random calibration are at a third and more."""
MOST_PICTURES = 10_000
_MOST_KEPT = 100
_AT_ONCE = 16


def verify(
    model: Any,
    exported: str | os.PathLike[str],
    *,
    pictures: Iterable[Image] | Mapping[str, Image],
    size: tuple[int, int] | None = None,
    skeleton: Skeleton | None = None,
    max_shift_px: float | None = None,
) -> Verification:
    """Compare what an exported file finds in pictures with what the Keras model finds that it was made of.

    Args:
        model: the `keras.Model`, or a `Runner` of it.
        exported: a .tflite, .onnx or .kmodel that posecore has exported, its description beside it; or a `Runner`.
        pictures: uint8 (H, W, 3) RGB of any size, with people in them, by name or not; they are letterboxed into the
            networks' input. Not those that the model was calibrated with, which it knows.
        size: (width, height) of the input, for a file that takes any size.
        skeleton: what the keypoints are; None is what lies beside the file.
        max_shift_px: in input pixels, from 0 to 1000: what the 95th percentile of keypoint shifts may be; the median
            may be a quarter of it. None is 4, a quarter of PoseNet's cell, and 1 for the median, or as far as keypoints
            of the float model itself move when the same pictures are saved as JPEGs of quality 90, whichever is more:
            where people overlap a keypoint hops from one to the other at the least occasion, and nobody calls a
            camera's JPEGs wrong. But no more than 16, a whole cell, for the 95th percentile.

    Raises:
        ModelError: a file that cannot be read, or that is none of this model.
        TypeError, ValueError: arguments; no pictures.
        MissingExtra: what runs one of the models is not installed.
    """
    limit = None if max_shift_px is None else number(max_shift_px, "max_shift_px", 0, 1000)
    runner: Runner
    if isinstance(exported, (str, os.PathLike)):
        runner, file = open_runner(exported, size=size), Path(exported).name
    else:
        runner, file = exported, "the exported model"
    reading = runner.reading
    reference: Runner = (
        model
        if hasattr(model, "reading")
        else KerasRunner(model, size=reading.input_size, skeleton=skeleton or reading.skeleton)
    )
    different = reference.reading.differences(reading)
    if different is not None:
        raise ModelError(f"{file}: wanted what was exported of this model, with {different}")
    return _Comparison(reference, runner).run(file, _named(pictures), limit)


class _Comparison:
    """Both models on one picture after the other, and what has come together."""

    def __init__(self, reference: Runner, exported: Runner) -> None:
        self.reference, self.exported = reference, exported
        self.reading: Reading = exported.reading
        self.decode = reference.reading.decoder(), exported.reading.decoder()
        self.single = self.reading.kind != "posenet"
        self.crowd, self.own = Crowd(), Crowd()
        self.errors = {
            tensor: HeadErrors(tensor, eight_bit=self.reading.eight_bit) for tensor in self.reading.names
        }
        # Outputs of the file: two tensors of one output can only be wrong together.
        self.outputs: dict[str, tuple[str, ...]] = {}
        for tensor, name in self.reading.names.items():
            self.outputs[name] = (*self.outputs.get(name, ()), tensor)
        self.without = {name: Crowd() for name in self.outputs}
        self.worst: Example | None = None
        self.kept: list[Example] = []

    def run(self, file: str, pictures: Iterable[tuple[str, Image]], asked: float | None) -> Verification:
        shown = 0
        first: Image | None = None
        waiting = iter(pictures)
        while some := list(islice(waiting, _AT_ONCE)):
            if shown + len(some) > MOST_PICTURES:
                raise ValueError(f"pictures: wanted at most {MOST_PICTURES}, got more")
            fitting = [
                letterboxed(picture, self.reading.input_size, f"pictures: {name}") for name, picture in some
            ]
            first = fitting[0] if first is None else first
            said = answers(self.exported, fitting)
            right = answers(self.reference, fitting)
            again = answers(self.reference, [_as_jpeg(picture) for picture in fitting])
            for place, (name, _) in enumerate(some):
                self._add(name, fitting[place], right[place], said[place], again[place])
            shown += len(some)
        if first is None:
            raise ValueError("pictures: wanted at least one picture with people in it, got none")
        own = quantiles(self.own.shifts_px)
        limits = Limits.of(asked, own)
        heads = tuple(
            errors.report(self.reading, quantiles(self.without[self.reading.names[tensor]].shifts_px))
            for tensor, errors in self.errors.items()
        )
        worst, ok, verdict = self._judge(heads, limits, shown)
        shifts = self.crowd.shifts_px
        return Verification(
            file=file,
            input_size=self.reading.input_size,
            pictures=shown,
            crowd=self.crowd,
            shift_px=quantiles(shifts),
            own_shift_px=own,
            heads=heads,
            reference_cost=self.reference.cost(first),
            exported_cost=self.exported.cost(first),
            max_shift_px=limits.p95_px,
            max_median_px=limits.median_px,
            ok=ok,
            worst_head=worst,
            verdict=verdict,
            examples=self._worst_and_middle(),
        )

    def _add(self, name: str, picture: Image, right: Answer, said: Answer, again: Answer) -> None:
        self._check_grids(right, said)
        decode_right, decode_said = self.decode
        reference, exported = decode_right(right), decode_said(said)
        pairing = pair(reference, exported, single=self.single)
        self.crowd.add(pairing)
        self.own.add(pair(reference, decode_right(again), single=self.single))
        where = sure_cells(right, self.reading)
        for tensor, errors in self.errors.items():
            errors.add(right, said, where[tensor])
        for output, tensors in self.outputs.items():
            mixed = with_float(right, said, tensors, self.reading)
            self.without[output].add(pair(reference, decode_said(mixed), single=self.single))
        shift = float(pairing.shifts_px.mean()) if len(pairing.shifts_px) else float("nan")
        astray = len(pairing.lost) + len(pairing.invented)
        if not np.isnan(shift) or astray:
            self._keep(Example(name, picture, reference, exported, shift, astray))

    def _keep(self, example: Example) -> None:
        if self.worst is None or _how_bad(example) > _how_bad(self.worst):
            self.worst = example
        # Thousands of pictures would fill the memory: the middle one is that of the first hundred.
        if len(self.kept) < _MOST_KEPT:
            self.kept.append(example)

    def _check_grids(self, right: Answer, said: Answer) -> None:
        for name, array in right.tensors().items():
            other = said.tensors()[name]
            if other.shape != array.shape:
                raise ModelError(
                    f"{name}: wanted heads of the float model's shape {array.shape}, got {other.shape}: they were made "
                    "of another model, or of one padded otherwise"
                )

    def _judge(
        self, heads: tuple[HeadReport, ...], limits: Limits, shown: int
    ) -> tuple[str | None, bool, str]:
        """The head that did it, whether all is well, and a sentence."""
        crowd = self.crowd
        if not crowd.people or not (len(crowd.shifts_px) or crowd.lost):
            what = "a sure keypoint" if self.single else "a person"
            invented = f", where the exported one finds {crowd.invented}" if crowd.invented else ""
            return (
                None,
                False,
                f"could not be judged: the float model finds {what} (score {SURE_SCORE:g} or more) in none of "
                f"{_count(shown, 'picture')}{invented}; show it pictures with people",
            )
        faults = limits.faults(crowd)
        clipping = [head for head in heads if (head.clipped_at_people or 0) > MOST_CLIPPED]
        clipping.sort(key=lambda head: -(head.clipped_at_people or 0))
        for head in clipping:
            share = 100 * (head.clipped_at_people or 0)
            faults.append(f"{head.name} is clipped at {share:.0f} % of where people are")
        if not faults:
            median, p95, most = quantiles(crowd.shifts_px) or (0.0, 0.0, 0.0)
            return (
                None,
                True,
                f"good: keypoints move by {median:.2f} px in the median (up to {limits.median_px:.3g} px will do), "
                f"{p95:.2f} px at p95 (up to {limits.p95_px:.3g} px will do), {most:.1f} px at most",
            )
        said = f"bad: {' and '.join(faults)}"
        if clipping:
            return clipping[0].name, False, f"{said}; calibrate with pictures like those that it will see"
        left = {name: limits.badness(one) for name, one in self.without.items()}
        worst = min(left, key=lambda name: left[name])
        if len(left) == 1:
            blame = f"it has one head, {worst}"
        elif left[worst] <= 1:
            blame = f"{worst} did it: with the float model's {worst} all is well"
        else:
            blame = f"{worst} did most of it, and no one head alone: more than one is wrong"
        return worst, False, f"{said}; {blame}"

    def _worst_and_middle(self) -> tuple[Example, ...]:
        if self.worst is None:
            return ()
        others = sorted((one for one in self.kept if one is not self.worst), key=_how_bad)
        return (self.worst, others[len(others) // 2]) if others else (self.worst,)


def _as_jpeg(picture: Image) -> Image:
    cv2 = require("cv2", extra="app", purpose="Verifying an export")
    blue_first = np.ascontiguousarray(picture[:, :, ::-1])
    done, data = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1], np.uint8)


def _named(pictures: Iterable[Image] | Mapping[str, Image]) -> Iterable[tuple[str, Image]]:
    if isinstance(pictures, Mapping):
        return pictures.items()
    if isinstance(pictures, (str, bytes, os.PathLike)) or not isinstance(pictures, Iterable):
        raise TypeError(f"pictures: wanted uint8 arrays of shape (H, W, 3), got {type(pictures).__name__}")
    return ((f"picture {place}", picture) for place, picture in enumerate(pictures, start=1))


def _how_bad(example: Example) -> tuple[int, float]:
    return example.astray, float(np.nan_to_num(example.shift_px))


def _count(count: int, noun: str) -> str:
    plural = "people" if noun == "person" else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
