"""The probes of `posecore doctor`, each of which runs in a process of its own: `python -m posecore.doctor.probes NAME`.

What they import may print, crash, hang, or raise anything; the process that asked lives on.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from posecore.doctor.finding import one_line
from posecore.doctor.requirements import extras, install_line, installed

Row = tuple[str, str, str, str]
"""Name, status, what is said, and what is typed to mend it; see `Finding`."""

# The default network on a ramp from -1 to 1 in 33x49 pixels: the mean of its heatmap logits. ai-edge-litert 2.3.0 and
# tensorflow 2.21.0, with XNNPACK and without, differ by less than .0001.
_RAMP_SIZE = (33, 49)
_RAMP_MEAN = -10.0865
_RAMP_TOLERANCE = 0.02
_EDGE_TPU_LIBRARIES = {"win32": "edgetpu.dll", "darwin": "libedgetpu.1.dylib"}
_GET_EDGE_TPU = "sudo apt-get install libedgetpu1-std"
_EDGE_TPU_SOURCE = "it comes from the package source that https://coral.ai/software names"
_TWO_OPENCVS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def interpreter(name: str, distribution: str) -> list[Row]:
    """Whether an interpreter runs the default network, and gets its numbers right."""
    import numpy as np

    from posecore.runtime.tflite_libraries import construct, library, library_version, set_input_size

    version = installed(distribution)
    if name == "tflite-runtime" and int(np.__version__.partition(".")[0]) >= 2:
        said = f"{version}: its first interpreter dies under NumPy 2, and NumPy is {np.__version__}"
        return [(distribution, "broken", said, 'pip install "numpy<2"')]
    module = library(name)
    model = files("posecore").joinpath("data/posenet_mobilenet_v1_075.tflite").read_bytes()
    loaded = construct(module, model, threads=1, exact=False, delegates=[])
    set_input_size(loaded, *_RAMP_SIZE)
    shape = (1, *_RAMP_SIZE, 3)
    ramp = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    loaded.set_tensor(loaded.get_input_details()[0]["index"], ramp)
    loaded.invoke()
    maps = [loaded.get_tensor(one["index"]) for one in loaded.get_output_details() if one["shape"][-1] == 17]
    mean = float(np.mean(maps[0])) if maps else float("nan")
    version = library_version(module).removeprefix(f"{distribution} ")
    title = "tensorflow.lite" if name == "tensorflow" else distribution
    if not abs(mean - _RAMP_MEAN) < _RAMP_TOLERANCE:
        said = (
            f"{version} runs the default network, but its heatmaps average {mean:.4f} instead of {_RAMP_MEAN}"
        )
        return [(title, "broken", said, f"pip install --force-reinstall {distribution}")]
    return [(title, "ok", f"{version}, runs the default network", "")]


def tensorflow() -> list[Row]:
    """TensorFlow, its interpreter, and Keras where it is installed, which imports TensorFlow behind it."""
    rows = _versions("tensorflow", "tensorflow", "train")
    rows += interpreter("tensorflow", "tensorflow")
    if all(installed(name) for name in ("tensorflow", "tensorflow-cpu")):
        said = "tensorflow and tensorflow-cpu are both installed and overwrite each other's files"
        rows.append(("tensorflow-cpu", "broken", said, "pip uninstall tensorflow-cpu"))
    if importlib.util.find_spec("keras") is not None:
        try:
            rows += keras()
        except Exception as error:
            rows.append(("keras", "broken", one_line(f"cannot be imported: {error}"), install_line("train")))
    return rows


def keras() -> list[Row]:
    """Keras where TensorFlow is not installed or broken."""
    return _versions("keras", "keras", "train")


def opencv() -> list[Row]:
    """OpenCV: reads and writes, opens windows or not, and what it opens videos with."""
    import numpy as np

    cv2 = importlib.import_module("cv2")
    picture = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
    done, data = cv2.imencode(".png", picture)
    if not done or not np.array_equal(cv2.imdecode(data, cv2.IMREAD_COLOR), picture):
        return [
            (
                "OpenCV",
                "broken",
                f"{cv2.__version__} does not read the PNG that it wrote",
                install_line("app"),
            )
        ]
    gui = re.search(r"GUI:\s+(\S+)", cv2.getBuildInformation())
    windows = "no windows (headless)" if gui is None or gui[1] == "NONE" else f"windows by {gui[1]}"
    registry = cv2.videoio_registry
    backends = {registry.getBackendName(one) for one in registry.getBackends() if registry.hasBackend(one)}
    names = sorted(backends & {"FFMPEG", "GSTREAMER", "V4L2", "AVFOUNDATION", "MSMF", "DSHOW"})
    videos = f"videos by {', '.join(names)}" if names else "no videos"
    row: Row = ("OpenCV", "ok" if names else "broken", f"{cv2.__version__}, {windows}, {videos}",
                "" if names else install_line("app"))  # fmt: skip
    several = [name for name in _TWO_OPENCVS if installed(name)]
    if len(several) < 2:
        return [row]
    said = f"{' and '.join(several)} overwrite each other's files"
    return [row, ("OpenCV twice", "broken", said, f"pip uninstall {' '.join(several[1:])}")]


def edge_tpu() -> list[Row]:
    """Google's library for the Edge TPU, and the devices that the system shows."""
    path = _EDGE_TPU_LIBRARIES.get(sys.platform, "libedgetpu.so.1")
    try:
        loaded = ctypes.CDLL(path)
        _ = loaded.tflite_plugin_create_delegate
    except (OSError, AttributeError) as error:
        absent = "cannot open shared object file: No such file" in str(error) or "not found" in str(error)
        why = (
            f"is not installed; {_EDGE_TPU_SOURCE}" if absent else f"is there, but cannot be loaded: {error}"
        )
        rows: list[Row] = [("libedgetpu", "missing" if absent else "broken", f"{path} {why}", _GET_EDGE_TPU)]
    else:
        version = ""
        with contextlib.suppress(AttributeError):
            loaded.edgetpu_version.restype = ctypes.c_char_p
            version = (loaded.edgetpu_version() or b"").decode("ascii", "replace")
        rows = [("libedgetpu", "ok", version or path, "")]
    from posecore.doctor.devices import edge_tpus

    return [*rows, *edge_tpus(Path("/"))]


