"""Where the TensorFlow Lite delegate is that runs Coral's PosenetDecoderOp in any interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_NAMES = {"win32": "posecore_tflite.dll", "darwin": "libposecore_tflite.dylib"}


def tflite_plugin_path() -> str:
    """The path of the library, for `load_delegate` of ai-edge-litert, tflite-runtime and tensorflow.lite.

    ```python
    plugin = load_delegate(posecore.tflite_plugin_path(), {"max_detections": 20})
    interpreter = Interpreter("posenet_..._quant_decoder.tflite", experimental_delegates=[plugin])
    ```

    A model that ends in a PosenetDecoderOp then runs as it does with Coral's libraries, and its outputs are theirs:
    poses (1, N, 17, 2) as (y, x) in input pixels, keypoint scores (1, N, 17), pose scores (1, N) and the number of
    poses (1), float32; rows beyond that number are zeros. BodyPix has masks (1, N, h, w) as a fifth: 1 in the cells of
    this person, else 0. The poses are those of `posecore.Decoder`. All else of the model stays with the interpreter and
    its other delegates. This one comes first beside delegates that take no dynamic tensors; the Edge TPU's takes them,
    and may stand on either side.

    Options replace those in the file: max_detections (1 to 10000), score_threshold (0 to 1), nms_radius (0 to 10000
    input pixels), stride (1 to 1024 input pixels). Further ones are posecore's: root_threshold and pose_threshold (0 to
    1), refine_steps (0 to 100), local_maximum_radius (0 to 100 cells), sampling ("bilinear", "nearest"), rescore (True,
    False), quiet (True: no sentence where something is wrong). `load_delegate` raises ValueError, with a sentence, for
    others.

    What the operator reads and writes: google-coral/libcoral, `coral/pose_estimation/posenet_decoder_op.cc`.

    Raises FileNotFoundError where this installation was built without it.
    """
    name = _NAMES.get(sys.platform, "libposecore_tflite.so")
    # An editable installation keeps the sources in one place and what it built in another.
    import posecore._core as core

    for package in (_HERE, Path(str(core.__file__)).resolve().parent):
        path = package / "lib" / name
        if path.is_file():
            return str(path)
    raise FileNotFoundError(
        f"this installation has no TensorFlow Lite delegate: wanted {name} in {_HERE / 'lib'}; it is built with "
        "-DPOSECORE_BUILD_TFLITE_PLUGIN=ON"
    )
