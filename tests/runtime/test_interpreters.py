"""Running models: one face for whichever interpreter is installed, and never a crash."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from fuzz_tflite import mutate, structure_of
from tiny_tflite import (
    ADD,
    CUSTOM,
    DEPTHWISE_CONV_2D,
    INT32,
    RESHAPE,
    Model,
    Number,
    Numbers,
    heatmaps_only,
    with_decoder,
)

from posecore.errors import MissingExtra, ModelError
from posecore.runtime import tflite_libraries, trial
from posecore.runtime.interpreters import MAX_INPUT_PIXELS, open_interpreter
from posecore.runtime.tflite_file import TfliteFile

SHARED = Path(os.environ.get("POSECORE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published models at {SHARED}")
posix_only = pytest.mark.skipif(os.name != "posix", reason="stands in for Python with a shell script")

try:
    LIBRARY = tflite_libraries.library_name(tflite_libraries.library())
except MissingExtra as missing:
    LIBRARY = ""
    REASON = str(missing)
else:
    REASON = ""
needs_library = pytest.mark.skipif(not LIBRARY, reason=REASON)


def reshaped() -> Model:
    """A network with an operator that only a trial can vouch for."""
    model = heatmaps_only()
    shape = model.tensor([2], dtype=INT32, data=np.array([1, 24 * 17], "<i4").tobytes())
    flat = model.tensor([1, 24 * 17], name="flat")
    model.operator(
        RESHAPE, [model.outputs[0], shape], [flat], kind=17, options={0: Numbers("i", [1, 24 * 17])}
    )
    model.outputs = [flat]
    return model


# Running


@needs_library
def test_a_network_runs_on_what_its_input_view_was_given() -> None:
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    total = model.tensor([1, 4, 6, 3], name="total")
    model.operator(ADD, [picture, picture], [total], kind=11, options={})
    model.inputs, model.outputs = [picture], [total]
    interpreter = open_interpreter(bytes(model))
    image = np.arange(72, dtype=np.float32).reshape(4, 6, 3)
    interpreter.input_view()[...] = image
    interpreter.invoke()
    (output,) = interpreter.output_views()
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output[0], image * 2)


@needs_library
def test_its_tensors_are_described() -> None:
    interpreter = open_interpreter(bytes(heatmaps_only()), name="x.tflite")
    assert (interpreter.name, interpreter.input.name, interpreter.input.shape) == (
        "x.tflite",
        "image",
        (1, 4, 6, 3),
    )
    assert [(o.name, o.shape, o.producer) for o in interpreter.outputs] == [
        ("heatmaps", (1, 4, 6, 17), "CONV_2D")
    ]
    package, version = interpreter.library.split(" ")
    assert package in ("ai-edge-litert", "tflite-runtime", "tensorflow")
    assert version[0].isdigit()


@needs_library
@pytest.mark.parametrize("exact", [False, True])
def test_a_model_whose_decoder_was_taken_out_gives_the_decoders_inputs_in_order(exact: bool) -> None:
    file = TfliteFile.read(bytes(with_decoder(segments=True)))
    interpreter = open_interpreter(file.without_decoder(), exact=exact)
    interpreter.invoke()
    assert [(v.shape[3], v.min(), v.max()) for v in interpreter.output_views()] == [
        (17, 1, 1),
        (34, 2, 2),
        (64, 3, 3),
        (1, 4, 4),
    ]


@needs_library
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_convolutional_network_takes_any_size(dynamic: bool) -> None:
    interpreter = open_interpreter(bytes(heatmaps_only(dynamic=dynamic)))
    for height, width in ((9, 5), (4, 6), (1, 1), (33, np.int64(17))):
        interpreter.resize(height, width)
        assert interpreter.input.shape == (1, height, width, 3)
        assert interpreter.input_view().shape == (height, width, 3)
        assert interpreter.outputs[0].shape == (1, height, width, 17)
        interpreter.input_view()[:] = 0
        interpreter.invoke()
        assert (interpreter.output_views()[0] == 0.5).all()


@needs_library
def test_a_network_of_fixed_size_says_which() -> None:
    interpreter = open_interpreter(bytes(reshaped()), name="x.tflite")
    interpreter.resize(4, 6)
    with pytest.raises(ModelError, match=r"^x\.tflite takes pictures of 6x4 pixels only, not 8x7$"):
        interpreter.resize(7, 8)


@needs_library
def test_after_a_size_that_does_not_fit_the_old_one_works() -> None:
    model = reshaped()
    model.tensors[0][7] = Numbers(
        "i", [1, -1, -1, 3]
    )  # it says that any size goes, but its RESHAPE disagrees
    interpreter = open_interpreter(bytes(model), name="x.tflite")
    with pytest.raises(ModelError, match=r"^x\.tflite cannot take pictures of 8x7 pixels: .+") as error:
        interpreter.resize(7, 8)
    assert "\n" not in str(error.value)
    assert interpreter.input.shape == (1, 4, 6, 3)
    interpreter.invoke()
    assert (interpreter.output_views()[0] == 0.5).all()


@needs_library
def test_a_view_that_is_alive_is_an_error_and_not_a_dangling_pointer() -> None:
    interpreter = open_interpreter(bytes(heatmaps_only()))
    view = interpreter.input_view()
    for use in (interpreter.invoke, lambda: interpreter.resize(5, 5)):
        with pytest.raises(
            RuntimeError, match=r"^a view from input_view\(\) or output_views\(\) is alive: drop it"
        ):
            use()
    del view
    interpreter.invoke()


@needs_library
@pytest.mark.parametrize(
    ("height", "width", "kind", "sentence"),
    [
        (0, 4, ValueError, "height must be at least 1, not 0"),
        (4, -1, ValueError, "width must be at least 1, not -1"),
        (4.0, 4, TypeError, "height must be an int, not float"),
        (np.float32(4), 4, TypeError, "height must be an int, not float32"),
        (True, 4, TypeError, "height must be an int, not bool"),
        (8000, 8001, ValueError, "height and width must make at most 64000000 pixels, not 8000 times 8001"),
    ],
)
def test_sizes_that_make_no_sense(height: int, width: int, kind: type[Exception], sentence: str) -> None:
    assert MAX_INPUT_PIXELS == 64_000_000
    interpreter = open_interpreter(bytes(heatmaps_only()))
    with pytest.raises(kind, match=f"^{sentence}$"):
        interpreter.resize(height, width)


@needs_library
def test_nothing_of_the_library_reaches_stderr() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.tflite"
        path.write_bytes(bytes(heatmaps_only()))
        program = (
            "from posecore.runtime.interpreters import open_interpreter\n"
            "from posecore.runtime.tflite_file import TfliteFile\n"
            f"open_interpreter(TfliteFile.read({str(path)!r})).invoke()\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_what_others_write_to_stderr_meanwhile_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with tflite_libraries._quiet():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nERROR: something\n")
    assert capfd.readouterr().err == "ERROR: something\n"


# Refusals


def _two_inputs(model: Model) -> None:
    model.inputs.append(model.tensor([1]))


def _no_picture(model: Model) -> None:
    model.tensors[0][0] = Numbers("i", [1, 72])


def _integers(model: Model) -> None:
    model.tensors[0][1] = Number("b", INT32)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_two_inputs, "has 2 inputs, where one picture was expected"),
        (_no_picture, r"takes an input of shape \(1, 72\), where \(1, height, width, 3\) was expected"),
        (_integers, "takes int32 input, where float32, uint8, int8 were expected"),
    ],
)
def test_a_model_that_takes_no_picture(change: Callable[[Model], None], sentence: str) -> None:
    model = heatmaps_only()
    change(model)
    with pytest.raises(ModelError, match=rf"^x\.tflite {sentence}$"):
        open_interpreter(bytes(model), name="x.tflite")


def test_a_decoder_has_to_be_taken_out_first() -> None:
    with pytest.raises(ModelError, match=r"^x\.tflite ends in a PosenetDecoderOp, which has to be taken out"):
        open_interpreter(bytes(with_decoder()), name="x.tflite")


@needs_library
def test_what_the_library_refuses_is_one_sentence_with_the_files_name() -> None:
    model = heatmaps_only()
    model.outputs = [model.tensor([1, 4, 6, 17])]
    model.operator(CUSTOM, [3], model.outputs, custom="NobodyKnowsThis")
    with pytest.raises(ModelError, match=r"^x\.tflite cannot be loaded: .*NobodyKnowsThis") as error:
        open_interpreter(bytes(model), name="x.tflite")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("threads", "kind", "sentence"),
    [
        (0, ValueError, "threads must be at least 1, not 0"),
        (1.0, TypeError, "threads must be an int, not float"),
    ],
)
def test_threads_that_make_no_sense(threads: int, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=f"^{sentence}$"):
        open_interpreter(bytes(heatmaps_only()), threads=threads)


@pytest.mark.parametrize("device", ["tpu", "coral:", "coral:x", "CPU", "coral:usb:", "gpu", ""])
def test_an_unknown_device_lists_the_choices(device: str) -> None:
    with pytest.raises(
        ValueError, match=f'^device must be "cpu", "coral", or one of several .*, not {device!r}$'
    ):
        open_interpreter(bytes(heatmaps_only()), device=device)


# The Edge TPU


def for_edge_tpu() -> Model:
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    model.inputs, model.outputs = [picture], [model.tensor([1, 4, 6, 17], name="heatmaps")]
    model.operator(CUSTOM, model.inputs, model.outputs, custom="edgetpu-custom-op")
    return model


def test_a_file_for_the_edge_tpu_says_what_it_needs_and_what_a_cpu_takes() -> None:
    with pytest.raises(
        ModelError, match=r'is compiled for the Edge TPU and needs device="coral"; on a CPU use the file'
    ):
        open_interpreter(bytes(for_edge_tpu()))


def test_a_file_for_the_cpu_is_not_run_on_it_in_the_name_of_coral() -> None:
    with pytest.raises(ModelError, match=r'is not compiled for the Edge TPU: use device="cpu"'):
        open_interpreter(bytes(heatmaps_only()), device="coral")


@needs_library
@pytest.mark.parametrize("device", ["coral", "coral:0", "coral:usb", "coral:pci:1"])
def test_without_libedgetpu_the_sentence_says_what_is_missing(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "posecore.runtime.interpreters._EDGE_TPU_LIBRARIES", {sys.platform: "libnotthere.so.1"}
    )
    with pytest.raises(
        ModelError, match=r"needs the Edge TPU runtime, but libnotthere\.so\.1 is not on this machine"
    ):
        open_interpreter(bytes(for_edge_tpu()), device=device)


# Which library


def _only(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    def find_spec(name: str) -> ModuleSpec | None:
        return ModuleSpec(name, None) if name in installed else None

    monkeypatch.delenv("POSECORE_INTERPRETER", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


def test_with_no_interpreter_the_sentence_ends_in_the_line_that_installs_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _only(monkeypatch)
    with pytest.raises(MissingExtra, match=r'none is installed: pip install "posecore\[app\]"$') as error:
        tflite_libraries.library()
    assert error.value.extra == "app"


def test_tflite_runtime_with_numpy_2_is_refused_before_it_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, "tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.1.0")
    with pytest.raises(
        MissingExtra, match=r"^tflite-runtime works with NumPy 1 .*, not with NumPy 2\.1\.0; "
    ):
        tflite_libraries.library()


def test_a_name_chooses_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match=r"^interpreter must be one of litert, tflite-runtime, tensorflow, not 'x'$"
    ):
        tflite_libraries.library("x")
    monkeypatch.setenv("POSECORE_INTERPRETER", "y")
    with pytest.raises(ValueError, match=r"^POSECORE_INTERPRETER must be one of .*, not 'y'$"):
        tflite_libraries.library()
    if LIBRARY:
        assert tflite_libraries.library_name(tflite_libraries.library(LIBRARY)) == LIBRARY


# Never a crash


@posix_only
def test_a_model_that_kills_its_trial_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncat > /dev/null\nkill -SEGV $$\n")
    python.chmod(stat.S_IRWXU)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(
        ModelError, match=r"^x\.tflite cannot be used: the interpreter crashed on it \(exit status -11\)"
    ):
        trial.try_out("litert", b"model", exact=False, size=None, name="x.tflite")


@posix_only
def test_a_model_that_hangs_its_trial_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 600\n")
    python.chmod(stat.S_IRWXU)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(trial, "TIMEOUT_S", 0.05)
    with pytest.raises(ModelError, match=r"^x\.tflite cannot be used: one run .* took more than"):
        trial.try_out("litert", b"model", exact=False, size=None, name="x.tflite")


@needs_library
def test_only_what_is_unproven_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr("posecore.runtime.interpreters._tried", set())
    monkeypatch.setattr("posecore.runtime.interpreters.try_out", lambda *_, name, **__: tried.append(name))
    open_interpreter(bytes(heatmaps_only()), name="proven")
    assert tried == []
    open_interpreter(bytes(reshaped()), name="unproven")
    open_interpreter(bytes(reshaped()), name="the same again")
    assert tried == ["unproven"]


@needs_library
def test_a_file_that_crashes_xnnpack_does_not_crash_us() -> None:
    model = Model()
    picture = model.tensor([1, 4, 6, 3])
    weights = model.tensor([1, 1, 1, 3], data=bytes(12))
    model.inputs, model.outputs = [picture], [model.tensor([1, 4, 6, 3])]
    options = {1: Number("i", 1), 2: Number("i", 1), 3: Number("i", 1)}
    model.operator(DEPTHWISE_CONV_2D, [picture, weights], model.outputs, kind=2, options=options)
    with contextlib.suppress(ModelError):
        open_interpreter(bytes(model)).invoke()


@needs_library
def test_damaged_files_run_or_are_refused() -> None:
    rng = random.Random(5)
    whole = TfliteFile.read(bytes(with_decoder(segments=True))).without_decoder()
    structure = structure_of(whole)
    ran = 0
    for _ in range(400):
        damaged = mutate(whole, structure, rng)
        with contextlib.suppress(ModelError):
            file = TfliteFile.read(damaged)
            if not file.unproven:  # a trial for each would take long; fuzz_tflite.py runs those
                open_interpreter(file).invoke()
                ran += 1
    assert ran > 20


# Coral's own heads


@needs_library
@needs_shared
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("family", "model"),
    [
        ("B", "posenet_mobilenet_v1_075_353_481_quant_decoder"),
        ("C", "posenet_mobilenet_v1_075_353_481_16_quant_decoder"),
    ],
)
def test_the_heads_of_corals_models_are_those_that_were_recorded(
    family: str, model: str, exact: bool
) -> None:
    cv2 = pytest.importorskip("cv2")
    image = cv2.imread(str(SHARED / "decode" / "couple_353x481.png"))[..., ::-1]
    golden = np.load(SHARED / "decode" / f"couple_353x481__{family}.npz")
    file = TfliteFile.read(SHARED / "models" / "coral" / f"{model}.tflite")
    interpreter = open_interpreter(file.without_decoder(), exact=exact)
    interpreter.input_view()[...] = image
    interpreter.invoke()
    for name, output in zip(("heat", "short", "mid"), interpreter.output_views(), strict=True):
        wanted = golden[f"{name}_u8"].reshape(output.shape)
        difference = np.abs(output.astype(int) - wanted)
        # The recordings are XNNPACK's; the two kinds of kernels round differently at every layer.
        assert (difference <= (4 if exact else 1)).mean() > 0.95
        assert difference.max() <= 20
