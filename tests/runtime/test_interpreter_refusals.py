"""Models, devices and options that no interpreter is opened for, and what is said about them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from tiny_tflite import (
    CUSTOM,
    INT32,
    Model,
    Number,
    Numbers,
    heatmaps_only,
    with_decoder,
)

from posecore.errors import ModelError
from posecore.runtime.interpreters import open_interpreter

needs_library = pytest.mark.usefixtures("interpreter_library")


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
        (0, ValueError, "threads: wanted a whole number from 1 to 1024, got 0"),
        (1025, ValueError, "threads: wanted a whole number from 1 to 1024, got 1025"),
        (1.0, TypeError, "threads: wanted a whole number from 1 to 1024, got float"),
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


def for_edge_tpu() -> Model:
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    model.inputs, model.outputs = [picture], [model.tensor([1, 4, 6, 17], name="heatmaps")]
    model.operator(CUSTOM, model.inputs, model.outputs, custom="edgetpu-custom-op")
    return model


def test_a_file_for_the_edge_tpu_says_what_it_needs_and_what_a_cpu_takes() -> None:
    with pytest.raises(
        ModelError, match=r'is compiled for the Edge TPU and needs the device "coral"; on a CPU use the file'
    ):
        open_interpreter(bytes(for_edge_tpu()))


def test_a_file_for_the_cpu_is_not_run_on_it_in_the_name_of_coral() -> None:
    with pytest.raises(ModelError, match=r'is not compiled for the Edge TPU: use the device "cpu"'):
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
