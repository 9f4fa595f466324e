"""`posecore merge-feet`: COCO body annotations and foot annotations of the same people, merged into 23 keypoints."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from posecore.errors import SourceError
from posecore.printable import printable
from posecore.result_file import result_file
from posecore.usage import OK

NAME = "merge-feet"
SUMMARY = "merge COCO's 17 keypoints and 6 foot keypoints into 23"
DETAILS = """\
FEET holds the CMU foot annotations: 6 keypoints under the annotation ids of COCO. What was matched and what was
left out is said on stderr.
example: posecore merge-feet person_keypoints_val2017.json person_keypoints_val2017_foot_v1.json --out merged.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("body", metavar="BODY", help="COCO keypoint annotations")
    add("feet", metavar="FEET", help="foot annotations")
    add("--out", metavar="FILE", required=True, help="where the merged annotations go")
    add("--drop", action="store_true", help="leave people without foot annotation out")
    add("--force", action="store_true", help="overwrite a file that is there")
    add("--json", action="store_true", help="print what was matched and left out as JSON on stdout")


def run(args: argparse.Namespace) -> int:
    from posecore.evaluation.feet import merge_feet
    from posecore.evaluation.whole_file import write_whole

    result_file("--out", args.out, inputs=(args.body, args.feet), force=args.force)
    merge = merge_feet(_load(args.body), _load(args.feet), unmatched="drop" if args.drop else "keep")
    write_whole(args.out, merge.json_text())
    if args.json:
        counts: dict[str, Any] = {
            "matched": merge.matched,
            "without_feet": merge.without_feet,
            "dropped": merge.dropped,
            "without_body": list(merge.without_body),
            "elsewhere": list(merge.elsewhere),
            "out": args.out,
        }
        print(json.dumps(counts))
    print(f"{merge}; written to {printable(args.out)}", file=sys.stderr)
    return OK


def _load(name: str) -> Any:
    try:
        return json.loads(Path(name).read_bytes())
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name}: wanted JSON, got something else ({error})") from None
