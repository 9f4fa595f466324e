"""`posecore eval`: COCO's keypoint AP and AR of results against the truth, with the protocol that they are of."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from posecore import skeletons
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    from posecore.evaluation.report import Report

NAME = "eval"
SUMMARY = "score results: COCO keypoint AP and AR"
DETAILS = """\
TRUTH is a COCO annotation file, RESULTS a COCO result file such as `posecore predict --save coco` writes; - reads
one of them from stdin. The numbers are those of pycocotools to the last bit; -1 is where nothing had to be found.
example: posecore eval person_keypoints_val2017.json results.json"""
PROTOCOLS = ("auto", "coco", "coco_feet", "crowdpose", "wholebody_body", "wholebody_foot")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("truth", metavar="TRUTH", help="annotations, COCO's JSON")
    add("results", metavar="RESULTS", help="results, COCO's JSON")
    add(
        "--protocol",
        choices=PROTOCOLS,
        default="auto",
        help="how people are matched and counted; auto goes by the truth's keypoints",
    )
    add("--skeleton", choices=skeletons.names(), help="what the keypoints are, instead of the protocol's")
    add(
        "--sigmas",
        type=_numbers,
        metavar="LIST",
        help="a standard deviation for each keypoint (.026,.025,...), instead of the skeleton's",
    )
    add("--max-detections", type=_whole, metavar="N", help="people looked at in each picture (default 20)")
    add("--keypoints", action="store_true", help="a table of the keypoints too")
    add("--images", action="store_true", help="a table of the pictures too, the worst first")
    add("--out", metavar="FILE", help="write all numbers, curves and tables as JSON")
    add("--force", action="store_true", help="overwrite a file that is there")
    add("--json", action="store_true", help="print JSON on stdout")


def run(args: argparse.Namespace) -> int:
    from posecore.evaluation.coco import evaluate

    if args.truth == "-" and args.results == "-":
        raise UsageError("-: wanted one file from stdin, got two")
    if args.out is not None and os.path.lexists(args.out) and not args.force:
        raise UsageError(f"--out: {args.out} is there already; add --force to overwrite")
    try:
        report = evaluate(
            _source(args.truth),
            _source(args.results),
            protocol=args.protocol,
            skeleton=skeletons.get(args.skeleton) if args.skeleton else None,
            sigmas=args.sigmas,
            max_detections=args.max_detections,
        )
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        raise UsageError(str(error)) from None
    if args.out is not None:
        report.save_json(args.out)
    if args.json:
        print(json.dumps(report.as_dict(), allow_nan=False))
        return OK
    print(report)
    if args.keypoints:
        print(f"\n{keypoint_table(report)}")
    if args.images:
        print(f"\n{image_table(report)}")
    return OK


def keypoint_table(report: Report) -> str:
    """One line a keypoint, and the pairs of left and right."""
    rows = report.per_keypoint()
    wide = max(len(name) for name in rows.names)
    lines = [
        "keypoints of people found at OKS .5: similarity is the mean of exp(-d²/2s²), distance that over the "
        "square root of the person's area",
        f"{'':<{wide}}  labelled  compared  similarity  distance  good",
    ]
    for k, name in enumerate(rows.names):
        lines.append(
            f"{name:<{wide}}  {rows.labelled[k]:8d}  {rows.compared[k]:8d}  {rows.similarity[k]:10.3f}  "
            f"{rows.distance[k]:8.4f}  {rows.good[k]:4.0%}"
        )
    for left, right in report.protocol.skeleton.flip_pairs:
        difference = rows.similarity[left] - rows.similarity[right]
        lines.append(f"{rows.names[left]} minus {rows.names[right]}: similarity {difference:+.3f}")
    return "\n".join(lines)


def image_table(report: Report) -> str:
    """One line a picture at OKS .5, those with most mistakes first."""
    rows = report.per_image()
    missed = rows.truths - rows.found
    order = sorted(range(len(rows.ids)), key=lambda i: (-(missed[i] + rows.wrong[i]), rows.ids[i]))
    lines = [f"{'image':>14}  truths  found  missed  wrong  mean OKS  file"]
    for i in order:
        oks = f"{rows.mean_oks[i]:8.3f}" if rows.found[i] else " " * 8
        name = "".join(c if c.isprintable() else "?" for c in report.truths.images.file_names[i])
        lines.append(
            f"{rows.ids[i]:>14}  {rows.truths[i]:6d}  {rows.found[i]:5d}  {missed[i]:6d}  {rows.wrong[i]:5d}  "
            f"{oks}  {name}"
        )
    return "\n".join(lines)


def _source(name: str) -> object:
    if name == "-":
        import sys

        return sys.stdin.buffer
    return Path(name)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"wanted numbers with commas between them, got {text!r}") from None


def _whole(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"wanted a whole number above 0, got {text!r}")
    return int(text)
