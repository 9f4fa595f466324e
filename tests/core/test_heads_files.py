"""Heads in .npz files, which come from anybody."""

from __future__ import annotations

import contextlib
import io
import os
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import f, uint8_heads

from posecore import Heads, Quantization, SourceError


def same(first: Heads, second: Heads) -> bool:
    fields = ("stride_px", "scores", "layout", "quantization", "grid")
    return (
        all(getattr(first, name) == getattr(second, name) for name in fields)
        and all(
            np.array_equal(array, second.tensors()[name]) and array.dtype == second.tensors()[name].dtype
            for name, array in first.tensors().items()
        )
        and first.tensors().keys() == second.tensors().keys()
    )


@pytest.mark.parametrize(
    "heads",
    [
        uint8_heads(),
        uint8_heads("chw"),
        Heads(f(2, 3, 5), stride_px=12.5, scores="probabilities"),
        Heads(f(2, 3, 5, dtype=np.int8), f(2, 3, 10), stride_px=8, scores="logits",
              quantization={"heatmaps": Quantization(1 / 3, -128)}),
        Heads(f(2, 3, 5), long_offsets=f(2, 3, 10), stride_px=8, scores="logits", segments=f(2, 3, 1, dtype=np.int8),
              quantization={"segments": Quantization(1 / 3, -128)}),
        Heads(np.full((1, 1, 1), np.nan, np.float32), stride_px=1, scores="logits"),
    ],
    ids=["uint8", "uint8 chw", "heatmaps alone", "two dtypes", "masks", "nan"],
)  # fmt: skip
def test_saved_heads_load(tmp_path, heads):
    path = tmp_path / "heads.npz"
    heads.save(path)
    loaded = Heads.load(path)
    if np.isnan(heads.dequantized("heatmaps")).any():
        assert np.isnan(loaded.heatmaps).all()
    else:
        assert same(heads, loaded)
    assert os.listdir(tmp_path) == ["heads.npz"]
    heads.save(str(path))  # over the old one
    assert Heads.load(str(path)).grid == heads.grid


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "heads.npz"
    path.write_bytes(b"what was there")

    def no_space(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError, match="no space"):
        uint8_heads().save(path)
    assert path.read_bytes() == b"what was there"
    assert os.listdir(tmp_path) == ["heads.npz"]


def capture(**changed: object) -> dict[str, object]:
    """A capture of Coral's three tensors, as bytes, of a skeleton of 3 keypoints."""
    fields = {f"{name}_u8": f(3, 4, c, dtype=np.uint8) for name, c in (("heat", 3), ("short", 6), ("mid", 8))}
    return (
        fields
        | {"qparams": np.array([[0.1, 100], [0.2, 110], [0.3, 120]], np.float32), "stride": 8}
        | changed
    )


def test_a_capture_of_three_tensors(tmp_path):
    path = tmp_path / "capture.npz"
    np.savez(path, **capture())
    heads = Heads.load(path)
    assert (heads.stride_px, heads.scores, heads.layout) == (8, "logits", "hwc")
    assert heads.displacement_fwd.shape == heads.displacement_bwd.shape == (3, 4, 4)
    mid = f(3, 4, 8, dtype=np.uint8)
    assert np.array_equal(heads.displacement_fwd, mid[:, :, :4])
    assert np.array_equal(heads.displacement_bwd, mid[:, :, 4:])
    assert heads.quantization["displacement_bwd"] == Quantization(float(np.float32(0.3)), 120)


@pytest.mark.parametrize(
    ("extra", "scores"), [({}, "logits"), ({"scores": "probabilities"}, "probabilities")]
)
def test_a_models_own_names(tmp_path, extra, scores):
    path = tmp_path / "named.npz"
    arrays = {"heatmap_2": f(1, 3, 4, 3), "offset_2": f(1, 3, 4, 6)}
    arrays |= {"displacement_fwd_2": f(3, 4, 4), "displacement_bwd_2": f(3, 4, 4)}
    np.savez(path, stride_px=16, **arrays, **extra)
    heads = Heads.load(path)
    assert heads.scores == scores
    assert heads.grid == (3, 4)
    assert heads.short_offsets.shape == (3, 4, 6)


def test_the_frozen_graph_has_its_sigmoid_inside(tmp_path):
    path = tmp_path / "frozen.npz"
    names = {"heatmap:0": 3, "offset_2:0": 6, "displacement_fwd_2:0": 4, "displacement_bwd_2:0": 4}
    np.savez(path, stride_px=16, **{name: f(1, 3, 4, c) for name, c in names.items()})
    assert Heads.load(path).scores == "probabilities"


