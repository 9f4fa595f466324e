"""The command `posecore`: its options, its exit codes, and the one sentence that a person gets for an error.

A subcommand is a module with `NAME`, `SUMMARY`, `DETAILS`, `add_arguments(parser)` and `run(args) -> int`,
named in `_MODULES`, and imported when it is asked for. `run` raises `UsageError` for options that do not fit together.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

from posecore.errors import PosecoreError
from posecore.printable import printable
from posecore.usage import EXIT_CODES, FAILED, INTERRUPTED, USAGE, UsageError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the options are a --help away."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"posecore: {printable(message)} ({self.prog} --help lists the options)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process by default; gives the exit code."""
    args = argparse.Namespace(command="", debug=False)
    argv = sys.argv[1:] if argv is None else argv
    try:
        _, unknown = _parser(argv).parse_known_args(argv, args)
        if unknown:
            raise UsageError(f"unrecognized arguments: {' '.join(unknown)}")
        with _quiet_libraries(loud=args.debug):
            code = int(args.run(args))
            sys.stdout.flush()
            return code
    except SystemExit as stop:  # argparse has said what there is to say
        return int(stop.code or 0)
    except BrokenPipeError:
        # Whoever read stdout has gone. What Python would still flush at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except UsageError as error:
        return _say(f"{error} (posecore {args.command} --help lists the options)", USAGE)
    except PosecoreError as error:
        return _say(str(error), FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else "reading or writing failed: "
        return _say(f"{where}{error.strerror or error}", FAILED)
    except ImportError as error:
        return _say(f"an installed package cannot be imported ({error})", FAILED)
    except MemoryError:
        return _say("there is not enough memory", FAILED)
    except Exception as error:
        if args.debug:
            traceback.print_exc()
            return FAILED
        return _say(
            f"this is a mistake in posecore ({type(error).__name__}: {error}); "
            "please report it with what the same command says with --debug",
            FAILED,
        )


def _say(sentence: str, code: int) -> int:
    print("posecore: " + printable(" ".join(sentence.split())), file=sys.stderr)
    return code


# The module of each command, in the order of --help.
_MODULES = {
    "predict": "predict",
    "smooth": "smooth_file",
    "eval": "eval",
    "diagnose": "diagnose",
    "ablate": "ablate",
    "inspect-data": "inspect_data",
    "merge-feet": "merge_feet",
    "train": "train_command",
    "export": "export_command",
    "convert": "convert_command",
    "inspect": "inspect_command",
    "doctor": "doctor_command",
}


def _commands(argv: Sequence[str]) -> list[Any]:
    """The modules that these arguments need: of the command that they name; none for --version; else all."""
    options = ("--version", "--cmake-dir", "--include-dir")
    first = next((one for one in argv if one in options or not one.startswith("-")), None)
    names = [first] if first in _MODULES else [] if first in options else list(_MODULES)
    return [import_module(f"posecore.{_MODULES[name]}") for name in names]


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="posecore",
        description="Human poses: people and their keypoints.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Print, of=_version, help="print the version")
    parser.add_argument(
        "--cmake-dir", action=_Print, of=_cmake_dir, help="print the folder of posecore's CMake package"
    )
    parser.add_argument(
        "--include-dir", action=_Print, of=_include_dir, help="print the folder of the C++ headers"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _commands(argv):
        sub = subparsers.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=command.__doc__.partition(": ")[2],
            epilog=f"{command.DETAILS}\n\n{EXIT_CODES}",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.add_argument("--debug", action="store_true", help="show what libraries say, and tracebacks")
        sub.set_defaults(run=command.run)
    return parser


class _Print(argparse.Action):
    """Print what `of` gives, and end well."""

    def __init__(self, option_strings: list[str], dest: str, *, of: Callable[[], str], help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)
        self._of = of

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        print(self._of())
        parser.exit()


def _version() -> str:
    import posecore

    return f"posecore {posecore.__version__}"


def _cmake_dir() -> str:
    import posecore

    return str(posecore.cmake_dir())


def _include_dir() -> str:
    import posecore

    return str(posecore.include_dir())


@contextmanager
def _quiet_libraries(*, loud: bool) -> Iterator[None]:
    """Keep what OpenCV, FFmpeg, libpng and interpreters print to stderr away from people.

    Some of it obeys variables, which must be set before OpenCV is imported; the rest writes to descriptor 2
    whatever one says, so that leads nowhere while `sys.stderr` keeps the real one.
    """
    from posecore.sources import MAX_PICTURE_PIXELS

    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PICTURE_PIXELS))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if loud or not _is_descriptor_2(sys.stderr):
        yield
        return
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    before = sys.stderr
    before.flush()
    real = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    with open(real, "w", encoding=before.encoding, errors="backslashreplace", buffering=1) as people:
        sys.stderr = people
        # A crash in a library still leaves its trace where people see it.
        faulthandler.enable(file=people)
        try:
            yield
        finally:
            faulthandler.disable()
            people.flush()
            sys.stderr = before
            os.dup2(real, 2)


def _is_descriptor_2(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (AttributeError, OSError, ValueError):
        return False
