"""`posecore export`: make a model file for another runtime or chip, and verify that it finds the same people there."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import posecore
from posecore import skeletons
from posecore.errors import PosecoreError
from posecore.export_files import ExportFiles
from posecore.export_pictures import DEFAULT_CALIBRATION, DEFAULT_VERIFICATION, choose_pictures
from posecore.export_targets import (
    QUANTIZE,
    SUFFIXES,
    TARGETS,
    ExportPlan,
    Made,
    companions,
    in_options,
    make,
    needs_calibration,
    plan,
)
from posecore.export_verification import Labels, as_json, is_judged, verify_export
from posecore.keras_source import WEIGHTS, look_at_source, open_source, want_source
from posecore.option_values import network_size, radius, share, whole
from posecore.printable import printable
from posecore.progress import Progress
from posecore.usage import FAILED, OK, UsageError

if TYPE_CHECKING:
    from posecore.artifact import Artifact
    from posecore.export.verification import Verification
    from posecore.export_pictures import ExportPictures
    from posecore.keras_source import KerasSource
    from posecore.runtime.decoder_options import DecoderOptions

NAME = "export"
SUMMARY = "make a .tflite, Coral, K210 or ONNX model and verify it"
DETAILS = """\
MODEL is a run folder of `posecore train`, a .keras file, or PoseNet's weights: .npz, a frozen graph .pb, a tfjs
model.json or its folder. Four files are written: the model, MODEL.json (its heads, units, skeleton, hashes: what the
runtime reads), MODEL.verify.json and MODEL.verify.png.
int8, uint8, coral and k210 need --calibration: real pictures like those that the network will see; 50 to 100 will do.
Every export ends with a verification: the same pictures through MODEL and through the file, and how far keypoints
move. Where they move more than --max-shift, or nobody is on the pictures ("judged": false), the files stay, their
.verify.json says "ok": false, and the exit code is 1.
example: posecore export run --target tflite --quantize int8 --size 257 --calibration pictures"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="run folder, .keras, .npz, .pb or tfjs model"
    )
    add = parser.add_argument
    add("--target", choices=TARGETS, required=True, help="what it is for")
    group = parser.add_argument_group("the model")
    add_source_options(group)
    add = group.add_argument
    add(
        "--size",
        type=export_size,
        metavar="N|HxW|dynamic",
        help="network input: N is NxN; dynamic leaves it free (default: the model's own, else the target's)",
    )
    add("--quantize", choices=QUANTIZE, help="numbers inside (default float32; coral and k210: 8 bits)")
    add("--decoder", action="store_true", help="append PosenetDecoderOp, as Coral's files have it")
    add("--max-poses", type=whole(1, 10_000), metavar="N", help="of the decoder: people (default 20)")
    add("--conf", type=share, metavar="P", help="of the decoder: least score, 0 to 1 (default 0.2)")
    add("--nms", type=radius, metavar="PX", help="of the decoder: radius of suppression (default 10)")
    group = parser.add_argument_group("pictures")
    add = group.add_argument
    add("--calibration", metavar="PLACE", help="real pictures: a folder, or COCO's .json")
    add(
        "--calibration-count",
        type=whole(1, 10_000),
        metavar="N",
        help=f"so many of them (default {DEFAULT_CALIBRATION}, and a quarter of the folder is kept to verify)",
    )
    add(
        "--random-calibration",
        action="store_true",
        help="calibrate with noise; the result looks fine and places keypoints wrongly",
    )
    add(
        "--verify-pictures",
        metavar="PLACE",
        help="pictures to verify with (default: those left of --calibration)",
    )
    add(
        "--verify-count",
        type=whole(1, 10_000),
        default=DEFAULT_VERIFICATION,
        metavar="N",
        help=f"so many at most (default {DEFAULT_VERIFICATION})",
    )
    add("--pictures", metavar="DIR", help="where the pictures of a .json lie (default: beside it)")
    add("--labels", metavar="GT", help="COCO's .json of people: AP of both models too")
    add(
        "--max-shift",
        type=radius,
        metavar="PX",
        help="how far 95 in 100 keypoints may move, in input pixels, and the median a quarter of it (default 4 and 1, "
        "or twice as far as those of the float model itself move when the pictures are saved as JPEG, up to 16)",
    )
    group = parser.add_argument_group("what is written")
    add = group.add_argument
    parser.set_defaults(out_option="--out")
    add("--out", metavar="FILE", help="the model file (default: named after the model, size and numbers)")
    add("--force", action="store_true", help="overwrite files that are there")
    add("--json", action="store_true", help="print the result for programs on stdout")
    add("--quiet", action="store_true", help="say nothing but errors and the table")
    add(
        "--setup",
        action="store_true",
        help="with k210: install its compiler, from the package registry, and end",
    )


def add_source_options(group: argparse._ArgumentGroup) -> None:
    """What a MODEL may need to be told."""
    add = group.add_argument
    add(
        "--output-stride",
        type=int,
        choices=(8, 16, 32),
        help="of PoseNet's weights: input pixels a cell (default: the file's own)",
    )
    add("--skeleton", choices=skeletons.names(), help="what the keypoints are, where the file does not say")
    add("--weights", choices=WEIGHTS, help="of a run folder (default: the first that is there)")


