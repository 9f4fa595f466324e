""".kmodel files as `ModelGraph`: layers of the KPU and operators of the CPU, read by `posecore.export.kmodel`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from posecore.errors import ModelError
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.model_graph import ModelGraph, TensorQuantization
from posecore.export.kmodel import Kmodel, KmodelPort
from posecore.export.kmodel_programs import CpuOp, KpuStep

_MOST_STEPS = 50_000


def kmodel_graph(data: bytes, name: str, *, size: tuple[int, int] | None = None) -> ModelGraph:
    """The graph of a kmodel v5 of nncase 1.x.

    Args:
        data: the bytes of the file.
        name: for people and errors.
        size: must be None: a kmodel has one size.

    Raises:
        ModelError: not such a file, or a size was given.
    """
    model = Kmodel.read(data, name=name)
    builder = GraphBuilder(name, "kmodel", len(data), size)
    layers = [step for module in model.modules for step in module.kpu]
    if len(layers) > _MOST_STEPS or len(model.cpu_ops) > _MOST_STEPS:
        raise ModelError(f"{name} has more than {_MOST_STEPS} steps, the most that are shown")
    _facts(builder, model)
    inputs = [_port(builder, port, f"input {index}") for index, port in enumerate(model.inputs)]
    for number in inputs:
        builder.input(number)
    if model.kpu_calls == 1 and len(inputs) == 1 and _is_plain(model, layers):
        return builder.build(_one_call(builder, model, layers, inputs[0]))
    builder.notes.append(
        "How several KPU calls hang together is not worked out: the KPU's layers, then the CPU's operators are shown "
        "one after the other, in the file's order."
    )
    last = inputs[0] if inputs else -1
    for index, step in enumerate(step for step in layers if step.kind == "conv2d"):
        last = _layer(builder, step, index, last)
    for index, op in enumerate(model.cpu_ops):
        last = _cpu(builder, op, index, last, None)
    return builder.build(
        [_port(builder, port, f"output {index}") for index, port in enumerate(model.outputs)]
    )


def _facts(builder: GraphBuilder, model: Kmodel) -> None:
    builder.facts["kmodel"] = "version 5"
    builder.facts["runs on nncase"] = ", ".join(model.runtimes) or "no release that is known"
    builder.facts["KPU calls"] = str(model.kpu_calls)
    memory = model.memory
    parts = ", ".join(f"{part} {memory[part]:,}" for part in ("input", "output", "data", "model"))
    builder.facts["main memory"] = f"{memory['total']:,} bytes ({parts})"
    if any(step.pool for step in model.kpu_layers):
        builder.notes.append(
            "The KPU computes a stride of 2 as stride 1 and keeps a quarter: multiplies are those that it does."
        )


def _is_plain(model: Kmodel, layers: Sequence[KpuStep]) -> bool:
    """Whether everything is one KPU program, and each thing that it gives is dequantised into one output."""
    downloads = sum(step.kind == "download" for step in layers)
    starts = {port.start for port in model.outputs}
    return (
        downloads == len(model.cpu_ops) == len(model.outputs)
        and all(op.name == "DEQUANTIZE" and op.output_start in starts for op in model.cpu_ops)
        and len({op.output_start for op in model.cpu_ops}) == len(model.outputs)
    )


def _one_call(builder: GraphBuilder, model: Kmodel, layers: Sequence[KpuStep], source: int) -> list[int]:
    ends = {port.start: index for index, port in enumerate(model.outputs)}
    made: dict[int, int] = {}
    rows: dict[int, tuple[int, KpuStep]] = {}
    last, index, given = source, 0, 0
    for step in layers:
        if step.kind == "conv2d":
            found = rows.get(step.input_row)
            if found is not None and found[1].output_size == step.input_size:
                last = found[0]
            last = _layer(builder, step, index, last)
            rows[step.output_row] = (last, step)
            index += 1
        elif step.kind == "download":
            op = model.cpu_ops[given]
            assert op.output_start is not None
            at = ends[op.output_start]
            made[at] = _cpu(builder, op, given, last, (model.outputs[at], f"output {at}"))
            given += 1
    return [made[at] for at in range(len(model.outputs))]


def _port(builder: GraphBuilder, port: KmodelPort, name: str) -> int:
    return builder.tensor(name, port.shape, port.dtype)


def _layer(builder: GraphBuilder, step: KpuStep, index: int, source: int) -> int:
    """One convolution of the KPU; channels first, as the KPU has them."""
    width, height, depth = step.input_size or (0, 0, 0)
    columns, rows, units = step.output_size or (0, 0, 0)
    each = step.kernel**2 * (1 if step.depthwise else depth)
    output = builder.tensor(f"layer {index}", (1, units, rows, columns), "uint8")
    options: dict[str, object] = {
        "kernel": step.kernel,
        "input_row": step.input_row,
        "output_row": step.output_row,
    }
    if step.pool:
        options["pool"] = step.pool
    builder.operator(
        f"layer {index}",
        "KPU depthwise conv2d" if step.depthwise else "KPU conv2d",
        [source] if source >= 0 else [],
        [output],
        options=options,
        parameters=each * units + units,
        multiplies=each * units * width * height,
        unit="KPU",
        family_="depthwise convolution" if step.depthwise else "convolution",
    )
    return output


def _cpu(
    builder: GraphBuilder, op: CpuOp, index: int, source: int, end: tuple[KmodelPort, str] | None
) -> int:
    options: dict[str, object] = {}
    if op.scale is not None and op.bias is not None:
        options = {"scale": op.scale, "bias": op.bias}
        # real = q * scale + bias
        zero = -op.bias / op.scale if op.scale > 0 and math.isfinite(op.scale) else math.nan
        if source >= 0 and abs(zero) < 1 << 31:
            builder.quantised(source, TensorQuantization((op.scale,), (round(zero),)))
    output = _port(builder, *end) if end is not None else builder.tensor(f"{op.name} {index}", None, "")
    builder.operator(
        f"{op.name} {index}", op.name, [source] if source >= 0 else [], [output], options=options, unit="CPU"
    )
    return output
