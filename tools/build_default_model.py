"""Build the model that posecore uses when it is given none: PoseNet MobileNetV1 0.75 as a float16 .tflite.

    python tools/build_default_model.py [--weights NPZ] [--out FILE]

Weights -> Keras (posecore.train.networks) -> TFLite with float16 weights, any height and width. Before the
file is put in place, the Keras graph is held against the published originals on a real picture: the
tfjs graph with its own weights, and a float32 .tflite of another project. Sources and licences: NOTICE.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from numpy.typing import NDArray

from posecore.errors import PosecoreError, require
from posecore.train.networks import load_posenet_weights, posenet

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("POSECORE_SHARED", REPOSITORY.parent / "shared")) / "data"
WEIGHTS = SHARED / "models" / "posenet_mobilenet_v1_075_weights_f32.npz"
TFJS_FOLDER = SHARED / "models" / "posenet_mobilenet_v1_075_tfjs"
FLOAT_TFLITE = SHARED / "models" / "posenet_mobilenet_v1_075_337_float.tflite"
PICTURE = SHARED / "pictures" / "coral_couple.jpg"
OUT = REPOSITORY / "python" / "posecore" / "data" / "posenet_mobilenet_v1_075.tflite"

HEAD_NAMES = ("heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2")
SIZE_PX = 337  # the one size that FLOAT_TFLITE takes
STRIDE_PX = 16
TOLERANCE = 1e-4  # of a head's largest value; the same kernels give 0, other float32 kernels up to 4e-5
ROUNDING_TOLERANCE = (
    0.2  # a guard against a broken file only; the largest differences are far from any person
)
MAX_BYTES = 2_600_000

Heads = dict[str, NDArray[np.float32]]


def tensorflow() -> Any:
    return require("tensorflow", extra="train", purpose="Building the default model")


def to_float16_tflite(model: Any) -> bytes:
    """The .tflite of a Keras model: batch 1, any height and width, outputs in the order of HEAD_NAMES."""
    tf = tensorflow()
    image = tf.TensorSpec((1, None, None, 3), tf.float32, name="image")
    function = tf.function(model, input_signature=[image])
    variables = tf.Module()
    variables.weights = [weight.value for weight in model.weights]  # else they stay variables in the file
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], variables)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return finish(converter.convert())


def finish(tflite: bytes) -> bytes:
    """Name the tensors as the signature does, and have every machine compute in float32.

    The converter leaves names like StatefulPartitionedCall:0, in no order of ours, and a mark that lets
    processors with half-precision arithmetic use it: the same picture would give other numbers there.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(tflite))
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    named = {entry.name.decode(): entry.tensorIndex for entry in (*signature.inputs, *signature.outputs)}
    for name, index in named.items():
        graph.tensors[index].name = name.encode()
    graph.outputs = [named[name] for name in HEAD_NAMES]
    model.metadata = [entry for entry in model.metadata if entry.name != b"reduced_precision_support"]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def run_keras(model: Any, image: NDArray[np.float32]) -> Heads:
    return {name: np.asarray(head) for name, head in model(image).items()}


def run_tfjs(folder: Path, image: NDArray[np.float32]) -> Heads:
    """Execute the graph of a tfjs graph model as TensorFlow, with the weights of its own shards."""
    tf = tensorflow()
    from google.protobuf import json_format

    description = json.loads((folder / "model-stride16.json").read_text())
    graph = json_format.ParseDict(description["modelTopology"], tf.compat.v1.GraphDef())
    constants = {}
    for group in description["weightsManifest"]:
        data = b"".join((folder / shard).read_bytes() for shard in group["paths"])
        at = 0
        for weight in group["weights"]:
            size = int(np.prod(weight["shape"]))
            constants[weight["name"]] = np.frombuffer(data, "<f4", size, at).reshape(weight["shape"])
            at += 4 * size
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(constants[node.name]))
    ends = [f"MobilenetV1/{name}/BiasAdd:0" for name in HEAD_NAMES]
    function = tf.compat.v1.wrap_function(
        lambda placeholder: tf.graph_util.import_graph_def(
            graph, input_map={"sub_2:0": placeholder}, return_elements=ends
        ),
        [tf.TensorSpec(image.shape, tf.float32)],
    )
    heads = function(tf.constant(image))
    return {name: head.numpy() for name, head in zip(HEAD_NAMES, heads, strict=True)}