def export_size(text: str) -> Any:
    """A side, height x width, or the word dynamic; (width, height) or "dynamic"."""
    if text == "dynamic":
        return text
    found = network_size(text)
    return (found, found) if isinstance(found, int) else (found[1], found[0])


def run(args: argparse.Namespace) -> int:
    progress = Progress(quiet=args.quiet)
    if args.setup:
        return _setup(args, progress)
    if args.model is None:
        raise UsageError("MODEL: wanted a run folder, .keras, .npz, .pb or tfjs model, got none")
    _check(args)
    _look_ahead(args)
    labels = None if args.labels is None else Labels.read(args.labels, args.pictures)
    pictures = _pictures(args)
    with quiet_keras():
        source = opened(args.model, args)
        progress.line(f"{args.model}: {source.about}")
        if labels is not None:
            labels.refuse_others(source.skeleton)
        done = export(args, source, pictures, labels, progress)
    return report(args, done, progress)


@dataclass(frozen=True, slots=True)
class Exported:
    """What `export` made: what is told about it, and the paths of its files, the model first."""

    source: KerasSource
    pictures: ExportPictures
    made: Made
    verification: Verification
    written: tuple[Path, ...]


def export(
    args: argparse.Namespace,
    source: KerasSource,
    pictures: ExportPictures,
    labels: Labels | None,
    progress: Progress,
) -> Exported:
    """Make the file, verify it, and write everything."""
    planned = _plan(args, source.size, _decoder(args, source))
    files = _files(args, args.out or planned.file_name(source.name), source.files)
    progress.line(pictures.said)
    with files, files.telling():
        progress.line(f"making {files.model.name}")
        calibration = () if pictures.calibration is None else pictures.calibration.paths
        try:
            made = make(planned, source, files.work_model, calibration, random=args.random_calibration)
        except UsageError as error:
            raise UsageError(
                str(error).replace("random=True insists on it", "--random-calibration instead insists on it")
            ) from None
        made = replace(made, lines=tuple(files.told(line) for line in made.lines))
        progress.line("verifying")
        found = verify_export(
            planned,
            source,
            files,
            pictures,
            progress,
            max_shift_px=args.max_shift,
            labels=labels,
        )
        written = files.publish(force=args.force)
    return Exported(source, pictures, made, found, tuple(written))


def report(args: argparse.Namespace, done: Exported, progress: Progress) -> int:
    """Print what was made; the exit code."""
    found = done.verification
    code = OK if found.ok else FAILED
    if args.json:
        about = {
            "posecore": posecore.__version__,
            "model": done.source.about,
            "pictures": done.pictures.said,
            "artifact": done.made.artifact.as_dict(),
            "target": dict(done.made.facts),
            "verification": as_json(found),
            "written": [str(path) for path in done.written],
            "exit_code": code,
        }
        print(json.dumps(about, allow_nan=False))
    else:
        own = ["", *done.made.lines] if done.made.lines else []
        print("\n".join([*heads_table(done.made.artifact), *own, "", found.table()]))
    for path in done.written:
        progress.line(f"written: {path}")
    there = f"posecore: {done.written[0]}: it is there, but"
    if not is_judged(found):
        progress.error(f"{there} whether it is good {found.verdict} (--verify-pictures)")
    elif code:
        head = f", {found.worst_head} most of all" if found.worst_head else ""
        progress.error(
            f"{there} verification says that it is bad{head}: look at the picture; --verify-pictures with people as "
            "large as yours, more pictures to calibrate with or a larger --size may help, and --max-shift PX is for "
            "what you can live with"
        )
    return code


def opened(model: str, args: argparse.Namespace) -> KerasSource:
    """The model, with the options of `add_source_options`."""
    try:
        return open_source(
            model, output_stride=args.output_stride, skeleton=args.skeleton, weights=args.weights
        )
    except PosecoreError:
        raise
    except ValueError as error:
        raise UsageError(in_options(str(error))) from None


def heads_table(artifact: Artifact) -> list[str]:
    """The model's input and heads, as lines."""
    one = artifact.input
    size = "any size" if one.size is None else f"{one.size[1]}x{one.size[0]}"
    low, high = one.range
    lines = [
        f"{printable(artifact.file)}: {artifact.target}, {artifact.precision}, "
        f"{printable(artifact.skeleton.name)}, stride {artifact.stride_px:g} px",
        f"input  {one.dtype} {one.layout} {size}, bytes 0..255 as {low:g}..{high:g}",
    ]
    names = max(len(printable(head.name)) for head in artifact.heads)
    for head in artifact.heads:
        shape = "x".join("?" if side < 0 else str(side) for side in head.shape)
        codes = ""
        if head.quantization is not None:
            codes = f", (code - {head.quantization.zero_point}) * {head.quantization.scale:.6g}"
        lines.append(
            f"head   {head.role:<16}  {printable(head.name):<{names}}  {shape:<14}  {head.dtype}, {head.unit}{codes}"
        )
    if artifact.decoder is not None:
        options = ", ".join(f"{name} {value:g}" for name, value in artifact.decoder.items())
        lines.append(f"then   PosenetDecoderOp: {options}")
    return lines


