"""Our own bounded reader of .tflite files, and the surgery that takes a decoder out of one.

A .tflite file is a flatbuffer that the interpreters read without looking twice: a wrong offset in it is a
wrong address in their process. So every file is read here first. `TfliteFile.read` refuses what cannot be
right, with one sentence; of what it accepts, `unproven` lists the parts whose effect on an interpreter only a
trial can show. Format: TensorFlow's `schema.fbs`, version 3.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posecore.errors import ModelError
from posecore.heads import Quantization
from posecore.layouts import TensorInfo
from posecore.runtime.decoder_options import DECODER, decoder_options
from posecore.runtime.flatbuffer import Damaged, Flatbuffer, Table
from posecore.runtime.tflite_operators import (
    BUILTIN_NAMES,
    DTYPES,
    ITEM_BITS,
    Operator,
    Tensor,
    Unproven,
    prove,
)

MAX_FILE_BYTES = 1 << 30
_MAX_TENSOR_BYTES = 1 << 30
_MAX_ALL_TENSORS_BYTES = 1 << 33
_MAX_RANK = 8
_INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
_EDGE_TPU = "edgetpu-custom-op"
_CUSTOM = 32
_STORES_ANEW = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "CAST")


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A network of a file: its tensors, and its operators in the order in which they run. Numbers are of tensors."""

    table: Table
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class TfliteFile:
    """A .tflite model that has been read and checked; made by `TfliteFile.read`.

    name         what errors call it
    data         the bytes of the file
    inputs       `TensorInfo` of each input; a size of -1 is free (dynamic)
    outputs      `TensorInfo` of each output, in the file's order; `producer` is the operator that computes it
                 Both have the names of the file's signature, where it has any that are names
    operators    the operators in order: a builtin's name in TensorFlow's spelling, or a custom operator's
    code decoder      `DecoderOptions` where the model ends in a PosenetDecoderOp, else None
    needs_edge_tpu      True where it is compiled for the Edge TPU
    unknown_custom_ops  custom operators other than those two, sorted
    main         the `Subgraph` that runs
    graphs       all of its networks, that one first
    description  what whoever made the file wrote into it, or ""
    unproven     what could not be checked by reading; where it is empty no interpreter can trip over the file
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Use `TfliteFile.read`. Raises `Damaged`, `Unproven` never."""
        self.name = name
        self.data = data
        model = Flatbuffer(data).root()
        self._model = model
        self._buffers = tuple(_constant(table) for table in model.tables(4))
        if not self._buffers:
            raise Damaged("it has no list of buffers")
        self._codes = tuple(_operator_kind(table) for table in model.tables(1))
        unproven: list[str] = []
        graphs = tuple(self._subgraph(table, unproven) for table in model.tables(2))
        if not graphs:
            raise Damaged("it holds no network")
        if len(graphs) > 1:
            unproven.append("control flow")
        self.graphs = graphs
        self._check_annotations(graphs)
        self.main = main = graphs[0]
        if not main.inputs or not main.outputs:
            raise Damaged("its network has no inputs or no outputs")
        names = self._signature_names()
        self.inputs = tuple(_info(main.tensors[i], names.get(i), "") for i in main.inputs)
        self.outputs = tuple(_info(main.tensors[i], names.get(i), _producer(main, i)) for i in main.outputs)
        self.operators = tuple(operator.name for operator in main.operators)
        custom = {operator.name for graph in graphs for operator in graph.operators if operator.is_custom}
        self.needs_edge_tpu = _EDGE_TPU in custom
        self.unknown_custom_ops = tuple(sorted(custom - {_EDGE_TPU, DECODER}))
        decoders = [i for i, op in enumerate(main.operators) if op.is_custom and op.name == DECODER]
        if len(decoders) > 1:
            raise Damaged(f"it has {len(decoders)} decoders of poses, where one was expected")
        self._decoder_at = decoders[0] if decoders else None
        self.decoder = None
        if self._decoder_at is not None:
            self.decoder = decoder_options(main.operators[self._decoder_at].custom_options)
        self.unproven = tuple(dict.fromkeys(unproven))

    @classmethod
    def read(cls, source: str | os.PathLike[str] | bytes, *, name: str = "the model") -> TfliteFile:
        """Read a file, or bytes that `name` names in errors.

        Raises ModelError, with one sentence that names the file, for anything but a usable TFLite model.
        """
        if isinstance(source, bytes):
            data = source
        elif isinstance(source, (str, os.PathLike)):
            name = os.fspath(source)
            data = _read_bytes(Path(source))
        else:
            raise TypeError(f"source must be a path or bytes, not {type(source).__name__}")
        if not data:
            raise ModelError(f"{name} is not a TFLite model: it is empty (0 bytes)")
        if len(data) > MAX_FILE_BYTES:
            raise ModelError(f"{name} is too large for a model: {len(data)} bytes, at most {MAX_FILE_BYTES}")
        if data[4:8] != b"TFL3":
            raise ModelError(
                f'{name} is not a TFLite model: bytes 4 to 7 are {data[4:8]!r} instead of b"TFL3"'
            )
        try:
            return cls(data, name)
        except Damaged as error:
            raise ModelError(f"{name} is not a usable TFLite model: {error}") from None

    def without_decoder(self) -> bytes:
        """A copy of the model that ends where its PosenetDecoderOp begins, for any stock interpreter.

        Its outputs are the decoder's inputs (heatmaps, short offsets, mid offsets and, where there are some,
        long offsets), then those outputs of the model that the decoder did not make, in their order.
        Signatures are dropped. Raises ModelError where the model has no decoder, or something uses the
        decoder's output.
        """
        if self._decoder_at is None:
            raise ModelError(f"{self.name} has no {DECODER} to take out")
        main, at = self.main, self._decoder_at
        decoder = main.operators[at]
        made = set(decoder.outputs)
        if any(made & set(operator.inputs) for operator in main.operators):
            raise ModelError(f"{self.name} goes on after its {DECODER}, so that it cannot be taken out")
        outputs = [*decoder.inputs, *(i for i in main.outputs if i not in made and i not in decoder.inputs)]
        if len(decoder.inputs) not in (3, 4) or min(outputs) < 0:
            raise ModelError(
                f"{self.name} has a {DECODER} with {len(decoder.inputs)} inputs instead of 3 or 4"
            )
        copy = bytearray(self.data)
        # Offsets count forwards from where they are stored, so an entry that moves down by 4 grows by 4.
        operators = main.table.vector(3, 4)
        assert operators is not None
        first, count = operators
        for i in range(at, count - 1):
            offset = struct.unpack_from("<I", copy, first + 4 * (i + 1))[0]
            struct.pack_into("<I", copy, first + 4 * i, offset + 4)
        struct.pack_into("<I", copy, first - 4, count - 1)
        copy += bytes(-len(copy) % 4)
        outputs_field = main.table.where(2)
        assert outputs_field is not None
        struct.pack_into("<I", copy, outputs_field, len(copy) - outputs_field)
        copy += struct.pack(f"<{1 + len(outputs)}i", len(outputs), *outputs)
        signatures = self._model.vector(7, 4)
        if signatures is not None:
            struct.pack_into("<I", copy, signatures[0] - 4, 0)
        # Parts of a file from elsewhere may overlap, so that an edit changes more than was meant: read it
        # again.
        return TfliteFile.read(bytes(copy), name=f"{self.name} without its decoder").data

    def _subgraph(self, table: Table, unproven: list[str]) -> Subgraph:
        tensors = tuple(self._tensor(t) for t in table.tables(0))
        if sum(_bytes(tensor) for tensor in tensors) > _MAX_ALL_TENSORS_BYTES:
            raise Damaged(f"its tensors take more than {_MAX_ALL_TENSORS_BYTES >> 30} GiB together")
        inputs = _indices(table.numbers(1, "i"), len(tensors), "an input")
        outputs = _indices(table.numbers(2, "i"), len(tensors), "an output")
        operators = tuple(self._operator(t, len(tensors)) for t in table.tables(3))
        table.text(4)
        written = {i for i, tensor in enumerate(tensors) if tensor.constant is not None}
        if len(set(inputs)) != len(inputs) or written & set(inputs):
            raise Damaged("one of its inputs is a constant or is listed twice")
        written |= set(inputs)
        variables = {i for i, tensor in enumerate(tensors) if not tensor.plain}
        for operator in operators:
            if not written.issuperset(i for i in operator.inputs if i >= 0 and i not in variables):
                raise Damaged(f"a {operator.name} reads a tensor that nothing has written")
            if len(set(operator.outputs)) != len(operator.outputs) or written & set(operator.outputs):
                raise Damaged(f"a {operator.name} writes a tensor that is written elsewhere")
            written |= set(operator.outputs)
            try:
                if not (operator.is_custom and operator.name in (DECODER, _EDGE_TPU)):
                    prove(operator, tensors)
            except Unproven as reason:
                unproven.append(str(reason))
        if not written.issuperset(i for i in outputs if i not in variables):
            raise Damaged("one of its outputs is a tensor that nothing has written")
        unproven.extend(f"tensor {tensors[i].name}" for i in inputs if not tensors[i].plain)
        return Subgraph(table, tensors, operators, inputs, outputs)

    def _tensor(self, table: Table) -> Tensor:
        name = table.text(3)
        shape = table.numbers(0, "i") or ()
        if len(shape) > _MAX_RANK or any(size < 0 for size in shape):
            raise Damaged(f"the shape of tensor {name!r} is {_shown(shape)}")
        code = table.integer(1, "b")
        if not 0 <= code < len(DTYPES):
            raise Damaged(f"tensor {name!r} has the unknown type {code}")
        dtype = DTYPES[code]
        signature = table.numbers(7, "i") or shape
        if len(signature) != len(shape) or any(
            s not in (-1, n) for s, n in zip(signature, shape, strict=True)
        ):
            raise Damaged(f"the shape of tensor {name!r} is {_shown(shape)} and {_shown(signature)} at once")
        constant = self._buffer(table.integer(2, "I"))
        if table.integer(10, "I"):
            raise Damaged("it keeps weights in other files")
        # Variables, sparse tensors and containers have rules of their own.
        plain = (
            ITEM_BITS[dtype] > 0
            and not table.integer(5, "B")
            and table.where(6) is None
            and table.where(9) is None
        )
        scales, zero_points, dimension, plainly = _quantization(table.table(4), name, shape)
        tensor = Tensor(
            name, shape, signature, dtype, scales, zero_points, dimension, constant, plain and plainly
        )
        if _bytes(tensor) > _MAX_TENSOR_BYTES:
            raise Damaged(
                f"tensor {name!r} of shape {_shown(shape)} is larger than {_MAX_TENSOR_BYTES >> 30} GiB"
            )
        if constant is not None and plain and len(constant) != _bytes(tensor):
            raise Damaged(
                f"tensor {name!r} of shape {_shown(shape)} and type {dtype} needs {_bytes(tensor)} bytes, "
                f"but has {len(constant)}"
            )
        return tensor

    def _operator(self, table: Table, tensors: int) -> Operator:
        code = table.integer(0, "I")
        if code >= len(self._codes):
            raise Damaged(f"an operator has the kind {code} of {len(self._codes)}")
        name, is_custom, version = self._codes[code]
        if table.integer(9, "Q") > 1:
            raise Damaged("it keeps options behind its end")
        mutating = any(_slice(table, table.vector(7, 1)))
        between = _indices(table.numbers(8, "i"), tensors, f"an intermediate of a {name}", optional=True)
        return Operator(
            name=name,
            is_custom=is_custom,
            inputs=_indices(table.numbers(1, "i"), tensors, f"an input of a {name}", optional=True),
            outputs=_indices(table.numbers(2, "i"), tensors, f"an output of a {name}"),
            options_type=table.integer(3, "B"),
            options=table.table(4),
            custom_options=_slice(table, table.vector(5, 1)),
            plain=not mutating and not between and not table.integer(11, "B"),
            version=version,
        )

    def _buffer(self, number: int) -> memoryview | None:
        if number >= len(self._buffers):
            raise Damaged(f"a tensor has the buffer {number} of {len(self._buffers)}")
        return self._buffers[number]

    def _signature_names(self) -> dict[int, str]:
        """What people called the tensors of the network. Converters name the tensors themselves
        StatefulPartitionedCall:3; where people gave no names either, a signature counts (output_0)."""
        names: dict[int, str] = {}
        for signature in self._model.tables(7):
            if signature.integer(4, "I") == 0:
                for entry in (*signature.tables(0), *signature.tables(1)):
                    name = entry.text(0)
                    if not re.fullmatch(r"(output|input|args)_\d+", name):
                        names.setdefault(entry.integer(1, "I"), name)
        return names

    def _check_annotations(self, graphs: Sequence[Subgraph]) -> None:
        """What interpreters look into while they load: description, metadata, signatures."""
        model = self._model
        self.description = model.text(3)
        model.numbers(5, "i")
        for entry in model.tables(6):
            entry.text(0)
            self._buffer(entry.integer(1, "I"))
        for signature in model.tables(7):
            signature.text(2)
            graph = signature.integer(4, "I")
            if graph >= len(graphs):
                raise Damaged(f"a signature is of network {graph} of {len(graphs)}")
            for field in (0, 1):
                for entry in signature.tables(field):
                    entry.text(0)
                    _indices((entry.integer(1, "I"),), len(graphs[graph].tensors), "an entry of a signature")
        if any(field > 7 for field in model.fields()):
            raise Damaged("it is of a newer format")


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder, where a .tflite file was wanted")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path} is too large for a model: {size} bytes, at most {MAX_FILE_BYTES}")
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelError(f"{path} cannot be read: {reason}") from None


