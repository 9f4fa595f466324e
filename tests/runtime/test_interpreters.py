"""Running models: one face for whichever interpreter is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_tflite import (
    ADD,
    INT8,
    UINT8,
    Model,
    Numbers,
    heatmaps_only,
    quantised,
    reshaped,
    with_decoder,
)

from posecore.errors import ModelError
from posecore.runtime.interpreters import MAX_INPUT_PIXELS, open_interpreter
from posecore.runtime.tflite_file import TfliteFile
from posecore.runtime.tflite_libraries import library

needs_library = pytest.mark.usefixtures("interpreter_library")


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
    interpreter.input_view()[:] = 0  # weights of zero times what memory held before may be NaN
    interpreter.invoke()
    assert [(v.shape[3], v.min(), v.max()) for v in interpreter.output_views()] == [
        (17, 1, 1),
        (34, 2, 2),
        (64, 3, 3),
        (1, 4, 4),
    ]


@needs_library
@pytest.mark.parametrize("dtype", [INT8, UINT8], ids=["int8", "uint8"])
@pytest.mark.parametrize("exact", [False, True])
def test_a_quantised_network_gives_codes_that_mean_its_values(dtype: int, exact: bool) -> None:
    interpreter = open_interpreter(bytes(quantised(dtype)), exact=exact)
    assert interpreter.file.unproven == ()
    interpreter.input_view()[:] = 7
    interpreter.invoke()
    (output,) = interpreter.output_views()
    info = interpreter.outputs[0]
    assert info.quantization is not None
    real = (output.astype(float) - info.quantization.zero_point) * info.quantization.scale
    assert output.dtype == info.dtype == ("int8" if dtype == INT8 else "uint8")
    np.testing.assert_array_equal(real, np.broadcast_to(np.arange(17) / 8 - 1, real.shape))


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
    with pytest.raises(
        ModelError, match=r"^x\.tflite takes pictures of 4x6 pixels \(height x width\) only, not 7x8$"
    ):
        interpreter.resize(7, 8)


@needs_library
def test_after_a_size_that_does_not_fit_the_old_one_works() -> None:
    model = reshaped()
    model.tensors[0][7] = Numbers(
        "i", [1, -1, -1, 3]
    )  # it says that any size goes, but its RESHAPE disagrees
    interpreter = open_interpreter(bytes(model), name="x.tflite")
    with pytest.raises(
        ModelError, match=r"^x\.tflite cannot take pictures of 7x8 pixels \(height x width\): .+"
    ) as error:
        interpreter.resize(7, 8)
    assert "\n" not in str(error.value)
    assert interpreter.input.shape == (1, 4, 6, 3)
    interpreter.input_view()[:] = 0
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
        (0, 4, ValueError, "height: wanted a whole number from 1 to 16777216, got 0"),
        (4, -1, ValueError, "width: wanted a whole number from 1 to 16777216, got -1"),
        (4.0, 4, TypeError, "height: wanted a whole number from 1 to 16777216, got float"),
        (np.float32(4), 4, TypeError, "height: wanted a whole number from 1 to 16777216, got float32"),
        (True, 4, TypeError, "height: wanted a whole number from 1 to 16777216, got bool"),
        (8000, 8001, ValueError, "height and width must make at most 64000000 pixels, not 8000 times 8001"),
    ],
)
def test_sizes_that_make_no_sense(height: int, width: int, kind: type[Exception], sentence: str) -> None:
    assert MAX_INPUT_PIXELS == 64_000_000
    interpreter = open_interpreter(bytes(heatmaps_only()))
    with pytest.raises(kind, match=f"^{sentence}$"):
        interpreter.resize(height, width)


@needs_library
@pytest.mark.parametrize(("exact", "kernels"), [(False, "AUTO"), (True, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")])
def test_exact_asks_for_tflites_own_kernels_whenever_the_model_is_loaded(
    exact: bool, kernels: str, interpreter_library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = library(interpreter_library)
    whole, asked = module.Interpreter, []

    def construct(**options: Any) -> Any:
        asked.append(options["experimental_op_resolver_type"])
        return whole(**options)

    model = reshaped()
    model.tensors[0][7] = Numbers("i", [1, -1, -1, 3])
    monkeypatch.setattr(module, "Interpreter", construct)
    interpreter = open_interpreter(bytes(model), exact=exact)
    with pytest.raises(ModelError):
        interpreter.resize(7, 8)  # after which it is loaded anew
    assert asked == [getattr(module.OpResolverType, kernels)] * 2


@needs_library
@pytest.mark.parametrize("exact", [False, True])
def test_a_trial_runs_the_kernels_that_will_be_used(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bool] = []
    monkeypatch.setattr("posecore.runtime.interpreters._tried", set())
    monkeypatch.setattr("posecore.runtime.interpreters.try_out", lambda *_, exact, **__: tried.append(exact))
    open_interpreter(bytes(reshaped()), exact=exact)
    assert tried == [exact]


@needs_library
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("family", "model"),
    [
        ("B", "posenet_mobilenet_v1_075_353_481_quant_decoder"),
        ("C", "posenet_mobilenet_v1_075_353_481_16_quant_decoder"),
    ],
)
def test_the_heads_of_corals_models_are_those_that_were_recorded(
    data: Path, cv2: Any, interpreter_library: str, family: str, model: str, exact: bool
) -> None:
    image = cv2.imread(str(data / "decode" / "couple_353x481.png"))[..., ::-1]
    golden = np.load(data / "decode" / f"couple_353x481__{family}.npz")
    file = TfliteFile.read(data / "models" / "coral" / f"{model}.tflite")
    interpreter = open_interpreter(file.without_decoder(), exact=exact)
    interpreter.input_view()[...] = image
    interpreter.invoke()
    for name, output in zip(("heat", "short", "mid"), interpreter.output_views(), strict=True):
        wanted = golden[f"{name}_u8"].reshape(output.shape)
        difference = np.abs(output.astype(int) - wanted)
        # The recordings are XNNPACK's, which tflite-runtime does not use for 8-bit models; the two kinds of
        # kernels round differently at every layer.
        others = exact or interpreter_library == "tflite-runtime"
        assert (difference <= (4 if others else 1)).mean() > 0.95
        assert difference.max() <= 20
