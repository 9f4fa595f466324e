"""People in a picture with the calls of Coral's project-posenet: its simple_pose.py with one import changed.

    pip install "posecore[app]" pillow
    python examples/simple_pose.py posenet_mobilenet_v1_075_353_481_quant_decoder.tflite couple.jpg

The model is any PoseNet of project-posenet's: those whose names end in "_edgetpu" want an Edge TPU, the others none.
"""

import sys

from PIL import Image

from posecore.compat.coral import PoseEngine

poses, seconds = PoseEngine(sys.argv[1]).DetectPosesInImage(Image.open(sys.argv[2]))
print(f"Inference time: {seconds * 1000:.0f} ms")
for pose in poses:
    points = (f"{kind.name} {point.x:.0f},{point.y:.0f}" for kind, (point, _) in pose.keypoints.items())
    print(f"\nPose score: {pose.score:.2f}", *points, sep="\n  ")