def _slice(table: Table, found: tuple[int, int] | None) -> memoryview:
    first, count = found or (0, 0)
    return table.buffer.data[first : first + count]


def _constant(table: Table) -> memoryview | None:
    """The bytes of a buffer, None where it is empty: its tensors are computed."""
    if table.integer(1, "Q") > 1:
        raise Damaged("it keeps weights behind its end")
    data = _slice(table, table.vector(0, 1))
    return data if len(data) else None


def _operator_kind(table: Table) -> tuple[str, bool, int]:
    """Name, whether it is a custom one, version."""
    # Codes from 127 on did not fit into the first field and have a second one; the larger counts.
    code = max(table.integer(0, "b"), table.integer(3, "i"))
    if code < 0:
        raise Damaged(f"an operator is of kind {code}")
    version = table.integer(2, "i", 1)
    custom = table.text(1)
    if code == _CUSTOM:
        return custom, True, version
    return BUILTIN_NAMES[code] if code < len(BUILTIN_NAMES) else f"BUILTIN_{code}", False, version


def _quantization(
    table: Table | None, name: str, shape: tuple[int, ...]
) -> tuple[tuple[float, ...], tuple[int, ...], int, bool]:
    """Scales, zero points, the dimension they go along, and whether that is all."""
    if table is None:
        return (), (), 0, True
    table.floats(0)
    table.floats(1)
    scales = table.floats(2) or ()
    zero_points = table.numbers(3, "q") or ()
    dimension = table.integer(6, "i")
    if len(scales) != len(zero_points) and (scales or any(zero_points)):
        raise Damaged(f"tensor {name!r} has {len(scales)} scales but {len(zero_points)} zero points")
    if len(scales) > 1 and not (0 <= dimension < len(shape) and len(scales) == shape[dimension]):
        raise Damaged(f"the {len(scales)} scales of tensor {name!r} do not fit its shape {_shown(shape)}")
    if any(not math.isfinite(scale) or scale < 0 for scale in scales):
        raise Damaged(f"tensor {name!r} has a scale that is not a positive number")
    plain = table.integer(4, "B") == 0 and table.where(5) is None
    return scales, zero_points if scales else (), dimension, plain


