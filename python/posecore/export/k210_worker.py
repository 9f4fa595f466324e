"""What another interpreter runs: nncase's compiler for K210 and its simulator of the KPU.

nncase 1.x has wheels for Python 3.7 to 3.10 only, and a wrong model makes it crash or run for ever. So it never runs
in posecore's process: `k210_nncase` starts this file with the interpreter that has nncase, in a folder of its own and
with a time limit. It imports nothing of posecore, and is Python 3.7.

    python k210_worker.py WORK       WORK/request.json says what to do:

    {"do": "probe"}
    {"do": "compile", "size": [width, height], "input_range": [low, high]}
        model.tflite (float32), pictures.npy (uint8, (n, 3, height, width)) -> model.kmodel
    {"do": "simulate", "outputs": n}
        model.kmodel, pictures.npy -> output_0.npy, ... (float32, (n, channels, rows, columns))

The answer is in WORK/answer.json: {"nncase": release, "python": version}, or {"error": sentence}.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(work: str) -> None:
    """Do what the folder's request says; end with status 1 where it cannot be done."""
    os.chdir(work)  # nncase leaves files where it runs
    with open("request.json", encoding="utf-8") as file:
        request = json.load(file)
    try:
        import nncase

        answer = {"nncase": release(nncase), "python": ".".join(map(str, sys.version_info[:3]))}
        if not nncase.test_target("k210"):
            raise RuntimeError("this nncase has no target k210; 1.0 to 1.9 have it")
        if request["do"] == "compile":
            compile_model(nncase, request)
        elif request["do"] == "simulate":
            simulate(nncase, request)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
    with open("answer.json.part", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace("answer.json.part", "answer.json")
    sys.stdout.flush()
    # How nncase's libraries clean up after themselves is not the question.
    os._exit(1 if "error" in answer else 0)


def release(nncase: Any) -> str:
    """The version of the wheel, which the module itself does not know; "" where there is no wheel."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(getattr(nncase, "__file__", ""))))
    found = sorted(
        name for name in os.listdir(folder) if name.startswith("nncase-") and name.endswith(".dist-info")
    )
    return found[-1][len("nncase-") : -len(".dist-info")] if found else ""


def compile_model(nncase: Any, request: dict[str, Any]) -> None:
    """model.tflite and pictures.npy to model.kmodel."""
    import numpy as np

    width, height = request["size"]
    pictures = np.load("pictures.npy", allow_pickle=False)
    # nncase takes any bytes for pictures, and reads past their end.
    if pictures.dtype != np.uint8 or pictures.shape[1:] != (3, height, width) or not len(pictures):
        raise ValueError(
            f"wanted pictures uint8 (n, 3, {height}, {width}), got {pictures.dtype} {pictures.shape}"
        )
    options = nncase.CompileOptions()
    options.target = "k210"
    # Without preprocess the type and the order of axes are ignored; with mean and std the CPU would do it.
    options.preprocess = True
    options.input_type = "uint8"
    options.input_layout = "NCHW"
    options.output_layout = "NCHW"
    options.input_shape = [1, 3, height, width]
    options.input_range = [float(end) for end in request["input_range"]]
    options.mean = [0.0, 0.0, 0.0]
    options.std = [1.0, 1.0, 1.0]
    options.swapRB = False
    # Half the error of the weights; the calibration methods other than no_clip destroy PoseNet.
    options.use_mse_quant_w = True
    options.dump_dir = "."
    compiler = nncase.Compiler(options)
    with open("model.tflite", "rb") as file:
        compiler.import_tflite(file.read(), nncase.ImportOptions())
    calibration = nncase.PTQTensorOptions()
    calibration.samples_count = len(pictures)
    calibration.calibrate_method = "no_clip"
    calibration.set_tensor_data(np.ascontiguousarray(pictures).tobytes())
    compiler.use_ptq(calibration)
    compiler.compile()
    with open("model.kmodel", "wb") as file:
        file.write(compiler.gencode_tobytes())


def simulate(nncase: Any, request: dict[str, Any]) -> None:
    """model.kmodel on each of pictures.npy."""
    import numpy as np

    pictures = np.load("pictures.npy", allow_pickle=False)
    simulator = nncase.Simulator()
    with open("model.kmodel", "rb") as file:
        simulator.load_model(file.read())
    found: list[list[Any]] = [[] for _ in range(request["outputs"])]
    for picture in pictures:
        simulator.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(np.ascontiguousarray(picture[None])))
        simulator.run()
        for number, arrays in enumerate(found):
            arrays.append(np.array(simulator.get_output_tensor(number).to_numpy(), np.float32)[0])
    for number, arrays in enumerate(found):
        np.save(f"output_{number}.npy", np.stack(arrays), allow_pickle=False)


if __name__ == "__main__":
    main(sys.argv[1])
