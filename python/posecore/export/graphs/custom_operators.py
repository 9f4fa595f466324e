"""Sentences about the CUSTOM operators of TFLite files: what they are, what their options say, who can run them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from posecore.export.graphs.edge_tpu_package import EdgeTpuPackage, read_package
from posecore.printable import printable
from posecore.runtime.decoder_options import DECODER, decoder_options
from posecore.runtime.flatbuffer import Damaged, flexbuffer_entries
from posecore.runtime.tflite_operators import Operator

EDGE_TPU = "edgetpu-custom-op"
_VERSION, _CHIP, _PACKAGE, _PREFERENCE = "1", "2", "4", "5"


def explain(operator: Operator) -> tuple[dict[str, object], tuple[str, ...], str]:
    """Options of a custom operator, sentences about it, and the unit that runs it ("" for the CPU).

    What cannot be read is one of the sentences; nothing is raised.
    """
    if operator.name == EDGE_TPU:
        return _edge_tpu(operator)
    if operator.name == DECODER:
        return _decoder(operator)
    entries = _entries(operator)
    return (
        {key: _plain(value) for key, value in entries.items()},
        (
            f"{printable(operator.name)} is not an operator of TFLite's own: only a runtime that registers it runs it.",
        ),
        "",
    )


def _entries(operator: Operator) -> Mapping[str, bool | int | float | memoryview]:
    try:
        return flexbuffer_entries(operator.custom_options) if len(operator.custom_options) else {}
    except Damaged:
        return {}


def _edge_tpu(operator: Operator) -> tuple[dict[str, object], tuple[str, ...], str]:
    entries = _entries(operator)
    chip, package = entries.get(_CHIP), entries.get(_PACKAGE)
    options: dict[str, object] = {}
    sentences = [
        "A network compiled for Google's Edge TPU: everything between its inputs and outputs runs on the chip, "
        "as one step, and its layers cannot be seen from outside.",
    ]
    if _VERSION in entries:
        options["version"] = _plain(entries[_VERSION])
    if isinstance(chip, memoryview):
        options["chip"] = _plain(chip)
    if _PREFERENCE in entries:
        options["preference"] = _plain(entries[_PREFERENCE])
    if not isinstance(package, memoryview):
        sentences.append("Its options have no package that could be read.")
        return options, tuple(sentences), "Edge TPU"
    options["package_bytes"] = len(package)
    try:
        found = read_package(package)
    except Damaged as error:
        sentences.append(f"Its package of {len(package):,} bytes could not be looked into: {error}.")
        return options, tuple(sentences), "Edge TPU"
    options["min_runtime_version"] = found.min_runtime_version
    options["parameter_bytes_on_chip"] = found.cached_bytes
    options["parameter_bytes_each_run"] = found.streamed_bytes
    options["programs"] = [each.type for each in found.programs]
    for each in found.programs:
        if each.estimated_cycles:
            options["estimated_cycles"] = each.estimated_cycles
        if each.memory_bytes_per_tile:
            options["memory_bytes_per_tile"] = each.memory_bytes_per_tile
    sentences.extend(_package_sentences(found, len(package), options.get("chip")))
    return options, tuple(sentences), "Edge TPU"


def _package_sentences(package: EdgeTpuPackage, size: int, chip: object) -> list[str]:
    sentences = [
        f"Its package has {size:,} bytes for the chip {chip or 'that it does not name'} and wants libedgetpu's runtime "
        f"{package.min_runtime_version} or newer."
    ]
    if package.cached_bytes:
        sentences.append(
            f"{package.cached_bytes:,} bytes of weights are put into the chip's memory once and stay there."
        )
    if package.streamed_bytes:
        sentences.append(
            f"{package.streamed_bytes:,} bytes of weights do not fit there and go over the bus with every run."
        )
    for program in package.programs:
        if program.inputs or program.outputs:
            listed = [
                f"{printable(layer.name)} {'x'.join(map(str, layer.shape))} {layer.dtype}, "
                f"real = (q - {layer.zero_point}) * {layer.scale:.7g}"
                for layer in program.outputs[:16]
            ]
            sentences.append(f"Out of the chip: {'; '.join(listed)}.")
    return sentences


def _decoder(operator: Operator) -> tuple[dict[str, object], tuple[str, ...], str]:
    entries = _entries(operator)
    options: dict[str, object] = {key: _plain(value) for key, value in entries.items()}
    try:
        known = decoder_options(operator.custom_options)
    except Damaged as error:
        return options, (f"A decoder of poses whose options are wrong: {error}.",), "CPU"
    count = len(operator.inputs)
    heads = "heatmaps, short offsets, mid offsets" + (", long offsets" if count > 3 else "")
    made = "poses (y, x in input pixels), keypoint scores, pose scores and how many of them count"
    return (
        options,
        (
            f"Coral's decoder of PoseNet's heads: it reads {heads} and gives {made}"
            f"{', and masks of people' if count > 3 else ''}.",
            f"At most {known.max_detections} people, scores from {known.score_threshold:g}, equal keypoints of two "
            f"people at least {known.nms_radius_px:g} px apart, cells {known.stride_px} px apart.",
            "Stock TFLite does not have it (Unresolved custom op: PosenetDecoderOp): posecore cuts it off and decodes "
            "by itself, with these options where no others are given; other programs get it from "
            "load_delegate(posecore.tflite_plugin_path()).",
        ),
        "CPU",
    )


def _plain(value: bool | int | float | memoryview) -> bool | int | float | str:
    if isinstance(value, memoryview):
        if len(value) <= 64:
            return printable(bytes(value).decode("utf-8", "replace"))
        return f"{len(value):,} bytes"
    # Stored as float32: 0.2, not 0.20000000298.
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else str(value)
    return value
