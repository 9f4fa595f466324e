"""`posecore inspect-data`: what to look at in an annotation file before training with it, as one HTML page."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import posecore
from posecore import skeletons
from posecore.errors import SourceError
from posecore.outputs import write_file
from posecore.printable import printable
from posecore.progress import Progress
from posecore.result_file import result_file
from posecore.usage import OK, UsageError

if TYPE_CHECKING:
    from posecore.evaluation.inspection import Inspection
    from posecore.evaluation.inspection_clean import Omission
    from posecore.evaluation.inspection_pictures import Crops

NAME = "inspect-data"
SUMMARY = "find wrong labels in an annotation file and show what the set is like"
DETAILS = """\
GT is a COCO annotation file; any number of keypoints, any skeleton. Names of keypoints say what is left and
right and which are shoulders and hips. Rules list people: a keypoint that flies away, left and right that
are exchanged, limbs too long, keypoints outside of the picture or the box, people annotated twice, rare
poses. Suspicion is one scale for all: 1 is where a rule begins to list. No rule is sure, and rare is not
wrong: look at the gallery first. --write-clean leaves out what the rules of --clean-rules list with
suspicion 2 and more: keypoints that fly away (flown) or lie outside of the picture (picture) become 0, 0, 0
(x, y and v), as COCO writes what is not labelled, and num_keypoints is less accordingly; of two that are one
person (twin) the one goes whose box fits its keypoints worse, else who has fewer visible keypoints, else the
later one. All other bytes of the file stay. Exchanged sides are left out only with
--clean-rules flown,picture,twin,sides, since crossed legs and heads turned aside look the same."""
_DEFAULT_PAGE = "inspect.html"
_MOST_GALLERY = 2000
_CLEAN_THRESHOLD = 2.0
_CLEAN_RULES = ("flown", "sides", "picture", "twin")
_SAFE_RULES = ("flown", "picture", "twin")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("truth", metavar="GT", help="a COCO annotation file")
    add("--images", metavar="DIR", help="folder of the pictures, for the gallery")
    add(
        "--skeleton",
        choices=skeletons.names(),
        help="what the keypoints are; default: their names in the file decide",
    )
    add(
        "--fields",
        type=_fields,
        default=("keypoints",),
        metavar="LIST",
        help="keypoint fields in order (default keypoints; keypoints,foot_kpts of COCO-WholeBody are 23)",
    )
    group = parser.add_argument_group("what is written")
    add = group.add_argument
    add(
        "--out",
        metavar="FILE",
        help="the page, or none (default inspect.html, then inspect-2.html, ...)",
    )
    add(
        "--gallery",
        type=_gallery,
        default=300,
        metavar="N",
        help="at most so many people in the gallery (default 300)",
    )
    add("--write-clean", metavar="FILE", help="the annotation file without what the rules list")
    add(
        "--clean-threshold",
        type=_suspicion,
        metavar="S",
        help=f"least suspicion of what --write-clean leaves out, from 1 (default {_CLEAN_THRESHOLD:g})",
    )
    add(
        "--clean-rules",
        type=_rules,
        metavar="LIST",
        help=f"the rules that --write-clean follows, of {','.join(_CLEAN_RULES)} (default {','.join(_SAFE_RULES)})",
    )
    add(
        "--clean-people",
        action="store_true",
        help="--write-clean leaves people out where it would hide some of their keypoints",
    )
    add("--force", action="store_true", help="overwrite files that are there")
    add("--json", action="store_true", help="print everything for programs on stdout")
    add("--quiet", action="store_true", help="say nothing but errors")


def run(args: argparse.Namespace) -> int:
    # Imported here, so that other commands start without it.
    from posecore.evaluation.inspection_clean import clean_text, omission_data, omissions_of
    from posecore.evaluation.inspection_page import page
    from posecore.evaluation.inspection_pictures import Crops, crops_of, opencv

    if args.truth == "-":
        raise UsageError("GT: wanted a file, which is read several times, got -: stdin is not taken")
    for option in ("--clean-people", "--clean-threshold", "--clean-rules"):
        if not args.write_clean and getattr(args, option[2:].replace("-", "_")) not in (None, False):
            raise UsageError(f"{option}: wanted --write-clean with it, got none")
    out, clean = _destinations(args)
    if args.images is not None and not Path(args.images).is_dir():
        raise UsageError(f"--images: wanted a folder, got {args.images}")
    if args.images is not None and out is not None:
        opencv()
    progress = Progress(quiet=args.quiet)
    inspection = _inspect(args)
    omissions: tuple[Omission, ...] = ()
    if clean is not None:
        threshold = _CLEAN_THRESHOLD if args.clean_threshold is None else args.clean_threshold
        rules = args.clean_rules or _SAFE_RULES
        omissions = omissions_of(inspection, threshold=threshold, whole=args.clean_people, rules=rules)
        cleaned = clean_text(_text(args.truth), args.truth, inspection, omissions, fields=args.fields)
        write_file(clean, cleaned.encode("utf-8", errors="surrogatepass"))
    people = list(inspection.by_person())[: args.gallery]
    crops = Crops()
    if out is not None:
        if args.images is not None and people:
            pictures = len({int(inspection.truths.image_index[person]) for person in people})
            with progress.task("pictures", pictures, "picture") as task:
                crops = crops_of(inspection.truths, people, Path(args.images), advance=task.advance)
        write_file(
            out,
            page(
                inspection,
                people=people,
                crops=crops,
                omissions=omissions,
                cleaned=str(clean) if clean else "",
                version=posecore.__version__,
            ),
        )
    for line in inspection.lines():
        progress.line(printable(line))
    _say(progress, omissions, crops, out, clean)
    if args.json:
        written = {"page": str(out) if out else None, "clean": str(clean) if clean else None}
        report = inspection.report() | {
            "left_out": [omission_data(inspection, one) for one in omissions],
            "pictures": {
                "missing": crops.missing,
                "broken": crops.broken,
                "of_another_shape": crops.other_size,
            },
            "written": written,
            "exit_code": OK,
        }
        print(json.dumps(report, allow_nan=False))
    return OK


def _inspect(args: argparse.Namespace) -> Inspection:
    from posecore.evaluation.coco_files import read_truths
    from posecore.evaluation.inspection import inspect
    from posecore.evaluation.inspection_category import category_limbs

    truths = read_truths(args.truth, fields=args.fields)
    skeleton = skeletons.get(args.skeleton) if args.skeleton else None
    if skeleton is None and args.fields == ("keypoints", "foot_kpts") and truths.num_keypoints == 23:
        skeleton = skeletons.COCO_FEET23
    limbs = category_limbs(_text(args.truth), truths.keypoint_names) if truths.keypoint_names else ()
    try:
        return inspect(truths, skeleton=skeleton, limbs=limbs)
    except ValueError as error:
        argument, _, rest = str(error).partition(":")
        if argument == "skeleton":
            raise UsageError(f"--skeleton:{rest}") from None
        raise SourceError(f"{args.truth}: {error}") from None


def _text(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: wanted text in UTF-8, got other bytes at {error.start}") from None


def _destinations(args: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Where the page and the clean file go; nothing is overwritten without --force, and the truth never."""
    out = None if args.out == "none" else Path(args.out) if args.out else _free_page(args.force)
    clean = Path(args.write_clean) if args.write_clean else None
    for option, name, path in (("--out", args.out, out), ("--write-clean", args.write_clean, clean)):
        if path is not None:
            result_file(option, name or path, inputs=(args.truth,), force=args.force, makes_folder=True)
    if out is not None and clean is not None and os.path.realpath(out) == os.path.realpath(clean):
        raise UsageError(f"--write-clean: wanted another file than the page, got {clean}")
    return out, clean


