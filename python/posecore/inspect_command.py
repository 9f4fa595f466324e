"""`posecore inspect`: what is in a model file of any format and what it is for, or what differs between two."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING

import posecore
from posecore.outputs import write_file
from posecore.printable import printable
from posecore.result_file import result_file
from posecore.usage import OK

if TYPE_CHECKING:
    from posecore.export.graphs.inspected_model import InspectedModel

NAME = "inspect"
SUMMARY = "say what is in a model file and what can be done with it, or what differs between two"
DETAILS = """\
FILE is a .tflite, .onnx, .kmodel, .keras, a frozen TensorFlow graph (.pb) or a tfjs model.json. Nothing in it is run,
and no library of its format is needed. Printed are inputs and outputs with their quantisation, which heads posecore
finds, custom operators in words (edgetpu-custom-op, PosenetDecoderOp), and the operators in order with shapes, learnt
parameters and multiplies (multiply-accumulates of convolutions and matrix products: the Mult-Adds of papers).
With FILE2: what differs from the first to the second. --html draws the graph as one page that opens offline.
examples: posecore inspect posenet_quant_decoder_edgetpu.tflite --html graph.html
          posecore inspect model-stride16.json --size 353x481
          posecore inspect float.tflite int8.tflite --brief"""
_MOST_SIDE = 65536


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="a model file")
    add("other", metavar="FILE2", nargs="?", help="another one: what differs")
    add(
        "--size",
        type=_size,
        metavar="HxW",
        help="height x width of the input, or one side of a square, where a model leaves it free",
    )
    add("--brief", action="store_true", help="without the operators one by one")
    group = parser.add_argument_group("what is written")
    group.add_argument(
        "--html", metavar="PAGE", help="the graph as one HTML file, both side by side with FILE2"
    )
    group.add_argument("--force", action="store_true", help="overwrite a page that is there")
    group.add_argument("--json", action="store_true", help="print everything for programs on stdout")


def run(args: argparse.Namespace) -> int:
    # Imported here, so that other commands start without it.
    from posecore.export.graphs.differences import differences
    from posecore.export.graphs.inspected_model import inspect_model
    from posecore.inspect_text import difference_lines, model_lines

    page = None
    if args.html is not None:
        page = result_file(
            "--html", args.html, inputs=(args.file, args.other), force=args.force, makes_folder=True
        )
    if args.other is None:
        first, second = inspect_model(args.file, size=args.size), None
    else:
        first, second = (_sized(path, args.size) for path in (args.file, args.other))
    found = None if second is None else differences(first.graph, second.graph)
    if page is not None:
        from posecore.inspect_page import page_html

        models = [first] if second is None else [first, second]
        write_file(page, page_html(models, found, version=posecore.__version__))
    if args.json:
        report: dict[str, object] = (
            first.as_dict()
            if second is None or found is None
            else {"first": first.as_dict(), "second": second.as_dict(), "differences": found.as_dict()}
        )
        print(json.dumps(report | {"page": None if page is None else str(page)}, allow_nan=False))
    else:
        lines = (
            model_lines(first, brief=args.brief)
            if found is None
            else difference_lines(found, brief=args.brief)
        )
        for line in lines:
            print(line)
    if page is not None:
        print(f"written: {printable(page)}", file=sys.stderr)
    return OK


def _sized(path: str, size: tuple[int, int] | None) -> InspectedModel:
    """One of two files: `size` is for those that leave it free, and a fixed one beside them is no mistake."""
    from posecore.export.graphs.inspected_model import inspect_model

    model = inspect_model(path)
    return model if size is None or not model.is_free else inspect_model(path, size=size)


def _size(text: str) -> tuple[int, int]:
    """(width, height)."""
    match = re.fullmatch(r"([0-9]{1,5})(?:x([0-9]{1,5}))?", text)
    sides = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= min(sides) <= max(sides) <= _MOST_SIDE:
        raise argparse.ArgumentTypeError(f"wanted height x width such as 353x481, or one side, got {text!r}")
    return sides[1], sides[0]
