"""`posecore diagnose`: why an AP is what it is, and one HTML file that shows it."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import TYPE_CHECKING

from posecore.printable import printable
from posecore.result_file import already_there, result_file
from posecore.scoring_options import add_scoring_options, in_options, protocol_options, source_of
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from posecore.evaluation.diagnosis import Diagnosis
    from posecore.evaluation.page_content import Picture

NAME = "diagnose"
SUMMARY = "say what costs AP, and show it in one HTML file"
DETAILS = """\
TRUTH is a COCO annotation file, RESULTS a COCO result file; a second one is set beside it. The file holds tables,
curves, what each kind of error costs (as coco-analyze counts), and the worst people with truth and prediction.
It opens offline and fetches nothing. Without --images people are drawn on plain grounds.
example: posecore diagnose person_keypoints_val2017.json results.json --images val2017 --out results.html"""
DEFAULT_OUT = "diagnosis.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("truth", metavar="TRUTH", help="annotations, COCO's JSON")
    add("results", metavar="RESULTS", help="results, COCO's JSON")
    add("others", metavar="OTHERS", nargs="?", help="other results, shown beside the first")
    add_scoring_options(parser)
    add(
        "--true-sigma",
        action="store_true",
        help="corrected keypoints get the similarity that was meant, not coco-analyze's",
    )
    add("--images", metavar="DIR", help="the folder of the pictures, for the gallery")
    add(
        "--worst",
        type=_worst,
        default=100,
        metavar="N",
        help="people in the gallery, of each result file at most (default 100)",
    )
    add("--out", metavar="FILE", default=DEFAULT_OUT, help=f"the HTML file (default {DEFAULT_OUT})")
    add("--force", action="store_true", help="overwrite a file that is there")
    add("--json", action="store_true", help="print the diagnosis as JSON on stdout")


def run(args: argparse.Namespace) -> int:
    _check(args)
    from posecore.evaluation.page import save_html
    from posecore.evaluation.page_report import page_of

    try:
        diagnoses = _diagnoses(args)
        content = page_of(diagnoses, images=args.images, worst=args.worst)
    except ValueError as error:
        raise in_options(error) from None
    try:
        written = save_html(args.out, content, force=args.force)
    except FileExistsError:
        raise already_there("--out", args.out) from None
    if args.json:
        both = [diagnosis.as_dict() for diagnosis in diagnoses]
        runs = [
            {"results": run.name, "stats": dict(run.stats), "diagnosis": one}
            for run, one in zip(content.runs, both, strict=True)
        ]
        print(json.dumps({"page": str(written), "runs": runs}, allow_nan=False))
    else:
        print(_table(diagnoses, [run.name for run in content.runs]))
    if args.images is not None and (said := _not_shown(content.pictures)):
        print(said, file=sys.stderr)
    print(f"{printable(written)}: {written.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return OK


def _diagnoses(args: argparse.Namespace) -> list[Diagnosis]:
    from posecore.evaluation.coco import evaluate

    options = protocol_options(args) | {"max_detections": args.max_detections}
    first = evaluate(source_of(args.truth), source_of(args.results), **options)
    reports = [first]
    if args.others is not None:
        # The truth is read once: both are of the same people.
        options |= {"protocol": first.protocol, "skeleton": None, "sigmas": None}
        reports.append(evaluate(first.truths, source_of(args.others), **options))
    return [report.diagnose(true_sigma=args.true_sigma) for report in reports]


def _not_shown(pictures: Sequence[Picture]) -> str | None:
    """A sentence about the files of which the gallery has no pixels."""
    names = sorted({picture.name for picture in pictures})
    shown = {picture.name for picture in pictures if picture.jpeg is not None}
    lost = [name for name in names if name not in shown]
    if not lost:
        return None
    return (
        f"{len(lost)} of {len(names)} pictures could not be read or have another shape than the truth says, "
        f"first {printable(lost[0])}"
    )


def _table(diagnoses: list[Diagnosis], names: list[str]) -> str:
    from posecore.evaluation.diagnosis_table import as_text, both_as_text

    return as_text(diagnoses[0]) if len(diagnoses) == 1 else both_as_text(diagnoses, names)


def _check(args: argparse.Namespace) -> None:
    if [args.truth, args.results, args.others].count("-") > 1:
        raise UsageError("-: wanted one file from stdin, got more")
    read = (args.truth, args.results, args.others)
    result_file("--out", args.out, inputs=read, force=args.force, makes_folder=True)
    if args.images is not None and not os.path.isdir(args.images):
        raise UsageError(f"--images: wanted a folder, got {args.images}")


def _worst(text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text) or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"wanted a whole number from 0 to 1000, got {text!r}")
    return int(text)
