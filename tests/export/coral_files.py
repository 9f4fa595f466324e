"""Coral's own files, small models like them, and what stands in for Google's compiler."""

from __future__ import annotations

import sys
from pathlib import Path

from posecore.runtime.tflite_file import TfliteFile
from runtime.tiny_tflite import CUSTOM, UINT8, Model

WITH_DECODER = (
    "posenet_mobilenet_v1_075_353_481_quant_decoder.tflite",
    "posenet_mobilenet_v1_075_353_481_quant_decoder_edgetpu.tflite",
    "posenet_mobilenet_v1_075_353_481_16_quant_decoder.tflite",
    "bodypix_mobilenet_v1_075_512_512_16_quant_decoder.tflite",
)


def heads_model(*, channels: tuple[int, ...] = (17, 34, 64), dtype: int = 0) -> Model:
    """A picture of 4x6 pixels in, heads of 1, 2, 3, ... out, all float32, or where `dtype` says so all codes."""
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    model.inputs = [picture]
    names = ("heatmaps", "short_offsets", "mid_offsets", "long_offsets", "segments")
    for i, count in enumerate(channels):
        head = model.convolution(picture, [1, 4, 6, count], name=names[i], bias=i + 1.0)
        if dtype:
            codes = model.tensor([1, 4, 6, count], name=names[i], dtype=dtype, scale=0.05, zero_point=100)
            model.operator(114, [head], [codes])
            head = codes
        model.outputs.append(head)
    return model


def compiled_like(data: bytes) -> bytes:
    """What a compiler would make of a model that it maps whole: one operator, the same picture and heads."""
    file = TfliteFile.read(data)
    model = Model()
    ends: list[list[int]] = []
    for infos in (file.inputs, file.outputs):
        ends.append([])
        for info in infos:
            assert info.quantization is not None
            scale, zero = info.quantization.scale, info.quantization.zero_point
            ends[-1].append(
                model.tensor(info.shape, name=info.name, dtype=UINT8, scale=scale, zero_point=zero)
            )
    model.inputs, model.outputs = ends
    model.operator(CUSTOM, model.inputs, model.outputs, custom="edgetpu-custom-op", custom_options=b"program")
    return bytes(model)


def fake_compiler(folder: Path, body: str) -> Path:
    """An executable that runs these lines of Python in the place of edgetpu_compiler; gives its path."""
    path = folder / "edgetpu_compiler"
    tests = Path(__file__).resolve().parent.parent
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:0] = [{str(tests)!r}, {str(tests / 'export')!r}]\n{body}\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


WORKING = '''
import pathlib
from coral_files import compiled_like
out, model = sys.argv[sys.argv.index("-o") + 1], pathlib.Path(sys.argv[-1])
pathlib.Path(out, model.stem + "_edgetpu.tflite").write_bytes(compiled_like(model.read_bytes()))
print("""Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 12 ms.

Input model: model.tflite
Input size: 740.00KiB
Output model: ./model_edgetpu.tflite
Output size: 1.02MiB
On-chip memory used for caching model parameters: 604.50KiB
On-chip memory remaining for caching model parameters: 6.25MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 34
Operation log: ./model_edgetpu.log

Operator                       Count      Status

CONV_2D                        17         Mapped to Edge TPU
DEPTHWISE_CONV_2D              13         Mapped to Edge TPU
QUANTIZE                       3          Mapped to Edge TPU
CUSTOM                         1          Operation is working on an unsupported data type
Compilation child process completed within timeout period.
Compilation succeeded! """)
'''
