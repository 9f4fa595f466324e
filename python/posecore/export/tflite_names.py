"""The order and the names of a TFLite model's outputs, which TensorFlow's converter chooses as it likes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from posecore.errors import ModelError
from posecore.runtime.flatbuffer import Damaged, Flatbuffer, Table
from posecore.runtime.tflite_file import TfliteFile

# Numbers of fields in TensorFlow's schema.fbs, version 3.
_MODEL_SUBGRAPHS, _MODEL_SIGNATURES = 2, 7
_GRAPH_TENSORS, _GRAPH_INPUTS, _GRAPH_OUTPUTS = 0, 1, 2
_TENSOR_NAME = 3
_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS = 0, 1
_MAP_NAME, _MAP_TENSOR = 0, 1


def in_order(data: bytes, outputs: Sequence[str]) -> bytes:
    """A copy of a model whose outputs are in this order, and whose input and outputs have the signature's names as
    tensors too, so that every interpreter and compiler shows them.

    The file stays as the converter laid it out: lists are changed in place, and new names are put at its end.

    Args:
        data: a .tflite file with one signature.
        outputs: the signature's names of all its outputs.

    Raises:
        ModelError: no signature, or other outputs.
    """
    try:
        model = Flatbuffer(data).root()
        graph = model.tables(_MODEL_SUBGRAPHS)[0]
        (signature,) = model.tables(_MODEL_SIGNATURES)
        inputs, made = (_tensors(signature, side) for side in (_SIGNATURE_INPUTS, _SIGNATURE_OUTPUTS))
        place = graph.vector(_GRAPH_OUTPUTS, 4)
        if set(made) != set(outputs) or place is None or place[1] != len(outputs):
            raise ModelError(
                f"wanted the outputs {', '.join(outputs)} from the converter, got {', '.join(made)}"
            )
        copy = bytearray(data)
        struct.pack_into(f"<{len(outputs)}i", copy, place[0], *(made[name] for name in outputs))
        tensors = graph.tables(_GRAPH_TENSORS)
        for name, tensor in {**inputs, **made}.items():
            _rename(copy, tensors[tensor], name)
    except (Damaged, ValueError, IndexError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"wanted a TFLite model with one signature from the converter ({error})") from error
    return TfliteFile.read(bytes(copy), name="the converted model").data


def _tensors(signature: Table, side: int) -> dict[str, int]:
    return {entry.text(_MAP_NAME): entry.integer(_MAP_TENSOR, "I") for entry in signature.tables(side)}


def _rename(copy: bytearray, tensor: Table, name: str) -> None:
    field = tensor.where(_TENSOR_NAME)
    if field is None:
        raise Damaged("a tensor has no name")
    text = name.encode()
    copy += bytes(-len(copy) % 4)
    struct.pack_into(
        "<I", copy, field, len(copy) - field
    )  # offsets count forwards from where they are stored
    copy += struct.pack("<I", len(text)) + text + b"\0"
    copy += bytes(-len(copy) % 4)
