"""Which operators of a .tflite model run on Coral's Edge TPU, said before its compiler runs or where there is none.

The compiler makes one partition: everything up to the first operator that it cannot map becomes one operator,
`edgetpu-custom-op`, and the rest stays on the CPU, whatever it is. QUANTIZE operators of a float picture may come
first.
Source: coral.ai, "TensorFlow models on the Edge TPU" and "Edge TPU Compiler".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from posecore.export.edge_tpu_rules import why_not
from posecore.runtime.decoder_options import DECODER
from posecore.runtime.tflite_file import Subgraph, TfliteFile
from posecore.runtime.tflite_operators import ITEM_BITS, Operator, Tensor

Unit = Literal["TPU", "CPU"]

ON_CHIP_BYTES = 8 << 20
"""Memory of the Edge TPU, for parameters and for what operators work on (coral.ai, "Edge TPU Compiler")."""
_COMPILED = "edgetpu-custom-op"
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one operator runs.

    Attributes:
        number: its place in the order of execution, from 0.
        name: a builtin's name in TensorFlow's spelling, or a custom operator's code.
        version: of its definition.
        shape: of its first output; empty for a single value, or where that is only known when it runs.
        unit: "TPU" or "CPU".
        reason: why it is on the CPU, a clause; "" on the TPU.
    """

    number: int
    name: str
    version: int
    shape: tuple[int, ...]
    unit: Unit
    reason: str


@dataclass(frozen=True, slots=True)
class EdgeTpuReport:
    """What becomes of a model on the Edge TPU.

    Attributes:
        name: of the model.
        operators: each operator's place.
        inputs, outputs: names of the tensors that go onto the TPU and that come off it.
        parameter_bytes: of the constants of what runs there: at least this much is kept on the chip or streamed.
        working_bytes: the most that one operator there reads and writes, without its constants.
        package_bytes: of the compiled program where the model is compiled, else None.
    """

    name: str
    operators: tuple[Placement, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameter_bytes: int
    working_bytes: int
    package_bytes: int | None

    @property
    def on_tpu(self) -> int:
        """How many operators run on the TPU; a compiled model has one, whatever it was made of."""
        return sum(placement.unit == "TPU" for placement in self.operators)

    @property
    def left_over(self) -> tuple[Placement, ...]:
        """What runs on the CPU and need not: all but a decoder of poses and QUANTIZE before the first on the TPU."""
        first = next((p.number for p in self.operators if p.unit == "TPU"), 0)
        return tuple(
            p
            for p in self.operators
            if p.unit == "CPU" and p.name != DECODER and not (p.name == "QUANTIZE" and p.number < first)
        )

    @property
    def ok(self) -> bool:
        """Whether all that can be on the TPU is there."""
        return self.on_tpu > 0 and not self.left_over

    @property
    def fits(self) -> bool | None:
        """Whether parameters stay on the chip beside what operators work on, as an estimate; what does not fit is sent
        anew for every picture. None for a compiled model, which keeps its parameters to itself."""
        if self.package_bytes is not None:
            return None
        return self.parameter_bytes + self.working_bytes <= ON_CHIP_BYTES

    def table(self) -> str:
        """One line an operator and a summary, at most 100 columns wide."""
        lines = [f"{'#':>3}  {'operator':<24} {'v':>2}  {'output':<18} {'unit':<4} why"]
        for p in self.operators:
            shape = "x".join(map(str, p.shape)) or "-"
            line = f"{p.number:>3}  {_cut(p.name, 24):<24} {p.version:>2}  {_cut(shape, 18):<18} {p.unit:<4} {p.reason}"
            lines.append(_cut(line.rstrip(), _WIDTH))
        return "\n".join([*lines, "", *self._summary()])

    def _summary(self) -> Iterator[str]:
        total = len(self.operators)
        if self.package_bytes is not None:
            yield f"Compiled: one program of {_mib(self.package_bytes)} for the Edge TPU."
        else:
            yield f"{self.on_tpu} of {total} operators run on the Edge TPU, in {min(self.on_tpu, 1)} partition."
            where = "all fits" if self.fits else "too much, so some are sent anew for every picture"
            used = f"parameters {_mib(self.parameter_bytes)}, work {_mib(self.working_bytes)}"
            yield f"On the chip, as an estimate: {used} of {_mib(ON_CHIP_BYTES)}."
            yield f"Parameters: {where}."
        for label, names in (("Onto", self.inputs), ("Off", self.outputs)):
            if names:
                yield _cut(f"{label} the TPU: {', '.join(names)}.", _WIDTH)
        for placement in self.left_over[:3]:
            yield _cut(f"On the CPU: {placement.name} ({placement.number}): {placement.reason}.", _WIDTH)
        if len(self.left_over) > 3:
            yield f"and {len(self.left_over) - 3} more on the CPU."

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self) | {"on_tpu": self.on_tpu, "ok": self.ok, "fits": self.fits}


