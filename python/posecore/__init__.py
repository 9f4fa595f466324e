"""Human pose estimation for the edge: a C++ core under a Python API.

```python
import posecore as pc

poses = pc.Estimator()(image)        # RGB uint8 (H, W, 3) -> Poses, in this image's pixels
decoder = pc.Decoder(pc.COCO17, stride_px=16)
poses = decoder(heatmaps, short_offsets, displacement_fwd, displacement_bwd)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from posecore import errors, skeletons
from posecore._core import __version__
from posecore.decode import Decoder, HeatmapDecoder, SingleDecoder
from posecore.errors import MissingExtra, ModelError, PosecoreError, SourceError
from posecore.heads import Heads, Quantization
from posecore.install import cmake_dir, include_dir
from posecore.lazy_names import lazy_names
from posecore.poses import Poses
from posecore.skeletons import COCO17, COCO_FEET23, CROWDPOSE14, MPII16, Skeleton

if TYPE_CHECKING:
    from posecore.drawing import draw
    from posecore.evaluation.coco import evaluate
    from posecore.masks import instance_masks
    from posecore.offline import smooth_tracks
    from posecore.runtime.estimator import Estimator
    from posecore.similarity import oks
    from posecore.smooth import KalmanSmoother, OneEuroSmoother
    from posecore.streaming import stream
    from posecore.swaps import SwapRepair
    from posecore.tflite_plugin import tflite_plugin_path
    from posecore.track import Track, Tracker

# Imported when first used: what decodes heads does not wait for them.
_LAZY = {
    "Estimator": "posecore.runtime.estimator",
    "KalmanSmoother": "posecore.smooth",
    "OneEuroSmoother": "posecore.smooth",
    "SwapRepair": "posecore.swaps",
    "Track": "posecore.track",
    "Tracker": "posecore.track",
    "draw": "posecore.drawing",
    "evaluate": "posecore.evaluation.coco",
    "instance_masks": "posecore.masks",
    "oks": "posecore.similarity",
    "smooth_tracks": "posecore.offline",
    "stream": "posecore.streaming",
    "tflite_plugin_path": "posecore.tflite_plugin",
}

__all__ = [
    "COCO17",
    "COCO_FEET23",
    "CROWDPOSE14",
    "MPII16",
    "Decoder",
    "Estimator",
    "Heads",
    "HeatmapDecoder",
    "KalmanSmoother",
    "MissingExtra",
    "ModelError",
    "OneEuroSmoother",
    "PosecoreError",
    "Poses",
    "Quantization",
    "SingleDecoder",
    "Skeleton",
    "SourceError",
    "SwapRepair",
    "Track",
    "Tracker",
    "__version__",
    "cmake_dir",
    "draw",
    "errors",
    "evaluate",
    "include_dir",
    "instance_masks",
    "oks",
    "skeletons",
    "smooth_tracks",
    "stream",
    "tflite_plugin_path",
]

__getattr__, __dir__ = lazy_names(__name__, _LAZY)