def _free_page(force: bool) -> Path:
    path, number = Path(_DEFAULT_PAGE), 1
    while os.path.lexists(path) and not force:
        number += 1
        path = Path(f"inspect-{number}.html")
    return path


def _say(
    progress: Progress, omissions: tuple[Omission, ...], crops: Crops, out: Path | None, clean: Path | None
) -> None:
    for what, names in (
        ("missing", crops.missing),
        ("broken", crops.broken),
        ("of another shape than the file says", crops.other_size),
    ):
        if names:
            progress.line(f"{len(names)} pictures {what}, first {printable(names[0]) or '(no name)'}")
    if clean is not None:
        whole = sum(one.whole for one in omissions)
        hidden = sum(len(one.keypoints) for one in omissions)
        others = len(omissions) - whole
        progress.line(
            f"{printable(clean)}: people left out: {whole}, keypoints set to 0, 0, 0: {hidden} in {others} other people"
        )
    if out is not None:
        progress.line(f"written: {printable(out)}")


def _fields(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) != len(names):
        raise argparse.ArgumentTypeError(f"wanted different names with commas between them, got {text!r}")
    return names


def _rules(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= set(_CLEAN_RULES) or len(set(names)) != len(names):
        wanted = f"some of {', '.join(_CLEAN_RULES)} with commas between them, each once"
        raise argparse.ArgumentTypeError(f"wanted {wanted}, got {text!r}")
    return names


def _gallery(text: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) > _MOST_GALLERY:
        raise argparse.ArgumentTypeError(f"wanted a whole number from 0 to {_MOST_GALLERY}, got {text!r}")
    return int(text)


def _suspicion(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"wanted a number from 1 to 1000, got {text!r}")
    return value