@contextmanager
def quiet_keras() -> Iterator[None]:
    """What Keras and converters print on stdout goes to stderr: stdout is for data."""
    with redirect_stdout(sys.stderr):
        yield


def _check(args: argparse.Namespace) -> None:
    """Refuse what can be refused before anything is opened."""
    from posecore.runtime.decoder_options import DecoderOptions

    _plan(args, None, DecoderOptions() if args.decoder else None)
    suffix = SUFFIXES[args.target]
    if args.out and Path(args.out).suffix.lower() != suffix:
        raise UsageError(f"--out: wanted a name that ends in {suffix} for {args.target}, got {args.out}")
    calibrates = needs_calibration(args.target, args.quantize or "float32")
    what = args.target if args.target in ("coral", "k210") else args.quantize
    if calibrates and args.calibration is None and not args.random_calibration:
        raise UsageError(
            f"--calibration: wanted a folder of pictures like those that the network will see, since {what} measures "
            "its ranges on them, got none"
        )
    if not calibrates:
        for option in ("calibration_count", "random_calibration", "calibration"):
            if getattr(args, option):
                raise UsageError(
                    f"--{option.replace('_', '-')}: wanted it with int8, uint8, coral or k210 alone, got "
                    f"{args.quantize or 'float32'}"
                )
    if args.random_calibration and args.calibration is not None:
        raise UsageError("--random-calibration: wanted it or --calibration, got both")
    for option in ("max_poses", "conf", "nms"):
        if getattr(args, option) is not None and not args.decoder:
            raise UsageError(f"--{option.replace('_', '-')}: wanted --decoder with it, got none")
    places = (args.calibration, args.verify_pictures, args.labels)
    if args.pictures is not None and not any(one and one.lower().endswith(".json") for one in places):
        raise UsageError("--pictures: wanted a .json whose pictures lie there, got none")
    if args.pictures is not None and not Path(args.pictures).is_dir():
        raise UsageError(f"--pictures: wanted a folder that is there, got {args.pictures}")


def _plan(
    args: argparse.Namespace, own_size: tuple[int, int] | None, decoder: DecoderOptions | None
) -> ExportPlan:
    return plan(args.target, quantize=args.quantize, size=args.size, own_size=own_size, decoder=decoder)


def _look_ahead(args: argparse.Namespace) -> None:
    """Refuse what can be refused before TensorFlow and the model are there: files that are in the way, packages that
    are not installed."""
    from posecore.export_needs import look_for_compiler, look_for_packages
    from posecore.runtime.decoder_options import DecoderOptions

    if args.out is not None:  # looked at again when it is known what else is read
        _files(args, args.out, ())
    want_source(args.model)
    look_for_packages(args.target)
    look = look_at_source(args.model)
    planned = _plan(args, look.size, DecoderOptions() if args.decoder else None)
    _files(args, args.out or planned.file_name(look.name), look.files)
    look_for_compiler(args.target)


def _files(args: argparse.Namespace, name: str, inputs: tuple[Path, ...]) -> ExportFiles:
    return ExportFiles.planned(
        args.out_option,
        name,
        inputs=(*inputs, *_read(args)),
        force=args.force,
        companions=partial(companions, args.target),
    )


def _read(args: argparse.Namespace) -> list[Path]:
    """Files that the options name, none of which is written over."""
    places = (args.calibration, args.verify_pictures, args.labels)
    return [Path(one) for one in places if one is not None and Path(one).is_file()]


def _pictures(args: argparse.Namespace) -> ExportPictures:
    return choose_pictures(
        args.calibration,
        args.verify_pictures,
        folder=args.pictures,
        count=args.calibration_count,
        verify_count=args.verify_count,
    )


def _decoder(args: argparse.Namespace, source: KerasSource) -> DecoderOptions | None:
    if not args.decoder:
        return None
    from posecore.export.contract import contract
    from posecore.runtime.decoder_options import DecoderOptions

    found = contract(source.model, skeleton=source.skeleton)
    if found.kind != "posenet":
        raise UsageError(f"--decoder: wanted a PoseNet, which PosenetDecoderOp reads, got {found.kind}")
    default = DecoderOptions()
    return DecoderOptions(
        max_detections=default.max_detections if args.max_poses is None else args.max_poses,
        score_threshold=default.score_threshold if args.conf is None else args.conf,
        nms_radius_px=default.nms_radius_px if args.nms is None else args.nms,
        stride_px=round(found.stride_px),
    )


def _setup(args: argparse.Namespace, progress: Progress) -> int:
    if args.target != "k210":
        raise UsageError(
            f"--setup: wanted it with --target k210, whose compiler it installs, got {args.target}"
        )
    if args.model is not None:
        raise UsageError(
            f"--setup: wanted it without MODEL, since it installs the compiler and exports nothing, got {args.model}"
        )
    from posecore.export.k210_setup import set_up

    progress.line(f"nncase is installed: {set_up(progress.line)}")
    return OK
