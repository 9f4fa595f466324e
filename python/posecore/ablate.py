"""`posecore ablate`: what each part of the pipeline is worth, and what perfecting it would give, in AP."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import posecore
from posecore.labelled_pictures import labelled_paths, read_labelled
from posecore.network_options import add_decoder_options, add_network_options, decoder_options, load_estimator
from posecore.option_values import whole
from posecore.printable import printable
from posecore.progress import Progress
from posecore.result_file import result_file
from posecore.scoring_options import in_options
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    from posecore.ablation import Ablation, Experiment
    from posecore.ablation_scene import Networks
    from posecore.evaluation.truths import Truths

NAME = "ablate"
SUMMARY = "say what each part of the pipeline is worth on labelled pictures"
DETAILS = """\
GT is a COCO annotation file, PICTURES the folder of its pictures. The network, a PoseNet, runs on each picture as
it is, mirrored, in other sizes and shapes, and on each person's box; its heads are decoded with bilinear
sampling, refinement steps, suppression, re-scoring or letterbox taken out, and with heatmaps, short offsets,
displacements, person boxes or scores replaced by what is labelled. AP is COCO's. Intervals come from drawing the
pictures again, with replacement: what lies within them may be chance.
--out says by its ending what is written: .html the page, .svg the plot, .json all numbers; it can be given
several times.
example: posecore ablate person_keypoints_val2017.json val2017 --out ablation.html"""
DEFAULT_OUT = "ablation.html"
ENDINGS = (".html", ".svg", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("truth", metavar="GT", help="annotations, COCO's JSON")
    add("pictures", metavar="PICTURES", help="the folder of the pictures")
    group = parser.add_argument_group("the network")
    add_network_options(group, model="a .tflite PoseNet; MobileNetV1 0.75 comes with posecore")
    add_decoder_options(
        parser.add_argument_group("the full pipeline's decoder"),
        max_poses="people in a picture (default 20)",
        conf="score from 0 to 1 for people, and for where they start (default 0.2)",
    )
    parser.set_defaults(max_poses=20, conf=0.2, nms=10.0, refine_steps=5)
    group = parser.add_argument_group("what is written")
    add = group.add_argument
    add(
        "--draws",
        type=whole(0, 100_000),
        default=1000,
        metavar="N",
        help="sets of pictures that are drawn for the intervals; 0 for none (default 1000)",
    )
    add(
        "--out",
        action="append",
        metavar="FILE",
        help=f".html, .svg or .json; none writes nothing (default {DEFAULT_OUT})",
    )
    add("--force", action="store_true", help="overwrite files that are there")
    add("--json", action="store_true", help="print JSON on stdout")
    add("--quiet", action="store_true", help="say nothing but errors and the table")


def run(args: argparse.Namespace) -> int:
    if args.truth == "-":
        raise UsageError("GT: wanted a file, got -: stdin is not taken")
    outs = _destinations(args)
    if not os.path.isdir(args.pictures):
        raise UsageError(f"PICTURES: wanted a folder, got {args.pictures}")
    from posecore.ablation import Experiment
    from posecore.ablation_scene import Networks
    from posecore.ablation_table import as_text
    from posecore.evaluation.coco_files import read_truths

    progress = Progress(quiet=args.quiet)
    truths = read_truths(args.truth)
    paths = labelled_paths(truths, args.truth, args.pictures)
    networks = Networks(lambda **view: _load(args, **view), args.size)
    progress.line(f"{networks.base.name}, {networks.base.library}")
    options = decoder_options(args)
    try:
        experiment = Experiment(truths, networks, options)
    except ValueError as error:
        raise in_options(error) from None
    _decode(experiment, truths, paths, progress)
    with progress.task("variants", len(experiment.variants), "variant") as task:
        ablation = experiment.score(args.draws, task.advance)
    ablation = replace(ablation, card=_card(args, networks, truths, options))
    for path in outs:
        _write(path, ablation)
    if args.json:
        written = [str(path) for path in outs]
        print(json.dumps(ablation.as_dict() | {"written": written, "exit_code": OK}, allow_nan=False))
    else:
        print(as_text(ablation))
    for path in outs:
        progress.line(f"written: {printable(path)}")
    return OK


def _load(args: argparse.Namespace, *, size: Any, resize: str) -> Any:
    return load_estimator(
        model=args.model, size=size, resize=resize, skeleton=args.skeleton, threads=args.threads
    )


def _decode(experiment: Experiment, truths: Truths, paths: list[Path], progress: Progress) -> None:
    with progress.task("pictures", len(paths), "picture") as task:
        for row, path in enumerate(paths):
            experiment.add(row, read_labelled(truths, row, path))
            task.advance()


def _destinations(args: argparse.Namespace) -> list[Path]:
    names = args.out if args.out is not None else [DEFAULT_OUT]
    if "none" in names:
        if len(names) > 1:
            raise UsageError("--out: wanted none alone, or files, got both")
        return []
    found: list[Path] = []
    for name in names:
        path = result_file("--out", name, inputs=(args.truth,), force=args.force, makes_folder=True)
        if path.suffix.lower() not in ENDINGS:
            raise UsageError(f"--out: wanted a name that ends in {', '.join(ENDINGS)}, got {name}")
        if any(os.path.realpath(path) == os.path.realpath(one) for one in found):
            raise UsageError(f"--out: wanted different files, got {path} twice")
        found.append(path)
    return found


def _write(path: Path, ablation: Ablation) -> None:
    from posecore.ablation_page import page_html
    from posecore.ablation_plot import plot
    from posecore.evaluation.whole_file import write_json, write_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    if suffix == ".json":
        write_json(path, ablation.as_dict())
    else:
        write_whole(path, page_html(ablation) if suffix == ".html" else f"{plot(ablation)}\n")


def _card(
    args: argparse.Namespace, networks: Networks, truths: Truths, options: dict[str, Any]
) -> tuple[tuple[str, str], ...]:
    width, height = networks.base.input_size
    size = f"{height}x{width}" if networks.fixed else f"longer side {networks.base.long_side}"
    decoder = ", ".join(f"{name} {value:g}" for name, value in options.items())
    return (
        ("network", f"{networks.base.name}, {networks.base.library}"),
        ("input", f"{size} px, stride {networks.stride_px:g}"),
        ("decoder", decoder),
        ("truth", f"{truths.origin.name} (sha256 {(truths.origin.sha256 or 'not known')[:16]})"),
        ("pictures", f"{len(truths.images):,}, {len(truths):,} annotated people"),
        ("posecore", posecore.__version__),
    )
