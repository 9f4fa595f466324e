"""`Heads`: what it refuses, and the .npz files that hold it, which come from anybody."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from made_heads import f, uint8_heads

from posecore import Heads, Quantization


@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_grid_and_real_numbers(layout):
    heads = uint8_heads(layout)
    assert heads.grid == (3, 4)
    assert heads.num_keypoints == 3
    real = heads.dequantized("short_offsets")
    assert real.shape == (3, 4, 6)
    assert real.dtype == np.float32
    expected = (np.arange(72).reshape(3, 4, 6) - 127) * 0.2
    np.testing.assert_allclose(real, expected, rtol=1e-6)


def test_real_numbers_are_a_copy():
    heads = Heads(f(2, 2, 1), stride_px=4, scores="probabilities")
    heads.dequantized("heatmaps")[:] = 9
    assert heads.heatmaps[0, 0, 0] == 0


@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_x_before_y_is_put_right_in_copies(layout):
    heads = uint8_heads(layout)
    names = ["short_offsets", "displacement_bwd"]
    right = heads.with_y_first(names)
    for name in ("heatmaps", *names, "displacement_fwd"):
        was, now = heads.dequantized(name), right.dequantized(name)
        half = was.shape[2] // 2
        expected = np.concatenate([was[:, :, half:], was[:, :, :half]], axis=2) if name in names else was
        np.testing.assert_array_equal(now, expected)
        assert np.shares_memory(getattr(heads, name), getattr(right, name)) == (name not in names)
    with pytest.raises(ValueError, match=r"names: wanted some of short_offsets, .*, got heatmaps"):
        heads.with_y_first(["heatmaps"])


def test_what_is_not_there_has_no_axes():
    heads = Heads(f(2, 2, 1), stride_px=4, scores="probabilities")
    assert heads.with_y_first(["short_offsets"]).short_offsets is None


WRONG = {
    "scores": ({"scores": "logit"}, ValueError, "scores: wanted one of logits, probabilities, got 'logit'"),
    "no scores": ({"scores": None}, ValueError, "scores: wanted one of logits, probabilities, got None"),
    "layout": ({"layout": "nhwc"}, ValueError, "layout: wanted one of hwc, chw, got 'nhwc'"),
    "stride 0": ({"stride_px": 0}, ValueError, "stride_px: wanted a number from 0.001 to 65536, got 0"),
    "stride inf": (
        {"stride_px": np.inf},
        ValueError,
        "stride_px: wanted a number from 0.001 to 65536, got inf",
    ),
    "quantization names": (
        {"quantization": {"heat": Quantization(1, 0)}},
        ValueError,
        "quantization: wanted names of heatmaps, got 'heat'",
    ),
    "quantised float": (
        {"quantization": {"heatmaps": Quantization(1, 0)}},
        ValueError,
        "quantization: heatmaps wants no quantisation, since it is float32, got "
        "Quantization(scale=1.0, zero_point=0)",
    ),
    "bare uint8": (
        {"heatmaps": f(3, 4, 2, dtype=np.uint8)},
        ValueError,
        "quantization: heatmaps wants its scale and zero point, got None",
    ),
    "list": (
        {"heatmaps": [1]},
        TypeError,
        "heatmaps: wanted a NumPy array of shape (h, w, channels), got list",
    ),
    "list chw": (
        {"heatmaps": [1], "layout": "chw"},
        TypeError,
        "heatmaps: wanted a NumPy array of shape (channels, h, w), got list",
    ),
    "float16": (
        {"heatmaps": f(3, 4, 2, dtype=np.float16)},
        TypeError,
        "heatmaps: wanted dtype float32, uint8 or int8, got float16",
    ),
    "batch": (
        {"heatmaps": f(1, 3, 4, 2)},
        ValueError,
        "heatmaps: wanted shape (h, w, channels), got (1, 3, 4, 2); take one picture of the batch",
    ),
    "no columns": (
        {"heatmaps": f(3, 0, 2)},
        ValueError,
        "heatmaps: wanted shape (h, w, channels), got (3, 0, 2)",
    ),
    "other grid": (
        {"short_offsets": f(4, 3, 4)},
        ValueError,
        "short_offsets: wanted the heatmaps' grid (3, 4), got (4, 3)",
    ),
}


@pytest.mark.parametrize(("fields", "error", "sentence"), WRONG.values(), ids=WRONG)
def test_the_sentence(fields, error, sentence):
    with pytest.raises(error) as caught:
        Heads(**{"heatmaps": f(3, 4, 2), "stride_px": 16, "scores": "logits"} | fields)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("missing", ["stride_px", "scores"])
def test_nothing_is_guessed(missing):
    fields = {"heatmaps": f(3, 4, 2), "stride_px": 16, "scores": "logits"}
    del fields[missing]
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{missing}'"):
        Heads(**fields)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_scale_is_positive_and_finite(scale):
    with pytest.raises(ValueError, match=rf"^scale: wanted a number from 1\.1\S+ to 3\.4\S+, got {scale}$"):
        Quantization(scale, 0)


def test_an_unknown_tensor():
    with pytest.raises(ValueError, match=r"^name: wanted one of heatmaps, got 'short_offsets'$"):
        Heads(f(1, 1, 1), stride_px=1, scores="logits").dequantized("short_offsets")


def heads_with(**fields: object) -> Heads:
    return Heads(**{"heatmaps": f(3, 4, 2), "stride_px": 16, "scores": "logits"} | fields)


def file_with(path, zero_point: object) -> Heads:
    np.savez(
        path,
        heatmaps=f(1, 1, 1, dtype=np.uint8),
        heatmaps_quantization=[1.0, zero_point],
        stride_px=8,
        scores="logits",
    )
    return Heads.load(path)


# One sentence that names the argument; its words are free.
MORE = {
    "stride_px": lambda _: heads_with(stride_px="16"),
    "stride_px None": lambda _: heads_with(stride_px=None),
    "quantization": lambda _: heads_with(quantization=None),
    "quantization pair": lambda _: heads_with(
        heatmaps=f(3, 4, 2, dtype=np.uint8), quantization={"heatmaps": (0.1, 3)}
    ),
    "quantization of nothing": lambda _: heads_with(quantization={"short_offsets": Quantization(1, 0)}),
    "heatmaps": lambda _: heads_with(heatmaps=f(3, 4, 2, dtype=">f4")),
    "scale": lambda _: Quantization("1", 0),
    "zero_point": lambda _: Quantization(1.0, 1.5),
    "zero_point None": lambda _: Quantization(1.0, None),
    "zero_point 10**12": lambda _: Quantization(1.0, 10**12),
    ".*heatmaps_quantization": lambda path: file_with(path, 1.5),
}


@pytest.mark.parametrize(("name", "call"), MORE.items(), ids=MORE)
def test_one_sentence_that_names_the_argument(tmp_path, name, call):
    with pytest.raises((TypeError, ValueError), match=rf"^{name.split()[0]}: .*want.*got "):
        call(tmp_path / "heads.npz")


@pytest.mark.parametrize(
    "again",
    [copy.deepcopy, lambda heads: pickle.loads(pickle.dumps(heads))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_a_copy_is_the_same_heads_in_memory_of_its_own(layout, again):
    heads = uint8_heads(layout)
    copied = again(heads)
    for name, array in heads.tensors().items():
        assert copied.tensors()[name].dtype == array.dtype
        np.testing.assert_array_equal(copied.tensors()[name], array)
        assert not np.shares_memory(copied.tensors()[name], array)
    assert (copied.stride_px, copied.scores, copied.layout) == (16, "logits", layout)
    assert copied.quantization == heads.quantization
    with pytest.raises(TypeError, match="does not support item assignment"):
        copied.quantization["heatmaps"] = Quantization(1, 0)


def test_a_copy_of_heatmaps_alone_has_no_more():
    copied = copy.deepcopy(Heads(f(3, 4, 2), stride_px=16, scores="probabilities"))
    assert list(copied.tensors()) == ["heatmaps"]
    assert copied.scores == "probabilities"
