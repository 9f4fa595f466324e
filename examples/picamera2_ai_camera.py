"""People in front of a Raspberry Pi AI Camera, found on its sensor: a line for each person of each frame.

    sudo apt install imx500-all python3-picamera2
    pip install posecore
    python examples/picamera2_ai_camera.py [NETWORK.rpk]

The virtual environment must see Picamera2: `python -m venv --system-site-packages`. Ctrl-C ends it.
"""

import sys

from picamera2 import Picamera2
from picamera2.devices import IMX500

from posecore.compat.imx500 import decode

NETWORK = "/usr/share/imx500-models/imx500_network_posenet.rpk"
MAIN_SIZE = (1280, 960)

sensor = IMX500(sys.argv[1] if len(sys.argv) > 1 else NETWORK)  # before the camera opens
camera = Picamera2(sensor.camera_num)
camera.start(camera.create_preview_configuration(main={"size": MAIN_SIZE}, buffer_count=12))
while True:
    metadata = camera.capture_metadata()
    if "CnnOutputTensor" in metadata:  # the network is slower than the camera
        poses = decode(metadata["CnnOutputTensor"], scaler_crop=metadata["ScalerCrop"], main_size=MAIN_SIZE)
        for score, (x, y) in zip(poses.pose_scores, poses.xy[:, 0], strict=True):
            print(f"{score:.2f}  nose at {x:.0f}, {y:.0f}", flush=True)
