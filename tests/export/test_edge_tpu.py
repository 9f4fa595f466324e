"""The static report of the Edge TPU: what runs there, what does not, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from coral_files import WITH_DECODER

from posecore.errors import ModelError
from posecore.export.edge_tpu import ON_CHIP_BYTES, EdgeTpuReport, edge_tpu_report
from posecore.export.edge_tpu_rules import NEWEST
from posecore.runtime.tflite_file import TfliteFile
from posecore.runtime.tflite_operators import BUILTIN_NAMES
from runtime.tiny_tflite import (
    ADD,
    INT8,
    LOGISTIC,
    QUANTIZE,
    UINT8,
    Model,
    Number,
    Numbers,
    heatmaps_only,
    quantised,
)

CONCATENATION, ABS, MEAN = 2, 101, 40


def units(report: EdgeTpuReport) -> list[str]:
    return [placement.unit for placement in report.operators]


def chain(*kinds: int, shape: tuple[int, ...] = (1, 4, 6, 8), dtype: int = INT8) -> Model:
    """Operators of one input and output each, one after another, int8."""
    model = Model()
    source = model.tensor(shape, name="image", dtype=dtype, scale=0.1)
    model.inputs = [source]
    for kind in kinds:
        target = model.tensor(shape, name=f"after {kind}", dtype=dtype, scale=0.1)
        model.operator(kind, [source], [target])
        source = target
    model.outputs = [source]
    return model


def test_the_report_agrees_with_what_google_compiled(shared: Path) -> None:
    """The shipped pair: one file, and what the compiler made of it."""
    folder = shared / "data/models/coral"
    before = edge_tpu_report((folder / WITH_DECODER[0]).read_bytes())
    compiled = TfliteFile.read(folder / WITH_DECODER[1])
    on_cpu = [p.name for p in before.operators if p.unit == "CPU"]
    assert (
        on_cpu == [name for name in compiled.operators if name != "edgetpu-custom-op"] == ["PosenetDecoderOp"]
    )
    assert before.on_tpu == len(before.operators) - 1 == 32
    program = compiled.main.operators[0]
    names = [tensor.name for tensor in compiled.main.tensors]
    assert before.inputs == tuple(names[i] for i in program.inputs)
    assert before.outputs == tuple(names[i] for i in program.outputs)
    assert before.ok
    # The program holds the parameters, and instructions beside them.
    assert before.parameter_bytes < len(program.custom_options) < 1.3 * before.parameter_bytes
    after = edge_tpu_report(compiled.data)
    assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
    assert (units(after), after.package_bytes, after.fits) == (
        ["TPU", "CPU"],
        len(program.custom_options),
        None,
    )


@pytest.mark.parametrize(
    "name", [WITH_DECODER[2], WITH_DECODER[3], "posenet_mobilenet_v1_075_353_481_quant.tflite"]
)
def test_all_of_corals_models_run_there_whole(shared: Path, name: str) -> None:
    report = edge_tpu_report((shared / "data/models/coral" / name).read_bytes())
    assert report.ok
    assert {p.name for p in report.operators if p.unit == "CPU"} <= {"PosenetDecoderOp"}
    assert report.fits


def test_a_float_model_does_not_run_there(shared: Path) -> None:
    data = (shared / "data/models/posenet_mobilenet_v1_075_337_float.tflite").read_bytes()
    report = edge_tpu_report(data)
    assert not report.ok
    assert (report.on_tpu, report.inputs, report.outputs, report.parameter_bytes) == (0, (), (), 0)
    assert report.left_over[0].reason == "float32 tensors, wanted int8 or uint8"


def test_quantised_convolutions_run_there() -> None:
    # With uint8 at both ends the widest operator is the QUANTIZE of the heatmaps.
    for dtype, widest in ((INT8, 3 + 17), (UINT8, 17 + 17)):
        report = edge_tpu_report(bytes(quantised(dtype)))
        assert set(units(report)) == {"TPU"}
        assert report.parameter_bytes == 17 * 3 + 17 * 4
        assert report.working_bytes == 4 * 6 * widest


def test_what_follows_an_operator_of_the_cpu_stays_there_too() -> None:
    report = edge_tpu_report(bytes(chain(LOGISTIC, ABS, LOGISTIC, LOGISTIC)))
    assert units(report) == ["TPU", "CPU", "CPU", "CPU"]
    assert report.operators[1].reason == "the Edge TPU has no such operator"
    assert report.operators[3].reason == "after the partition, of which there is one"
    assert (report.inputs, report.outputs) == (("image",), (f"after {LOGISTIC}",))
    assert [p.number for p in report.left_over] == [1, 2, 3]


def test_a_float_picture_is_quantised_on_the_cpu_before() -> None:
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    codes, out = (model.tensor([1, 4, 6, 3], name=name, dtype=INT8, scale=0.1) for name in ("codes", "out"))
    model.operator(QUANTIZE, [picture], [codes])
    model.operator(LOGISTIC, [codes], [out])
    model.inputs, model.outputs = [picture], [out]
    report = edge_tpu_report(bytes(model))
    assert units(report) == ["CPU", "TPU"]
    assert report.operators[0].reason.startswith("before the partition: float32 tensors")
    assert report.ok


def test_versions_that_the_compiler_does_not_know_stay_on_the_cpu() -> None:
    model = chain(LOGISTIC, LOGISTIC)
    model.codes[1][2] = Number("i", NEWEST["LOGISTIC"] + 1)
    report = edge_tpu_report(bytes(model))
    assert units(report) == ["TPU", "CPU"]
    assert report.operators[1].reason == "version 4, the compiler knows up to 3"


def test_only_the_three_innermost_sizes_may_be_above_one() -> None:
    assert units(edge_tpu_report(bytes(chain(LOGISTIC, shape=(1, 1, 4, 6, 8))))) == ["TPU"]
    report = edge_tpu_report(bytes(chain(LOGISTIC, shape=(2, 4, 6, 8))))
    assert report.operators[0].reason == "2x4x6x8: only the 3 innermost sizes may be above 1"


def test_free_sizes_stay_on_the_cpu() -> None:
    model = chain(LOGISTIC)
    model.tensors[0][7] = Numbers("i", [1, -1, -1, 8])
    assert edge_tpu_report(bytes(model)).operators[0].reason == "a tensor whose size is free"


def test_limits_of_single_operators_are_known() -> None:
    model = chain(LOGISTIC)
    axis = model.tensor([1], dtype=2, data=(0).to_bytes(4, "little"))
    out = model.tensor([1, 4, 6, 8], dtype=INT8, scale=0.1)
    model.operator(MEAN, [model.outputs[0], axis], [out], kind=27, options={0: Number("B", 1)})
    model.outputs = [out]
    assert edge_tpu_report(bytes(model)).operators[1].reason == "it reduces the batch"
    model = chain(LOGISTIC)
    out = model.tensor([1, 4, 6, 16], dtype=INT8, scale=0.1)
    options = {0: Number("i", 3), 1: Number("b", 1)}
    model.operator(CONCATENATION, [model.outputs[0], model.inputs[0]], [out], kind=10, options=options)
    model.outputs = [out]
    assert edge_tpu_report(bytes(model)).operators[1].reason == "a fused activation"


def test_parameters_beyond_the_chip_are_said_to_be_streamed() -> None:
    model = chain(LOGISTIC)
    many = model.tensor([1, 1, 1, ON_CHIP_BYTES], dtype=INT8, scale=0.1, data=bytes(ON_CHIP_BYTES))
    out = model.tensor([1, 4, 6, 8], dtype=INT8, scale=0.1)
    model.operator(ADD, [model.outputs[0], many], [out], kind=11, options={})
    model.outputs = [out]
    report = edge_tpu_report(bytes(model))
    assert (report.on_tpu, report.fits) == (2, False)
    assert "too much, so some are sent anew for every picture" in report.table()


def test_every_kind_of_the_table_is_one_of_tensorflows() -> None:
    assert set(NEWEST) <= set(BUILTIN_NAMES)
    assert min(NEWEST.values()) >= 1


@pytest.mark.parametrize("name", WITH_DECODER)
def test_the_table_is_readable_on_100_columns(shared: Path, name: str) -> None:
    report = edge_tpu_report((shared / "data/models/coral" / name).read_bytes(), name=name)
    lines = report.table().splitlines()
    assert max(map(len, lines)) <= 100
    assert len([line for line in lines if " TPU" in line or " CPU " in line]) >= len(report.operators)
    assert not any(line != line.rstrip() for line in lines)


def test_the_report_goes_into_json() -> None:
    report = edge_tpu_report(bytes(heatmaps_only()), name="x.tflite")
    again = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert again["name"] == "x.tflite"
    assert again["operators"][0] == {
        "number": 0,
        "name": "CONV_2D",
        "version": 1,
        "shape": [1, 4, 6, 17],
        "unit": "CPU",
        "reason": "float32 tensors, wanted int8 or uint8",
    }
    assert (again["ok"], again["on_tpu"]) == (False, 0)


def test_only_models_are_reported_on() -> None:
    with pytest.raises(ModelError, match=r"x\.tflite is not a TFLite model"):
        edge_tpu_report(b"no model at all", name="x.tflite")
    with pytest.raises(TypeError, match=r"data: wanted the bytes of a \.tflite file, got PosixPath"):
        edge_tpu_report(Path("x.tflite"))  # type: ignore[arg-type]