def _bytes(tensor: Tensor) -> int:
    return (tensor.elements * ITEM_BITS[tensor.dtype] + 7) // 8


def _indices(
    numbers: tuple[int, ...] | None, count: int, what: str, *, optional: bool = False
) -> tuple[int, ...]:
    for number in numbers or ():
        if not (-1 if optional else 0) <= number < count:
            raise Damaged(f"{what} is tensor {number} of {count}")
    return numbers or ()


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[: _MAX_RANK + 1])) or "scalar"


def _producer(graph: Subgraph, tensor: int) -> str:
    """The operator that computes a tensor's values; those that only store them anew are passed over."""
    makers = {made: operator for operator in graph.operators for made in operator.outputs}
    for _ in graph.operators:
        maker = makers.get(tensor)
        if maker is None:
            return ""
        if maker.name not in _STORES_ANEW or not maker.inputs:
            return maker.name
        tensor = maker.inputs[0]
    return ""


def _info(tensor: Tensor, name: str | None, producer: str) -> TensorInfo:
    quantization = None
    if tensor.scales and tensor.dtype in _INTEGERS:
        if len(tensor.scales) != 1 or tensor.scales[0] == 0:
            raise Damaged(
                f"tensor {tensor.name!r} has the scales {list(tensor.scales[:4])}, where one was expected"
            )
        try:
            quantization = Quantization(scale=tensor.scales[0], zero_point=tensor.zero_points[0])
        except ValueError as error:
            raise Damaged(f"tensor {tensor.name!r} has a quantisation that is none ({error})") from None
    return TensorInfo(
        name=name or tensor.name,
        shape=tensor.signature,
        dtype=tensor.dtype,
        quantization=quantization,
        producer=producer,
    )
