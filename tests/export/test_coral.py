"""A Keras model for Coral: heads, ranges, compiler, decoder."""

from __future__ import annotations

import ast
import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coral_files import WORKING, compiled_like, fake_compiler

from posecore.artifact import Artifact
from posecore.decode import Decoder
from posecore.errors import MissingExtra, ModelError
from posecore.export.calibration import calibration_pictures
from posecore.export.contract import contract
from posecore.export.coral import export_coral, finish_compiled, to_coral
from posecore.export.coral_ranges import head_ranges, refuse_clipping
from posecore.export.edge_tpu import edge_tpu_report
from posecore.export.edge_tpu_compiler import CompilerError
from posecore.heads import Quantization
from posecore.runtime.decoder_options import DECODER, DecoderOptions
from posecore.runtime.estimator import Estimator
from posecore.runtime.tflite_file import TfliteFile
from posecore.skeletons import COCO17, Skeleton

SIZE = (97, 65)
OPTIONS = DecoderOptions(max_detections=7, score_threshold=0.25)
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="the compiler is for Linux")


@pytest.fixture(autouse=True)
def nothing_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def test_heads_are_corals_in_order_codes_and_units(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "pose.tflite"
    artifact = to_coral(tiny_posenet, path, size=SIZE, calibration=[people])
    file = TfliteFile.read(path)
    assert [(i.shape, i.dtype) for i in file.inputs] == [((1, 65, 97, 3), "uint8")]
    assert [(o.shape, o.dtype) for o in file.outputs] == [((1, 5, 7, n), "uint8") for n in (17, 34, 64)]
    assert [(h.role, h.unit) for h in artifact.heads] == [
        ("heatmaps", "logit"),
        ("short_offsets", "px"),
        ("mid_offsets", "px"),
    ]
    assert [h.quantization for h in artifact.heads] == [o.quantization for o in file.outputs]
    assert (artifact.target, artifact.precision, artifact.decoder) == ("coral", "uint8", None)
    assert artifact.calibration is not None
    assert (artifact.calibration.pictures, artifact.calibration.random) == (1, False)
    assert Artifact.read(path) == artifact
    report = edge_tpu_report(file.data)
    assert (report.ok, report.on_tpu) == (True, len(file.operators))


def test_mid_offsets_are_forward_then_backward(tiny_posenet: Any, people: np.ndarray, tmp_path: Path) -> None:
    estimator = _estimator(tiny_posenet, people, tmp_path)
    picture = calibration_pictures([people], SIZE)[0]
    heads = estimator.heads(picture)
    given = tiny_posenet(picture[None].astype(np.float32) / 127.5 - 1)
    for name, source in (
        ("heatmaps", "heatmap_2"),
        ("short_offsets", "offset_2"),
        ("displacement_fwd", "displacement_fwd_2"),
        ("displacement_bwd", "displacement_bwd_2"),
    ):
        wanted = np.asarray(given[source])[0]
        error = np.abs(heads.dequantized(name) - wanted)
        assert np.median(error) < 0.02 * np.ptp(wanted), name


def test_a_decoder_goes_to_the_end(tiny_posenet: Any, people: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "pose.tflite"
    artifact = to_coral(tiny_posenet, path, size=SIZE, calibration=[people], decoder=OPTIONS)
    file = TfliteFile.read(path)
    assert file.decoder == OPTIONS
    assert file.operators[-1] == DECODER
    assert [o.shape for o in file.outputs] == [(1, 7, 17, 2), (1, 7, 17), (1, 7), ()]
    assert artifact.decoder == {
        "max_detections": 7,
        "score_threshold": 0.25,
        "nms_radius_px": 10.0,
        "stride_px": 16,
    }
    assert len(artifact.heads) == 3


def test_without_a_compiler_it_is_said_what_to_run(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    made = export_coral(
        tiny_posenet, tmp_path / "pose.tflite", size=SIZE, calibration=[people], decoder=OPTIONS
    )
    assert made.compiled is None
    assert made.to_run == (
        "edgetpu_compiler -s -o . pose_heads.tflite",
        "python -c 'from posecore.export.coral import finish_compiled; "
        'finish_compiled("pose_heads_edgetpu.tflite", "pose.tflite", "pose_edgetpu.tflite")\'',
    )
    assert all(line in made.table() for line in made.to_run)
    # As if the first line had been run; then the second does what it says.
    compiled = tmp_path / "pose_heads_edgetpu.tflite"
    compiled.write_bytes(compiled_like((tmp_path / "pose_heads.tflite").read_bytes()))
    path = tmp_path / "pose_edgetpu.tflite"
    artifact = finish_compiled(compiled, tmp_path / "pose.tflite", path)
    file = TfliteFile.read(path)
    assert (file.operators, file.decoder) == (("edgetpu-custom-op", DECODER), OPTIONS)
    assert Artifact.read(path) == artifact
    assert artifact.heads == made.artifact.heads


def test_without_a_decoder_one_line_is_left_to_run(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    made = export_coral(tiny_posenet, tmp_path / "pose.tflite", size=SIZE, calibration=[people])
    assert made.to_run == ("edgetpu_compiler -s -o . pose.tflite",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pose.tflite", "pose.tflite.json"]
    assert json.loads(json.dumps(made.as_dict()))["compiler"] is None


@needs_posix
def test_a_compiler_that_is_there_is_called(tiny_posenet: Any, people: np.ndarray, tmp_path: Path) -> None:
    made = export_coral(
        tiny_posenet,
        tmp_path / "pose.tflite",
        size=SIZE,
        calibration=[people],
        decoder=OPTIONS,
        compiler=fake_compiler(tmp_path, WORKING),
    )
    assert made.compiled == tmp_path / "pose_edgetpu.tflite"
    file = TfliteFile.read(made.compiled)
    assert (file.operators, file.decoder) == (("edgetpu-custom-op", DECODER), OPTIONS)
    assert made.compiled_artifact == Artifact.read(made.compiled)
    assert made.compiled_artifact is not None
    assert made.compiled_artifact.tools["edgetpu_compiler"] == "16.0.384591198"
    assert "Mapped to Edge TPU" in (tmp_path / "pose_edgetpu.log").read_text()
    assert "edgetpu_compiler 16.0.384591198: 33 of 34 operators on the Edge TPU." in made.table()
    assert (made.to_run, made.as_dict()["compiler"]["subgraphs"]) == ((), 1)


@needs_posix
def test_a_compiler_that_fails_leaves_its_words_and_a_whole_model(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    program = fake_compiler(tmp_path, "print('Internal compiler error. Aborting!'); sys.exit(1)")
    with pytest.raises(
        CompilerError, match=r"Internal compiler error\. Aborting! \(all of it: .*pose_edgetpu\.log\)"
    ):
        to_coral(tiny_posenet, tmp_path / "pose.tflite", size=SIZE, calibration=[people], compiler=program)
    assert (tmp_path / "pose_edgetpu.log").read_text() == "Internal compiler error. Aborting!\n"
    assert Artifact.read(tmp_path / "pose.tflite") is not None
    assert not (tmp_path / "pose_edgetpu.tflite").exists()


@needs_posix
def test_a_compiled_model_with_other_heads_is_refused(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    swapped = WORKING.replace("compiled_like(model.read_bytes())", "other")
    lines = (
        "from coral_files import *\nfrom runtime.tiny_tflite import *\n"
        "other = compiled_like(bytes(quantised(UINT8)))"
    )
    with pytest.raises(
        ModelError, match=r"pose_edgetpu\.tflite: wanted the heads of .* got uint8 \[1, 4, 6, 17\]"
    ):
        to_coral(
            tiny_posenet,
            tmp_path / "pose.tflite",
            size=SIZE,
            calibration=[people],
            compiler=fake_compiler(tmp_path, f"{lines}\n{swapped}"),
        )
    assert not (tmp_path / "pose_edgetpu.tflite").exists()


def test_only_a_compiled_model_of_the_same_heads_is_finished(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "pose.tflite"
    to_coral(tiny_posenet, path, size=SIZE, calibration=[people])
    with pytest.raises(ModelError, match="wanted a model compiled for the Edge TPU, got one that is not"):
        finish_compiled(path, path, tmp_path / "out.tflite")
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(path.read_bytes())
    with pytest.raises(ModelError, match="wanted a model that was exported for Coral, with its description"):
        finish_compiled(path, alone, tmp_path / "out.tflite")
    assert not (tmp_path / "out.tflite").exists()


def test_dilation_is_refused_with_the_stride_that_works(
    keras: Any, people: np.ndarray, tmp_path: Path
) -> None:
    from posecore.train.networks import posenet

    for backbone, stride, works in (("mobilenet_v1_100", 16, 32), ("mobilenet_v1_050", 8, 16)):
        with pytest.raises(
            ModelError, match=rf"got conv2d_.*_depthwise with .* at stride {stride}: .*={works}, which"
        ):
            to_coral(
                posenet(backbone, output_stride=stride),
                tmp_path / "x.tflite",
                size=SIZE,
                calibration=[people],
            )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"decoder": replace(OPTIONS, stride_px=8)},
            "decoder: wanted stride_px 16, as tiny_posenet has it, got 8",
        ),
        (
            {"decoder": replace(OPTIONS, max_detections=0)},
            "max_detections: wanted a whole number from 1 to 10000, got 0",
        ),
        ({"calibration": None}, "calibration: wanted a folder of pictures"),
        ({"size": (0, 65)}, "size: wanted a whole number from 1"),
        ({"compiler": "nowhere/compiler"}, "compiler: wanted a program, got nowhere/compiler"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        to_coral(tiny_posenet, tmp_path / "x.tflite", **{"size": SIZE, "calibration": [people], **options})
    assert list(tmp_path.iterdir()) == []


def test_a_decoder_knows_only_cocos_skeleton(tiny_posenet: Any, people: np.ndarray, tmp_path: Path) -> None:
    edges = ((1, 0), *COCO17.edges[1:])
    other = Skeleton("reversed", COCO17.keypoints, edges)
    with pytest.raises(ValueError, match="edges, which are built into PosenetDecoderOp, got reversed"):
        to_coral(
            tiny_posenet,
            tmp_path / "x.tflite",
            size=SIZE,
            calibration=[people],
            skeleton=other,
            decoder=OPTIONS,
        )


def test_heads_that_clip_what_calibration_saw_are_refused(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    found = contract(tiny_posenet)
    heads = found.with_mid_offsets()
    path = tmp_path / "pose.tflite"
    to_coral(tiny_posenet, path, size=SIZE, calibration=[people])
    outputs = list(TfliteFile.read(path).outputs)
    pictures = calibration_pictures([people], SIZE)
    graph = found.graph(SIZE, mid_offsets=True)
    ranges = head_ranges(graph, heads, pictures, outputs)
    assert [one.clipped for one in ranges] == [0, 0, 0]
    refuse_clipping("pose", ranges)
    # As in Coral's family A: short offsets that stop early.
    assert outputs[1].quantization is not None
    outputs[1] = replace(outputs[1], quantization=Quantization(outputs[1].quantization.scale / 5, 128))
    ranges = head_ranges(graph, heads, pictures, outputs)
    assert ranges[1].clipped > 0.01
    assert (ranges[0].clipped, ranges[2].clipped) == (0, 0)
    with pytest.raises(
        ModelError, match=r"pose: the 8 bits of offset_2 reach from .* px, but calibration saw .* clipped"
    ):
        refuse_clipping("pose", ranges)


@pytest.mark.parametrize("size", [(257, 257)])
def test_posenet_decodes_as_in_float(
    posenet_050: Any, people: np.ndarray, photographs: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Keypoints of the exported model, by its own decoder's options, against the float network's: median 1.3 px."""
    folder = sorted(photographs.glob("*.jpg"))
    made = export_coral(
        posenet_050,
        tmp_path / "pose.tflite",
        size=size,
        calibration=[*folder, people],
        decoder=DecoderOptions(),
    )
    try:
        estimator = Estimator(made.path)
    except MissingExtra as missing:
        pytest.skip(str(missing))
    decoder = Decoder(COCO17, stride_px=16, **DecoderOptions().as_decode_options())
    shifts = []
    for picture in calibration_pictures([people, *folder], size):
        said = posenet_050(picture[None] / np.float32(127.5) - 1)
        given = {name: np.asarray(array)[0] for name, array in said.items()}
        names = ("heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2")
        wanted, got = decoder(*(given[name] for name in names)), estimator(picture)
        for xy, scores in zip(wanted.xy, wanted.scores, strict=True):
            distances = np.linalg.norm(got.xy - xy, axis=2)[:, scores > 0.5]
            if distances.size and np.median(distances, axis=1).min() < 20:
                shifts.extend(distances[np.median(distances, axis=1).argmin()])
    assert len(shifts) > 50
    assert np.median(shifts) <= 1.3
    assert made.report.ok


def _estimator(model: Any, people: np.ndarray, folder: Path) -> Estimator:
    path = folder / "pose.tflite"
    to_coral(model, path, size=SIZE, calibration=[people])
    try:
        return Estimator(path)
    except MissingExtra as missing:
        pytest.skip(str(missing))


def test_what_to_run_survives_names_with_spaces_and_quotes(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    made = export_coral(
        tiny_posenet, tmp_path / "my pose's.tflite", size=SIZE, calibration=[people], decoder=OPTIONS
    )
    compiler, finish = (shlex.split(line) for line in made.to_run)
    assert compiler[-1] == "my pose's_heads.tflite"
    assert finish[:2] == ["python", "-c"]
    assert ast.literal_eval(finish[2].rpartition("finish_compiled")[2]) == (
        *("my pose's_heads_edgetpu.tflite", "my pose's.tflite", "my pose's_edgetpu.tflite"),
    )