def run_tflite(tflite: bytes, image: NDArray[np.float32]) -> Heads:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow announces that its interpreter moves to another package
        interpreter = tensorflow().lite.Interpreter(model_content=tflite)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, image.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, image)
    interpreter.invoke()
    return {d["name"]: interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()}


def network_input(path: Path) -> NDArray[np.float32]:
    """The picture, resized without regard to its aspect, as the network takes it."""
    cv2 = require("cv2", extra="app", purpose="Reading the picture of the check")
    picture = cv2.imread(str(path))
    if picture is None:
        raise ValueError(f"{path} must be a picture, got a file that OpenCV cannot read")
    square = cv2.resize(picture, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(square[None, :, :, ::-1] / np.float32(127.5) - np.float32(1), dtype=np.float32)


def differences(heads: Heads, reference: Heads) -> dict[str, tuple[float, float]]:
    """Per head, largest and median |difference|: logits for heatmaps, pixels for the others."""
    apart = {name: np.abs(heads[name].astype(np.float64) - reference[name]) for name in HEAD_NAMES}
    return {name: (float(d.max()), float(np.median(d))) for name, d in apart.items()}


def print_keypoint_shifts(heads: Heads, reference: Heads) -> None:
    """How far the arg-max cell of each heatmap, its offset and its displacements have moved, in px."""
    rows, columns, keypoints = reference["heatmap_2"].shape[1:]
    cells = {}
    for key, source in (("new", heads), ("old", reference)):
        cells[key] = source["heatmap_2"][0].reshape(-1, keypoints).argmax(axis=0)
    same = int((cells["new"] == cells["old"]).sum())
    row, column = np.unravel_index(cells["old"], (rows, columns))
    print(f"  arg-max cell the same for {same} of {keypoints} keypoints; there, largest shift in px:")
    for name in HEAD_NAMES[1:]:
        shift = np.abs(heads[name][0, row, column] - reference[name][0, row, column])
        print(f"    {name}: {shift.max():.4f} (median {np.median(shift):.4f})")


def compare(heads: Heads, reference: Heads, tolerance: float) -> None:
    """Print how far `heads` are from `reference`; ValueError beyond `tolerance` x its largest value."""
    for name, (largest, median) in differences(heads, reference).items():
        peak = float(np.abs(reference[name]).max())
        print(f"  {name}: max {largest:.2e}, median {median:.2e}; values up to {peak:.0f}")
        if not largest <= tolerance * peak:
            raise ValueError(f"{name} must be within {tolerance:.0e} of {peak:.1f}, got {largest:.2e} apart")


def build(weights: Path, out: Path) -> None:
    model = posenet("mobilenet_v1_075", output_stride=STRIDE_PX)
    load_posenet_weights(model, weights)
    image = network_input(PICTURE)
    heads = run_keras(model, image)
    where = f"{PICTURE.name} at {SIZE_PX} x {SIZE_PX}"
    print(f"float32 Keras graph against the tfjs original, {where}:")
    compare(heads, run_tfjs(TFJS_FOLDER, image), TOLERANCE)
    print(f"float32 Keras graph against {FLOAT_TFLITE.name}, {where}:")
    compare(heads, run_tflite(FLOAT_TFLITE.read_bytes(), image), TOLERANCE)

    tflite = to_float16_tflite(model)
    if len(tflite) > MAX_BYTES:
        raise ValueError(f"the model must be at most {MAX_BYTES} bytes, got {len(tflite)}")
    rounded = run_tflite(tflite, image)
    print(f"float16 file, {len(tflite)} bytes, against the float32 Keras graph:")
    compare(rounded, heads, ROUNDING_TOLERANCE)
    print_keypoint_shifts(rounded, heads)

    partial = out.with_name(out.name + ".partial")
    partial.write_bytes(tflite)
    os.replace(partial, out)
    print(f"wrote {out}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help=".npz of the weights")
    parser.add_argument("--out", type=Path, default=OUT, help=".tflite to write")
    arguments = parser.parse_args()
    try:
        build(arguments.weights, arguments.out)
    except (PosecoreError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
