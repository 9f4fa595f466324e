"""How much memory a .tflite model's computed tensors take while it runs, measured in an interpreter."""

from __future__ import annotations

from typing import Any

from posecore.runtime.tflite_file import TfliteFile
from posecore.runtime.tflite_libraries import construct, library, set_input_size


def computed_bytes(file: TfliteFile, *, size: tuple[int, int] | None = None) -> int | None:
    """Bytes that the inputs and all computed tensors of a model lie in: TensorFlow Lite's arena, in which tensors that
    are not needed at one time share their place. Weights are not among them, nor what a kernel takes for itself.

    XNNPACK is left out, since it plans memory of its own; without it the arena is what TFLite Micro needs, too.

    Args:
        file: one that can be run: `open_interpreter` has taken it, and it has no decoder.
        size: (height, width) of the input, where it is to be other than the file says.

    Returns:
        None where the interpreter does not tell which tensors its operators make.
    """
    interpreter = construct(library(), file.data, threads=1, exact=True, delegates=[])
    if size is not None and tuple(interpreter.get_input_details()[0]["shape"][1:3]) != size:
        set_input_size(interpreter, *size)
    operators = getattr(interpreter, "_get_ops_details", None)
    if operators is None:
        return None
    inputs = {details["index"] for details in interpreter.get_input_details()}
    computed = set(inputs)
    # In order: what is made of constants alone (half-precision weights, made single) is none of the picture's.
    for operator in operators():
        if computed & {int(index) for index in operator["inputs"]}:
            computed |= {int(index) for index in operator["outputs"]}
    interpreter.invoke()
    return _covered([_span(interpreter.tensor(index)()) for index in sorted(computed)])


def _span(array: Any) -> tuple[int, int]:
    start = int(array.__array_interface__["data"][0])
    return start, start + int(array.nbytes)


def _covered(spans: list[tuple[int, int]]) -> int:
    """How many bytes lie in at least one of these spans."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
