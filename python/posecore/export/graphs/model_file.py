"""Opens a model file of any format that is known, by what is in it rather than by its name."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from posecore.arguments import size as size_argument
from posecore.bounded_file import read_bounded
from posecore.errors import ModelError
from posecore.export.graphs.model_graph import ModelGraph
from posecore.tfjs_folder import tfjs_descriptions

MOST_BYTES = 1 << 30
FORMATS = "wanted .tflite, .onnx, .pb, .keras, .kmodel or a tfjs model.json"


def read_model(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> tuple[Path, bytes]:
    """The file that is meant by a path, and its bytes.

    Args:
        path: of a .tflite, .onnx, .keras or .kmodel file, a frozen graph (.pb), a tfjs model.json, or a folder with one
            tfjs model.
        size: (width, height) in pixels, which is looked at before the file is.

    Raises:
        ModelError: there is no such file, or it is larger than 1 GiB.
        TypeError, ValueError: another path or size.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path: wanted the name of a file, got {type(path).__name__}")
    if size is not None:
        size_argument(size, "size")
    file = _in_folder(Path(path))
    too_many = f"is too large for a model: more than {MOST_BYTES} bytes"
    return file, read_bounded(file, MOST_BYTES, os.fspath(file), too_many=too_many)


def read_model_graph(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> ModelGraph:
    """The graph of a model file; nothing in it is run.

    Args:
        path, size: as in `read_model`; where a model leaves the size of its input free, shapes and multiplies are
            worked out for `size`.

    Raises:
        ModelError: no such file, none of these formats, damaged, or it does not take this size.
    """
    file, data = read_model(path, size=size)
    return model_graph(data, os.fspath(file), size=size)


def model_graph(data: bytes, name: str, *, size: tuple[int, int] | None = None) -> ModelGraph:
    """`read_model_graph` for bytes; `name` is what errors and tables call them, and tells .onnx from .pb."""
    if not data:
        raise ModelError(f"{name} is not a model: it is empty (0 bytes)")
    if data[4:8] == b"TFL3":
        from posecore.export.graphs.tflite_graph import tflite_graph

        return tflite_graph(data, name, size=size)
    if data[:4] == b"LDMK" or (data[:4] == b"\3\0\0\0" and Path(name).suffix.lower() == ".kmodel"):
        from posecore.export.graphs.kmodel_graph import kmodel_graph

        return kmodel_graph(data, name, size=size)
    if data[:4] == b"PK\3\4":
        if _holds_arrays(data, name):
            raise ModelError(
                f"{name} holds arrays (.npz), weights without a graph: where they are PoseNet's, `posecore convert "
                f"{shlex.quote(name)} model.keras` makes a file that can be looked into"
            )
        from posecore.export.graphs.keras_file import keras_file

        return keras_file(data, name, size=size)
    if data[:4] == b"\x89HDF":
        raise ModelError(
            f"{name} is an HDF5 file, Keras' old format: {FORMATS}; keras.saving.load_model and model.save write .keras"
        )
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _json_graph(data, name, size)
    suffix = Path(name).suffix.lower()
    # ModelProto begins with its IR version, a number, and GraphDef with a node.
    if suffix == ".onnx" or (suffix != ".pb" and data[:1] == b"\x08"):
        from posecore.export.graphs.onnx_graph import onnx_graph

        return onnx_graph(data, name, size=size)
    if suffix == ".pb" or data[:1] == b"\x0a":
        if data[:1] == b"\x08":
            raise ModelError(
                f"{name} is a TensorFlow SavedModel, which keeps its network in functions: wanted a frozen graph"
            )
        from posecore.export.graphs.graph_def import graph_def

        return graph_def(data, name, size=size)
    raise ModelError(
        f"{name} is not a model that is known: {FORMATS}, got bytes that begin with {data[:8].hex(' ')}"
    )


def _json_graph(data: bytes, name: str, size: tuple[int, int] | None) -> ModelGraph:
    from posecore.export.graphs.keras_file import MOST_CONFIG_BYTES, parse_json
    from posecore.export.graphs.tfjs_graph import tfjs_graph

    if len(data) > MOST_CONFIG_BYTES:
        raise ModelError(
            f"{name} is too large for a model.json: {len(data)} bytes, at most {MOST_CONFIG_BYTES}"
        )
    return tfjs_graph(parse_json(data, name), name, len(data), size=size)


def _in_folder(path: Path) -> Path:
    if not path.is_dir():
        return path
    if (path / "saved_model.pb").is_file():
        return path / "saved_model.pb"
    if (path / "config.toml").is_file():
        raise ModelError(
            f"{path} is the folder of a training run, which holds weights and no graph: `posecore convert "
            f"{shlex.quote(str(path))} model.keras` makes a file that can be looked into"
        )
    files = tfjs_descriptions(path)
    if len(files) != 1:
        raise ModelError(f"{path} is a folder with {len(files)} .json files of tfjs models: {FORMATS}")
    return files[0]


def _holds_arrays(data: bytes, name: str) -> bool:
    """Whether an archive is NumPy's, by its ending or by its first member."""
    if Path(name).suffix.lower() == ".npz":
        return True
    length = int.from_bytes(data[26:28], "little")
    return data[30 : 30 + length].endswith(b".npy")
