"""Networks that are cheap to export, one that is real, and pictures to calibrate with."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from given_weights import give_weights

import posecore


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras on TensorFlow; what asks for it skips without them."""
    # Their imports warn about themselves; what they do when posecore calls them is not excused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf = pytest.importorskip(
            "tensorflow", reason='TensorFlow is not installed: pip install "posecore[export]"'
        )
        found = pytest.importorskip("keras", reason='Keras is not installed: pip install "posecore[export]"')
    # Another test may have started it already.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
    return found


@pytest.fixture(scope="session")
def cv2() -> Any:
    return pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[export]"')


@pytest.fixture(scope="session")
def photographs(shared: Path) -> Path:
    """A folder of nine pictures with people."""
    return shared / "data" / "pictures"


@pytest.fixture(scope="session")
def people(cv2: Any) -> np.ndarray:
    """The picture that comes with the package, twice as large: RGB, uint8 (720, 1280, 3), several people."""
    path = Path(posecore.__file__).parent / "data/people.jpg"
    large = cv2.resize(cv2.imread(str(path)), (1280, 720), interpolation=cv2.INTER_CUBIC)
    picture = np.ascontiguousarray(large[:, :, ::-1])
    picture.flags.writeable = False
    return picture


@pytest.fixture(scope="session")
def tiny_posenet(keras: Any) -> Any:
    """A PoseNet of three small convolutions, stride 16, for any size: heads of COCO's 17 keypoints with the names and
    channels of the real one. Exported in a second."""
    image = keras.Input((None, None, 3), name="image")
    x = image
    for number, filters in enumerate((8, 8, 16, 16)):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", name=f"conv2d_{number}")(x)
        x = keras.layers.ReLU(6.0, name=f"conv2d_{number}_relu6")(x)
    channels = {"heatmap_2": 17, "offset_2": 34, "displacement_fwd_2": 32, "displacement_bwd_2": 32}
    heads = {name: keras.layers.Conv2D(count, 1, name=name)(x) for name, count in channels.items()}
    model = keras.Model(image, heads, name="tiny_posenet")
    give_weights(model)
    return model


@pytest.fixture(scope="session")
def posenet_050(keras: Any, shared: Path) -> Any:
    """The official PoseNet MobileNetV1 0.50, stride 16, for pictures of 257 x 257 pixels."""
    from posecore.train.networks import load_posenet_weights, posenet

    model = posenet("mobilenet_v1_050", input_size=(257, 257))
    load_posenet_weights(model, shared / "data/models/posenet_mobilenet_v1_050_weights_f16.npz")
    return model