UINT8 = {"heatmaps": f(2, 2, 1, dtype=np.uint8), "stride_px": 8, "scores": "logits"}
BAD_FILES = {
    "nothing in it": ({}, "wanted heads, as Heads.save writes them or with heatmap in a name, got "),
    "no stride": ({"heatmaps": f(2, 2, 1)}, "wanted the entry stride_px beside heatmaps, got heatmaps"),
    "no scores": (
        {"heatmaps": f(2, 2, 1), "stride_px": 8},
        "wanted the entry scores beside heatmaps, got heatmaps, stride_px",
    ),
    "scores": (
        {"heatmaps": f(2, 2, 1), "stride_px": 8, "scores": "sigmoid"},
        "scores: wanted one of logits, probabilities, got 'sigmoid'",
    ),
    "stride is text": (
        {"heatmaps": f(2, 2, 1), "stride_px": "8", "scores": "logits"},
        "stride_px: wanted one number, got <U1 of shape ()",
    ),
    "stride is nan": (
        {"heatmaps": f(2, 2, 1), "stride_px": np.nan, "scores": "logits"},
        "stride_px: wanted a number from 0.001 to 65536, got nan",
    ),
    "float64": (
        {"heatmaps": f(2, 2, 1, dtype=np.float64), "stride_px": 8, "scores": "logits"},
        "heatmaps: wanted dtype float32, uint8 or int8, got float64",
    ),
    "uint8 without quantisation": (
        UINT8,
        "quantization: heatmaps wants its scale and zero point, got None",
    ),
    "quantisation of three": (
        UINT8 | {"heatmaps_quantization": np.ones(3)},
        "heatmaps_quantization: wanted scale and zero point, got float64 of shape (3,)",
    ),
    "scale 0": (
        UINT8 | {"heatmaps_quantization": np.zeros(2)},
        "scale: wanted a number from 1.17549e-38 to 3.40282e+38, got 0.0",
    ),
    "capture of floats": (
        capture(heat_u8=f(3, 4, 3)),
        "quantization: heatmaps wants no quantisation, since it is float32, "
        "got Quantization(scale=0.10000000149011612, zero_point=100)",
    ),
    "capture qparams": (
        capture(qparams=np.ones((2, 2))),
        "qparams: wanted shape (3, 2), scale and zero point of three tensors, got (2, 2)",
    ),
    "capture mid": (
        capture(mid_u8=f(3, 4, dtype=np.uint8)),
        "mid_u8: wanted shape (h, w, channels), got (3, 4)",
    ),
    "own names, no stride": (
        {"heatmap_2": f(3, 4, 3), "offset_2": f(3, 4, 6)}
        | {f"displacement_{way}_2": f(3, 4, 4) for way in ("fwd", "bwd")},
        "the stride does not follow from heads alone: wanted stride_px, got none",
    ),
    "own names, batch": (
        {"heatmap_2": f(2, 3, 4, 3), "stride_px": 8},
        "heatmap_2: wanted a tensor of shape (1, h, w, channels), got (2, 3, 4, 3)",
    ),
}


@pytest.mark.parametrize(("fields", "sentence"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_heads(tmp_path, fields, sentence):
    path = tmp_path / "bad.npz"
    np.savez(path, **fields)
    with pytest.raises(SourceError) as caught:
        Heads.load(path)
    assert str(caught.value) == f"{path}: {sentence}"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SourceError, match=f"^{re.escape(str(tmp_path))}/no.npz: there is no such file$"):
        Heads.load(tmp_path / "no.npz")
    with pytest.raises(SourceError, match=r"wanted an .npz file of heads, got one that cannot be read"):
        Heads.load(tmp_path)  # a folder


UNREADABLE = "wanted an .npz file of heads, got one that cannot be read"


def test_pickles_are_not_opened(tmp_path):
    class Burglar:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "been here"),)

    for fields in (
        {"heatmaps": np.array([Burglar()], object)},
        capture(qparams=np.array([Burglar()], object)),
    ):
        np.savez(tmp_path / "pickle.npz", **fields)
        with pytest.raises(SourceError, match=UNREADABLE):
            Heads.load(tmp_path / "pickle.npz")
    assert not (tmp_path / "been here").exists()


def header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("heatmaps.npy", "w") as member,
    ):
        member.write(header((1100, 1024, 1024)))
        for _ in range(1100):
            member.write(bytes(1 << 20))
    assert path.stat().st_size < 2 << 20
    with pytest.raises(SourceError, match=r": wanted heads of at most 1 GiB, got 1\.1 GiB unpacked$"):
        Heads.load(path)


@pytest.mark.parametrize("shape", [(1 << 44,), (1 << 20, 1 << 20, 1 << 20), (-1,), (3, 4, 17)])
def test_a_header_that_lies(tmp_path, shape):
    path = tmp_path / "liar.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("heatmaps.npy", header(shape))
    with pytest.raises(SourceError, match=UNREADABLE):
        Heads.load(path)


def saved(tmp_path) -> bytes:
    path = tmp_path / "whole.npz"
    uint8_heads().save(path)
    return path.read_bytes()


def load_or_sentence(path) -> None:
    with contextlib.suppress(SourceError):  # anything else fails the test
        assert min(Heads.load(path).grid) >= 1


@settings(derandomize=True, deadline=None, max_examples=60)
@given(content=st.binary(max_size=300), zipped=st.booleans())
def test_random_bytes(tmp_path_factory, content, zipped):
    path = tmp_path_factory.mktemp("random") / "random.npz"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("heatmaps.npy", content)
    else:
        path.write_bytes(content)
    with pytest.raises(SourceError):
        Heads.load(path)


def test_truncated_and_changed_files(tmp_path):
    whole = saved(tmp_path)
    path = tmp_path / "changed.npz"
    random = np.random.default_rng(0)
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(SourceError):
            Heads.load(path)
    for _ in range(300):
        changed = bytearray(whole)
        for at in random.integers(0, len(whole), random.integers(1, 6)):
            changed[at] = random.integers(0, 256)
        path.write_bytes(changed)
        load_or_sentence(path)


def test_an_entry_that_is_misspelt_is_not_left_out_silently(tmp_path):
    path = tmp_path / "typo.npz"
    np.savez(path, heatmaps=f(1, 1, 1), stride_px=8, scores="logits", short_offset=f(1, 1, 2))
    with pytest.raises(
        SourceError, match=r"typo\.npz: wanted no entries but .*short_offsets.*, got short_offset$"
    ):
        Heads.load(path)