def edge_tpu_report(data: bytes, *, name: str = "the model") -> EdgeTpuReport:
    """Where each operator of a .tflite model runs once it is compiled for the Edge TPU, or runs where it has been.

    Nothing is run. Beyond what is checked, the compiler has limits that nobody has published (large reshapes and
    resizes): it has the last word.

    Raises TypeError for anything but bytes, ModelError where they are not a usable model.
    """
    if not isinstance(data, bytes):
        raise TypeError(f"data: wanted the bytes of a .tflite file, got {type(data).__name__}")
    file = TfliteFile.read(data, name=name)
    main = file.main
    placed = tuple(_placed(main, file.needs_edge_tpu))
    chosen = [op for op, placement in zip(main.operators, placed, strict=True) if placement.unit == "TPU"]
    others = [op for op, placement in zip(main.operators, placed, strict=True) if placement.unit == "CPU"]
    made = {i for op in chosen for i in op.outputs}
    wanted = {*main.outputs, *(i for op in others for i in op.inputs)}
    read = [i for op in chosen for i in op.inputs if i >= 0]
    constants = {i for i in read if main.tensors[i].constant is not None}
    packages = [len(op.custom_options) for op in chosen if op.name == _COMPILED]
    return EdgeTpuReport(
        name=file.name,
        operators=placed,
        inputs=_names(main, [i for i in read if i not in made and i not in constants]),
        outputs=_names(main, [i for op in chosen for i in op.outputs if i in wanted]),
        parameter_bytes=sum(_bytes(main.tensors[i]) for i in constants),
        working_bytes=max((_work(op, main) for op in chosen), default=0),
        package_bytes=sum(packages) if packages else None,
    )


def _placed(main: Subgraph, compiled: bool) -> Iterator[Placement]:
    begun = ended = False
    for number, operator in enumerate(main.operators):
        reason = "" if operator.name == _COMPILED and operator.is_custom else why_not(operator, main.tensors)
        if compiled and operator.name != _COMPILED:
            reason = reason or "the compiler left it"
        elif not begun and operator.name == "QUANTIZE" and reason:
            reason = f"before the partition: {reason}"
        elif ended and not reason:
            reason = "after the partition, of which there is one"
        elif reason:
            ended = True
        begun = begun or not reason
        shape = main.tensors[operator.outputs[0]].shape if operator.outputs else ()
        unit: Unit = "CPU" if reason else "TPU"
        yield Placement(number, operator.name, operator.version, shape, unit, reason)


def _names(main: Subgraph, numbers: list[int]) -> tuple[str, ...]:
    return tuple(main.tensors[i].name for i in dict.fromkeys(numbers))


def _work(operator: Operator, main: Subgraph) -> int:
    tensors = [main.tensors[i] for i in {*operator.inputs, *operator.outputs} if i >= 0]
    return sum(_bytes(tensor) for tensor in tensors if tensor.constant is None)


def _bytes(tensor: Tensor) -> int:
    return tensor.elements * ITEM_BITS[tensor.dtype] // 8


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.2f} MiB"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
