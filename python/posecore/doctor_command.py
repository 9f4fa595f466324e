"""`posecore doctor`: what is installed and works, and how somebody's model wants to be read."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import posecore
from posecore import skeletons
from posecore.option_values import network_size
from posecore.printable import printable
from posecore.progress import Progress
from posecore.result_file import result_file
from posecore.usage import FAILED, OK, UsageError

if TYPE_CHECKING:
    from posecore.doctor.diagnosis import Diagnosis

NAME = "doctor"
SUMMARY = "say what is installed and works, or how a model wants to be read"
DETAILS = """\
DETAILS"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from posecore.doctor.checkup import checkup, works
    from posecore.doctor.finding import lines
    found = checkup()
    for l in lines(found): print(l)
    return OK if works(found) else FAILED
