"""The networks of the field's papers, each a function that returns a functional `keras.Model`.

All take float32 pictures (n, height, width, channels) as pixel / 127.5 - 1, RGB, give a dict of outputs, and fit any
`Skeleton`. Needs the extra `train` (Keras), and nothing of it at import.
"""

from posecore.train.networks.batch_norm import fold_batch_norm
from posecore.train.networks.change_of_skeleton import with_skeleton
from posecore.train.networks.cpm import cpm
from posecore.train.networks.freezing import freeze
from posecore.train.networks.posenet import posenet
from posecore.train.networks.posenet_recognition import (
    DEFAULT_STRIDE_PX,
    RecognisedPosenet,
    recognise_posenet,
)
from posecore.train.networks.posenet_weights import load_posenet_weights
from posecore.train.networks.regressors import five_conv, four_conv, vgg16
from posecore.train.networks.simple_baseline import simple_baseline

__all__ = [
    "DEFAULT_STRIDE_PX",
    "RecognisedPosenet",
    "cpm",
    "five_conv",
    "fold_batch_norm",
    "four_conv",
    "freeze",
    "load_posenet_weights",
    "posenet",
    "recognise_posenet",
    "simple_baseline",
    "vgg16",
    "with_skeleton",
]
