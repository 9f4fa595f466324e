"""`posecore convert`: bring PoseNet's official weights, a .keras file or a run folder into another form."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import posecore
from posecore.export_command import add_source_options, opened, quiet_keras
from posecore.export_files import ExportFiles
from posecore.keras_sidecar import sidecar_of, sidecar_text
from posecore.printable import printable
from posecore.progress import Progress
from posecore.result_file import result_file
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    from posecore.keras_source import KerasSource

NAME = "convert"
SUMMARY = "bring a model into another form: .keras, .npz, .tflite, .onnx"
DETAILS = """\
SOURCE is what `posecore export` takes: PoseNet as a tfjs model.json or its folder, posenet-python's frozen .pb, .npz,
a .keras file, or a run folder of `posecore train`. OUT's ending says what is made:
  .keras   plain Keras layers, which Keras opens without posecore; OUT.json has the skeleton and what outputs are
  .npz     the weights alone, LAYER/kernel and LAYER/bias, which network.weights of `posecore train` takes
  .tflite, .onnx   what `posecore export` makes with --target tflite or onnx in float32, verified in the same way;
           other numbers and targets are its options
example: posecore convert model-stride16.json posenet.keras"""
EXPORTED = {".tflite": "tflite", ".onnx": "onnx"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="SOURCE", help="tfjs model, .pb, .npz, .keras or a run folder")
    add("out", metavar="OUT", help="the file to write, with the ending that says what")
    add_source_options(parser.add_argument_group("the model"))
    add("--force", action="store_true", help="overwrite files that are there")
    add("--json", action="store_true", help="print the result for programs on stdout")
    add("--quiet", action="store_true", help="say nothing but errors")


def run(args: argparse.Namespace) -> int:
    out = Path(args.out)
    suffix = out.suffix.lower()
    if suffix in EXPORTED:
        return _exported(args, EXPORTED[suffix])
    if suffix == ".kmodel":
        raise UsageError(
            "OUT: wanted .keras, .npz, .tflite or .onnx, got .kmodel, which needs pictures: `posecore export --target "
            "k210 --calibration FOLDER`"
        )
    if suffix not in (".keras", ".npz"):
        raise UsageError(f"OUT: wanted a name that ends in .keras, .npz, .tflite or .onnx, got {args.out}")
    names = (out, sidecar_of(out)) if suffix == ".keras" else (out,)
    for path in names:
        result_file("OUT", path, inputs=(args.source,), force=args.force, makes_folder=True)
    progress = Progress(quiet=args.quiet)
    with quiet_keras():
        source = opened(args.source, args)
        progress.line(f"{args.source}: {source.about}")
        for path in names:
            result_file("OUT", path, inputs=source.files, force=args.force, makes_folder=True)
        with ExportFiles(out, "OUT") as files, files.telling():
            if suffix == ".keras":
                _keras(source, files)
            else:
                _npz(source, files)
            written = files.publish(force=args.force)
    if args.json:
        about = {
            "posecore": posecore.__version__,
            "model": source.about,
            "skeleton": source.skeleton.name,
            "written": [str(path) for path in written],
            "exit_code": OK,
        }
        print(json.dumps(about, allow_nan=False))
    for path in written:
        progress.line(f"written: {printable(path)}")
    return OK


def _keras(source: KerasSource, files: ExportFiles) -> None:
    from posecore.artifact import sha256_of
    from posecore.evaluation.whole_file import write_whole

    path = files.work_model
    with warnings.catch_warnings():  # of Keras' own
        warnings.simplefilter("ignore")
        source.model.save(path)
    text = sidecar_text(source.skeleton, _outputs(source), about=source.about, sha256=sha256_of(path))
    write_whole(sidecar_of(path), text + "\n")


def _npz(source: KerasSource, files: ExportFiles) -> None:
    from posecore.train.checkpoints import save_weights

    save_weights(files.work_model, source.model)


def _outputs(source: KerasSource) -> dict[str, str]:
    """What the numbers of each exported output are."""
    from posecore.export.contract import contract

    found = contract(source.model, skeleton=source.skeleton)
    units = {
        "logit": "logits",
        "probability": "scores, 0 to 1",
        "px": "input pixels, all y and then all x",
        "fraction": "x and y as fractions of the input's width and height",
    }
    where = f", cells {found.stride_px:g} px apart" if found.stride_px else ""
    return {head.source: f"{head.role}: {units.get(head.unit, head.unit)}{where}" for head in found.heads}


def _exported(args: argparse.Namespace, target: str) -> int:
    """As `posecore export` with its defaults."""
    from posecore import export_command

    parser = argparse.ArgumentParser()
    export_command.add_arguments(parser)
    given = parser.parse_args(["--target", target])
    given.out, given.out_option = args.out, "OUT"
    given.model = args.source
    for option in ("output_stride", "skeleton", "weights", "force", "json", "quiet"):
        setattr(given, option, getattr(args, option))
    return export_command.run(given)
