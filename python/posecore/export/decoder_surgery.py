"""Taking a PosenetDecoderOp off the end of a .tflite model, and putting one there.

Coral's pose models end in that operator: its inputs are the heads, its outputs people. A stock interpreter does not
know it, and the Edge TPU's compiler wants a model that ends in its heads; a device with Coral's libraries wants it.
What the operator reads and writes: google-coral/libcoral, `coral/pose_estimation/posenet_decoder_op.cc`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from posecore import arguments
from posecore.errors import ModelError
from posecore.export.tflite_front import (
    Fields,
    Indices,
    Node,
    Number,
    fronted,
    model_fields,
    root_of,
    subgraph_fields,
    tensor_fields,
)
from posecore.runtime.decoder_options import DECODER, DecoderOptions
from posecore.runtime.flatbuffer import Damaged
from posecore.runtime.tflite_file import TfliteFile
from posecore.runtime.tflite_operators import Tensor
from posecore.skeletons import COCO17

if TYPE_CHECKING:
    from posecore.export.contract import Contract

# TensorFlow's schema.fbs: the number of custom operators.
_CUSTOM = 32


def strip_decoder(data: bytes) -> bytes:
    """A copy of a .tflite model that ends where its PosenetDecoderOp begins; any stock interpreter runs it.

    Its outputs are the decoder's inputs: heatmaps, short offsets, mid offsets and, where there are some, long offsets;
    then those outputs of the model that the decoder did not make. Signatures are dropped. The tensors that the decoder
    wrote stay in the file's list, unused, and `append_decoder` puts them to use again.

    Raises TypeError for anything but bytes, ModelError where they are not a usable model, or one without a decoder.
    """
    return _read(data).without_decoder()


def append_decoder(data: bytes, options: DecoderOptions | None = None) -> bytes:
    """A copy of a .tflite model whose first three outputs, its heads, go into a PosenetDecoderOp at its end.

    The heads are, in this order, heatmaps (1, h, w, 17) as logits, short offsets (1, h, w, 34) and mid offsets
    (1, h, w, 64) = forward, then backward displacements, in input pixels, y before x: all uint8 with scale and zero
    point, or all float32. A fourth output of long offsets (BodyPix; 34 channels, "long_offset" in its name) goes in as
    well. The outputs are then, float32: poses (1, N, 17, 2) as (y, x) in input pixels, keypoint scores (1, N, 17), pose
    scores (1, N), and the number of poses; with long offsets, masks; then the outputs that are no heads. Signatures are
    dropped; all else stays as it is, to the byte. It may have been compiled for the Edge TPU before.

    `options`: None is Coral's own: 20 people, threshold .2, radius 10 px, stride 16. Numbers are stored as float32.

    Raises TypeError or ValueError for options that no decoder could use; ModelError where the bytes are not a usable
    model, have a decoder already, or end in anything but such heads.
    """
    options = checked_options(DecoderOptions() if options is None else options)
    file = _read(data)
    if file.decoder is not None:
        raise ModelError(f"{file.name} has a {DECODER} already: take that one out first")
    try:
        copy = _with_operator(file, options)
    except Damaged as error:
        raise ModelError(f"{file.name} cannot be given a decoder: {error}") from None
    # Parts of a file from elsewhere may overlap: read it again.
    made = TfliteFile.read(copy, name=f"{file.name} with a decoder")
    if made.decoder != stored(options):
        raise ModelError(f"{file.name} cannot be given a decoder: its parts overlap")
    return made.data


def checked_options(options: object) -> DecoderOptions:
    """`options` where a decoder can use them: TypeError or ValueError otherwise."""
    if not isinstance(options, DecoderOptions):
        raise TypeError(f"options: wanted DecoderOptions, got {type(options).__name__}")
    return DecoderOptions(
        max_detections=arguments.whole(options.max_detections, "max_detections", 1, 10_000),
        score_threshold=arguments.number(options.score_threshold, "score_threshold", 0, 1),
        nms_radius_px=arguments.number(options.nms_radius_px, "nms_radius_px", 0, 10_000),
        stride_px=arguments.whole(options.stride_px, "stride_px", 1, 1024),
    )


def fitting_options(found: Contract, decoder: DecoderOptions) -> DecoderOptions:
    """`decoder` where the operator can decode this network: ValueError or TypeError otherwise."""
    options = checked_options(decoder)
    found.with_mid_offsets()
    if found.skeleton.edges != COCO17.edges or found.skeleton.num_keypoints != COCO17.num_keypoints:
        raise ValueError(
            f"decoder: wanted a network of COCO's 17 keypoints and their edges, which are built into {DECODER}, "
            f"got {found.skeleton.name}"
        )
    if options.stride_px != found.stride_px:
        raise ValueError(
            f"decoder: wanted stride_px {found.stride_px:g}, as {found.model.name} has it, got {options.stride_px}"
        )
    return options


def stored(options: DecoderOptions) -> DecoderOptions:
    """`options` as they are read from a file, where numbers are float32."""

    def rounded(value: float) -> float:
        return float(f"{struct.unpack('<f', struct.pack('<f', value))[0]:.7g}")

    return DecoderOptions(
        options.max_detections,
        rounded(options.score_threshold),
        rounded(options.nms_radius_px),
        options.stride_px,
    )


def packed_options(options: DecoderOptions, *, quantised: bool) -> bytes:
    """The operator's FlexBuffer: a map with values of 4 bytes, keys in alphabetical order, as in Coral's newest files.

    `quantised` heads come with two more entries, which TensorFlow's converter writes and the operator passes over.
    """
    entries: dict[str, int | float | bool] = {
        "max_detections": options.max_detections,
        "nms_radius": float(options.nms_radius_px),
        "score_threshold": float(options.score_threshold),
        "stride": options.stride_px,
    }
    if quantised:
        entries |= {"_output_quantized": True, "_support_output_type_float_in_quantized_op": True}
    names = sorted(entries)
    out = bytearray()
    starts = []
    for name in names:
        starts.append(len(out))
        out += name.encode() + b"\0"
    out.append(len(names))
    keys = len(out)
    out += bytes(keys + i - start for i, start in enumerate(starts))
    out += bytes(-len(out) % 4)
    out += struct.pack("<III", len(out) - keys, 1, len(names))
    values = len(out)
    types = b""
    for name in names:
        value = entries[name]
        # FlexBuffer types: 26 a truth value, 1 a whole number, 3 a float; the 2 says 4 bytes.
        kind, code = (
            (26, "I") if isinstance(value, bool) else (1, "i") if isinstance(value, int) else (3, "f")
        )
        out += struct.pack("<" + code, value)
        types += bytes([kind << 2 | 2])
    out += types
    # The root: how far back the map's values begin, a map (9) of width 4, itself 1 byte wide.
    return bytes(out) + bytes([len(out) - values, 9 << 2 | 2, 1])


def _read(data: object) -> TfliteFile:
    if not isinstance(data, bytes):
        raise TypeError(f"data: wanted the bytes of a .tflite file, got {type(data).__name__}")
    return TfliteFile.read(data)


def _with_operator(file: TfliteFile, options: DecoderOptions) -> bytes:
    main = file.main
    heads = main.outputs[: _head_count(file)]
    tensors = [main.tensors[i] for i in heads]
    model = root_of(file.data)
    fields = model_fields(model)
    graph = model.tables(2)[0]
    network = subgraph_fields(graph)
    codes, listed, buffers = (cast("list[Node]", nodes) for nodes in (fields[1], network[0], fields[4]))
    kinds = [table.text(1) for table in model.tables(1)]
    if DECODER not in kinds:
        kinds.append(DECODER)
        codes.append({0: Number("b", _CUSTOM), 1: DECODER, 2: Number("i", 1), 3: Number("i", _CUSTOM)})
    shapes = _output_shapes(options.max_detections, tensors)
    outputs = _vacant(file, len(shapes))
    if outputs:
        for number, shape in zip(outputs, shapes, strict=True):
            if main.tensors[number].shape not in ((), shape):
                listed[number] = tensor_fields(graph.tables(0)[number]) | {0: Indices(shape)}
    else:
        for i, shape in enumerate(shapes):
            buffers.append({})
            name = f"poses:{i}" if i else "poses"
            # Type 0 is float32; a buffer without bytes is what operators write to.
            listed.append({0: Indices(shape), 1: Number("b", 0), 2: Number("I", len(buffers) - 1), 3: name})
        outputs = list(range(len(main.tensors), len(listed)))
    quantised = tensors[0].dtype != "float32"
    operator: Fields = {
        0: Number("I", kinds.index(DECODER)),
        1: Indices(heads),
        2: Indices(outputs),
        5: packed_options(options, quantised=quantised),
    }
    cast("list[Node]", network[3]).append(operator)
    network[2] = Indices([*outputs, *main.outputs[len(heads) :]])
    cast("list[Node]", fields[2])[0] = network
    return fronted(file.data, fields)


def _head_count(file: TfliteFile) -> int:
    """3, or 4 with long offsets; ModelError where the model does not end in heads that the decoder takes."""
    outputs = file.outputs
    shown = ", ".join(f"{o.name} {o.dtype} {list(o.shape)}" for o in outputs[:8])
    wanted = (
        f"{file.name}: a {DECODER} wants heatmaps (1, h, w, 17), short offsets (1, h, w, 34) and mid offsets "
        "(1, h, w, 64) as the first outputs"
    )
    shapes = [output.shape for output in outputs[:3]]
    grid = shapes[0][1:3] if len(shapes[0]) == 4 else ()
    if shapes != [(1, *grid, channels) for channels in (17, 34, 64)] or min(grid, default=0) < 1:
        raise ModelError(f"{wanted}, got {shown}")
    count = 3
    if len(outputs) > 3 and "long_offset" in outputs[3].name and outputs[3].shape == (1, *grid, 34):
        count = 4
    heads = outputs[:count]
    dtypes = {head.dtype for head in heads}
    if len(dtypes) != 1 or not dtypes <= {"uint8", "float32"}:
        raise ModelError(f"{wanted}, all uint8 or all float32, got {shown}")
    if any((head.dtype == "uint8") != (head.quantization is not None) for head in heads):
        raise ModelError(f"{wanted}, with a scale and zero point where they are uint8, got one without")
    return count


def _output_shapes(people: int, heads: Sequence[Tensor]) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = [(1, people, 17, 2), (1, people, 17), (1, people), ()]
    if len(heads) == 4:
        shapes.append((1, people, *heads[0].shape[1:3]))
    return shapes


def _vacant(file: TfliteFile, count: int) -> list[int]:
    """The tensors that a decoder wrote before it was taken out, where all `count` are there; else none."""
    main = file.main
    used = {*main.inputs, *main.outputs, *(i for op in main.operators for i in (*op.inputs, *op.outputs))}
    vacant = []
    for number in range(count):
        name = f"poses:{number}" if number else "poses"
        vacant += [
            i
            for i, tensor in enumerate(main.tensors)
            if tensor.name == name and tensor.dtype == "float32" and tensor.constant is None and i not in used
        ]
    return vacant if len(vacant) == count else []