def cameras() -> list[Row]:
    """The cameras that Linux shows."""
    from posecore.doctor.devices import cameras as found

    return found(Path("/dev"))


def pipeline() -> list[Row]:
    """The default model on the default picture: what `posecore predict` does when nothing is said."""
    from posecore.runtime.estimator import Estimator
    from posecore.sources import find_sources, read_picture

    estimator = Estimator()
    poses = estimator(read_picture(find_sources([])[0]))
    name = "default pipeline"
    if not len(poses):
        return [
            (name, "broken", f"{estimator.library} finds nobody in the default picture", install_line("app"))
        ]
    people = f"{len(poses)} {'person' if len(poses) == 1 else 'people'}"
    said = (
        f"{people} in the default picture, best score {poses.pose_scores.max():.2f}, by {estimator.library}"
    )
    return [(name, "ok", said, "")]


def _versions(module: str, distribution: str, extra: str) -> list[Row]:
    """A package that can be imported, and whose version is one that the extra asks for."""
    loaded = importlib.import_module(module)
    version = str(getattr(loaded, "__version__", "")) or str(installed(distribution))
    wanted = [one for one in extras().get(extra, []) if one.name == distribution]
    if all(one.allows(version) for one in wanted):
        return [(distribution, "ok", version, "")]
    spelled = " or ".join(",".join(map("".join, one.versions)) for one in wanted)
    return [(distribution, "broken", f"{version}, where posecore wants {spelled}", install_line(extra))]


PROBES: dict[str, Callable[[], list[Row]]] = {
    "ai-edge-litert": lambda: interpreter("litert", "ai-edge-litert"),
    "tflite-runtime": lambda: interpreter("tflite-runtime", "tflite-runtime"),
    "tensorflow": tensorflow,
    "keras": keras,
    "OpenCV": opencv,
    "libedgetpu": edge_tpu,
    "cameras": cameras,
    "default pipeline": pipeline,
}
"""By the name that a finding has where the probe itself breaks."""

_EXTRAS = {"tflite-runtime": "tflite-runtime", "tensorflow": "train", "keras": "train"}


def main() -> None:
    """Write the rows of the probe that argv names to stdout as JSON; what libraries print goes to stderr."""
    name = sys.argv[1]
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)
        rows: list[Any]
        try:
            rows = PROBES[name]()
        except BaseException as error:  # SystemExit of a package is an answer too
            why = f"{type(error).__name__}: {error}" if not isinstance(error, ImportError) else str(error)
            rows = [(name, "broken", one_line(why), install_line(_EXTRAS.get(name, "app")))]
        answer.write(json.dumps(rows))
    os._exit(0)  # how the libraries clean up after themselves is not the question


if __name__ == "__main__":
    main()
