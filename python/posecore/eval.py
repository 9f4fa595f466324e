"""`posecore eval`: score results against the truth: COCO's keypoint AP and AR, or PCK, PCKh, PDJ and PCP."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from posecore.printable import printable, printable_lines
from posecore.result_file import result_file
from posecore.scoring_options import add_scoring_options, in_options, protocol_options, source_of
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    from posecore.evaluation.report import Report

NAME = "eval"
SUMMARY = "score results: COCO keypoint AP and AR, PCK, PCKh, PDJ, PCP"
DETAILS = """\
TRUTH is a COCO annotation file, RESULTS a COCO result file such as `posecore predict --save coco` writes; - reads
one of them from stdin. The numbers are those of pycocotools to the last bit; -1 is where nothing had to be found.
The other metrics take files of MPII (.mat, .h5, HRNet's .json) and LSP (.mat) too, known by what is in them.
example: posecore eval person_keypoints_val2017.json results.json
example: posecore eval gt_valid.mat pred.mat --metric pckh"""
METRICS = ("ap", "pckh", "pck", "pdj", "pcp", "pcp-loose", "px")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("truth", metavar="TRUTH", help="annotations, COCO's JSON")
    add("results", metavar="RESULTS", help="results, COCO's JSON")
    add_scoring_options(parser)
    add("--per-image", action="store_true", help="a table of the pictures too, the worst first")
    add("--per-keypoint", action="store_true", help="a table of the keypoints too")
    group = parser.add_argument_group("distance metrics")
    group.add_argument(
        "--metric",
        choices=METRICS,
        default="ap",
        help="ap (default): COCO's; pck, pckh, pdj: distance over box or torso, head, torso; pcp: limbs, strict; "
        "px: within pixels",
    )
    group.add_argument(
        "--threshold",
        type=float,
        metavar="X",
        help="of a distance metric, instead of .5, .2, .2, .5 or 25 px",
    )
    group.add_argument("--normaliser", choices=("box", "torso"), help="of pck (default torso)")
    group.add_argument("--less", action="store_true", help="count what is below the threshold, not at it")
    group.add_argument(
        "--offset-px", type=float, metavar="X", help="added to predictions, as 1 for 0-based pixels"
    )
    add("--out", metavar="FILE", help="write all numbers, curves and tables as JSON")
    add("--force", action="store_true", help="overwrite a file that is there")
    add("--json", action="store_true", help="print JSON on stdout")


_OF_AP = ("max_detections", "per_keypoint", "per_image")
_OF_DISTANCES = ("threshold", "normaliser", "less", "offset_px")


def run(args: argparse.Namespace) -> int:
    from posecore.evaluation.coco import evaluate

    _refuse_options(args)
    if args.truth == "-" and args.results == "-":
        raise UsageError("-: wanted one file from stdin, got two")
    if args.out is not None:
        result_file("--out", args.out, inputs=(args.truth, args.results), force=args.force)
    options = protocol_options(args)
    if args.metric != "ap":
        return _distances(args, options)
    try:
        report = evaluate(
            source_of(args.truth),
            source_of(args.results),
            **options,
            max_detections=args.max_detections,
        )
    except ValueError as error:
        raise in_options(error) from None
    if args.out is not None:
        report.save_json(args.out)
    if args.json:
        print(json.dumps(report.as_dict(), allow_nan=False))
        return OK
    print(report_text(report))
    if args.per_keypoint:
        print(f"\n{keypoint_table(report)}")
    if args.per_image:
        print(f"\n{image_table(report)}")
    return OK


def _refuse_options(args: argparse.Namespace) -> None:
    foreign = _OF_AP if args.metric != "ap" else _OF_DISTANCES
    for name in foreign:
        if getattr(args, name) not in (None, False):
            option = "--" + name.replace("_", "-")
            raise UsageError(
                f"{option}: wanted with {'--metric ap' if foreign is _OF_AP else 'another --metric'} only"
            )


def _distances(args: argparse.Namespace, options: dict[str, Any]) -> int:
    from posecore.evaluation.joint_metrics import score_joints
    from posecore.evaluation.whole_file import write_json

    if "-" in (args.truth, args.results):
        raise UsageError(f"-: wanted files for --metric {args.metric}, got stdin")
    try:
        scored = score_joints(
            args.metric,
            args.truth,
            args.results,
            threshold=args.threshold,
            normaliser=args.normaliser,
            comparison="<" if args.less else "<=",
            offset_px=args.offset_px,
            **options,
        )
    except ValueError as error:
        raise in_options(error) from None
    if args.out is not None:
        write_json(args.out, scored.as_dict())
    print(json.dumps(scored.as_dict(), allow_nan=False) if args.json else printable_lines(scored))
    return OK


def report_text(report: Report) -> str:
    """The card and the numbers."""
    card = [(label, printable(value)) for label, value in report.card()]
    wide = max(len(label) for label, _ in card)
    lines = [f"{label:<{wide}}  {value}" for label, value in card]
    return "\n".join([*lines, "", printable_lines(report.table())])


def keypoint_table(report: Report) -> str:
    """One line a keypoint, and the pairs of left and right."""
    rows = report.per_keypoint()
    names = [printable(name) for name in rows.names]
    wide = max(map(len, names))
    lines = [
        "keypoints of people found at OKS .5: similarity is the mean of exp(-d²/2s²), distance that over the "
        "square root of the person's area",
        f"{'':<{wide}}  labelled  compared  similarity  distance  good",
    ]
    for k, name in enumerate(names):
        lines.append(
            f"{name:<{wide}}  {rows.labelled[k]:8d}  {rows.compared[k]:8d}  {rows.similarity[k]:10.3f}  "
            f"{rows.distance[k]:8.4f}  {rows.good[k]:4.0%}"
        )
    for left, right in report.protocol.skeleton.flip_pairs:
        difference = rows.similarity[left] - rows.similarity[right]
        lines.append(f"{names[left]} minus {names[right]}: similarity {difference:+.3f}")
    return "\n".join(lines)


def image_table(report: Report) -> str:
    """One line a picture at OKS .5, those with most mistakes first."""
    rows = report.per_image()
    missed = rows.truths - rows.found
    order = sorted(range(len(rows.ids)), key=lambda i: (-(missed[i] + rows.wrong[i]), rows.ids[i]))
    lines = [f"{'image':>14}  truths  found  missed  wrong  mean OKS  file"]
    for i in order:
        oks = f"{rows.mean_oks[i]:8.3f}" if rows.found[i] else " " * 8
        name = printable(report.truths.images.file_names[i])
        lines.append(
            f"{rows.ids[i]:>14}  {rows.truths[i]:6d}  {rows.found[i]:5d}  {missed[i]:6d}  {rows.wrong[i]:5d}  "
            f"{oks}  {name}"
        )
    return "\n".join(lines)
