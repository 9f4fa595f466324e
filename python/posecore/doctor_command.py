"""`posecore doctor`: what is installed and works, or how somebody's model wants to be read."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import posecore
from posecore import skeletons
from posecore.errors import PosecoreError
from posecore.option_values import network_size, stride
from posecore.printable import printable
from posecore.progress import Progress
from posecore.result_file import result_file
from posecore.sources import find_sources, read_picture
from posecore.usage import FAILED, OK, UsageError

if TYPE_CHECKING:
    from posecore.doctor.diagnosis import Diagnosis
    from posecore.doctor.finding import Finding

NAME = "doctor"
SUMMARY = "say what is installed and works, or how a model wants to be read"
DETAILS = """\
Alone it looks at this machine: each line says ok, missing or broken, and below it what to type. What may crash or
hang is asked in a process of its own. The exit code is 0 where the default model finds people in the default picture.
With --model and --image it reads a model in every way that is in use on one picture with a person, and says which
makes sense: red or blue first, bytes as -1..1, 0..1 or 0..255, heatmaps of logits or probabilities, y or x first in
offsets and displacements. Sense = confidence * anatomy * sqrt(agreement) * plausible, each from 0 to 1: how sure the
network is of the person, how much they look like a body, how much the network agrees with itself, and whether the
heatmaps' values can be what they are taken for; the mean over the picture as it is, of low contrast, bright and noisy,
each mirrored too. One person who fills half the height, in colours, is best. Where nobody is found, or readings make
equal sense, it says that it cannot tell, and the exit code is 1. A model that is sure of itself in a wrong reading
deceives it.
example: posecore doctor --model strange.tflite --image person.jpg --save readings.png"""
_SAVED = (".png", ".jpg", ".jpeg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a model that is to be understood")
    add = group.add_argument
    add("--model", metavar="FILE", help="a .tflite model; PoseNet MobileNetV1 0.75 comes with posecore")
    add("--image", metavar="FILE", help="a picture of somebody; one comes with posecore")
    add(
        "--skeleton",
        choices=skeletons.names(),
        help="what the keypoints are; for models that do not have COCO's 17",
    )
    add(
        "--size",
        type=network_size,
        metavar="N|HxW",
        help="network input, for models that take any: the long side in pixels, or height x width",
    )
    add(
        "--stride", type=stride, metavar="PX", help="input pixels from cell to cell, where they do not follow"
    )
    add("--save", metavar="FILE", help=f"draw all readings on one sheet, {', '.join(_SAVED)}")
    add("--force", action="store_true", help="overwrite a file that is there")
    add("--all", action="store_true", help="list the readings too that the heatmaps' values exclude")
    add = parser.add_argument
    add("--json", action="store_true", help="print everything for programs on stdout")
    add("--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    if args.model is not None or args.image is not None:
        return _model(args)
    for option in ("skeleton", "size", "stride", "save", "all"):
        if getattr(args, option):
            raise UsageError(f"--{option}: wanted --model or --image beside it, got neither")
    return _machine(args)


def _machine(args: argparse.Namespace) -> int:
    from posecore.doctor.checkup import checkup, works
    from posecore.doctor.finding import lines

    progress = Progress(quiet=args.quiet or args.json)
    progress.line("looking at what is installed, which takes some seconds where TensorFlow is")
    findings = checkup()
    code = OK if works(findings) else FAILED
    if args.json:
        print(json.dumps(_report(findings, code), allow_nan=False))
        return code
    for line in lines(findings):
        print(printable(line))
    print("\n" + _verdict(findings, code))
    return code


def _report(findings: list[Finding], code: int) -> dict[str, Any]:
    return {
        "posecore": posecore.__version__,
        "works": code == OK,
        "findings": [one.as_dict() for one in findings],
        "exit_code": code,
    }


def _verdict(findings: list[Finding], code: int) -> str:
    broken = [one.name for one in findings if one.status == "broken"]
    works = "posecore predict works here" if code == OK else "posecore predict does not work here"
    return f"{works}{'; broken: ' + ', '.join(dict.fromkeys(broken)) if broken else ''}"


def _model(args: argparse.Namespace) -> int:
    from posecore.doctor.diagnosis import Diagnosis
    from posecore.doctor.readings import steps, try_readings

    save = _destination(args)
    sources = find_sources([args.image] if args.image is not None else [])
    if len(sources) != 1 or sources[0].kind != "picture":
        raise UsageError(f"--image: wanted one picture, got {args.image}")
    image = read_picture(sources[0])
    options = {"size": args.size, "skeleton": args.skeleton, "stride_px": args.stride}
    options = {name: value for name, value in options.items() if value is not None}
    progress = Progress(quiet=args.quiet)
    try:
        with progress.task("readings", steps(args.model, **options), "view") as task:
            diagnosis = Diagnosis(try_readings(args.model, image, advance=task.advance, **options))
    except PosecoreError:
        raise
    except ValueError as error:
        raise UsageError(_in_options(str(error))) from None
    if save is not None:
        from posecore.doctor.sheet import save_sheet

        save_sheet(diagnosis, save)
    code = FAILED if diagnosis.doubt else OK
    if args.json:
        report = {"posecore": posecore.__version__} | diagnosis.as_dict()
        print(json.dumps(report | {"saved": str(save) if save else None, "exit_code": code}, allow_nan=False))
        return code
    for line in _told(diagnosis, args.model, sources[0].name, options, all_readings=args.all):
        print(printable(line))
    if save is not None:
        progress.line(f"written: {save}")
    return code


def _told(
    diagnosis: Diagnosis, model: str | None, picture: str, options: dict[str, Any], *, all_readings: bool
) -> list[str]:
    trials = diagnosis.trials
    width, height = trials.input_size
    told = [f"{trials.name} ({trials.kind}, input {height}x{width}, {trials.library}) on {picture}", ""]
    told += [*diagnosis.lines(all_readings=all_readings), ""]
    if diagnosis.doubt:
        return [*told, f"cannot tell: {diagnosis.doubt}"]
    python, command = diagnosis.calls(model, options)
    return [*told, "read it so, with RGB pictures:", f"  {python}", f"  {command}"]


def _destination(args: argparse.Namespace) -> Path | None:
    if args.save is None:
        return None
    if Path(args.save).suffix.lower() not in _SAVED:
        raise UsageError(f"--save: wanted a name ending in {', '.join(_SAVED)}, got {args.save}")
    return result_file("--save", args.save, inputs=(args.model, args.image), force=args.force)


def _in_options(sentence: str) -> str:
    """The sentence with the option's name in place of the argument's."""
    argument, colon, rest = sentence.partition(":")
    option = {"stride_px": "--stride", "size": "--size", "skeleton": "--skeleton"}.get(argument)
    return f"{option}{colon}{rest}" if option else sentence
