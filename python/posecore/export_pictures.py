"""The pictures of an export: some that quantisation is calibrated with, others that the result is verified with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from posecore.errors import SourceError
from posecore.sources import PICTURE_SUFFIXES, Source, find_sources, read_picture

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DEFAULT_CALIBRATION = 64
"""Pictures that calibrate where nobody says how many; ranges of PoseNet's heads hardly move after that."""
DEFAULT_VERIFICATION = 32
_HELD_OUT = 4  # one in so many of a folder is kept for verification
_MOST_NAMED = 3


class Pictures(Mapping[str, "npt.NDArray[np.uint8]"]):
    """Picture files by their names, without folders where that is enough; each is read when it is asked for: RGB uint8
    (H, W, 3)."""

    def __init__(self, sources: Sequence[Source]) -> None:
        short = {Path(source.name).name for source in sources}
        plain = len(short) == len(sources)
        self.sources = {Path(source.name).name if plain else source.name: source for source in sources}

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[str]:
        return iter(self.sources)

    def __getitem__(self, name: str) -> npt.NDArray[np.uint8]:
        """The picture; SourceError where it cannot be read."""
        return read_picture(self.sources[name])

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, without the default picture, which lies in the package."""
        return tuple(source.path for source in self.sources.values() if source.path is not None)


@dataclass(frozen=True, slots=True)
class ExportPictures:
    """What `choose_pictures` chose.

    Attributes:
        calibration: None where nothing is calibrated.
        verification: at least one.
        said: a sentence on which and how many.
    """

    calibration: Pictures | None
    verification: Pictures
    said: str


def choose_pictures(
    calibration: str | None,
    verification: str | None,
    *,
    folder: str | None = None,
    count: int | None = None,
    verify_count: int = DEFAULT_VERIFICATION,
) -> ExportPictures:
    """Pictures to calibrate with, and others to verify with. Of each place they are taken evenly over its natural
    order, so that the same command takes the same ones. Each is read once: those that cannot be read are left out,
    others take their places, and `said` names them.

    Args:
        calibration: a folder, a glob, a picture, or COCO's .json; None: nothing is calibrated.
        verification: the same for verification; None takes those of `calibration` that do not calibrate, and where
            there are none the picture that comes with posecore.
        folder: where the pictures of a .json lie; None looks beside it: its own folder, or one of its name.
        count: how many calibrate; None is 64, or three in four where that is fewer and the others verify.
        verify_count: how many verify, at most.

    Raises:
        SourceError: a place that is not there, or has no pictures that can be read, or fewer than `count` while there
            are as many.
        MissingExtra: OpenCV is not installed.
    """
    said = []
    kept = taken = None
    looked = _Looked()
    if calibration is not None:
        found = _at(calibration, folder)
        spared = verification is None
        taken = looked.taken(found, lambda left: _calibrating(len(left), count, spared=spared))
        if not taken:
            raise looked.none_left(calibration)
        if count is not None and len(taken) < min(count, len(found)):
            raise SourceError(
                f"{calibration}: wanted {count} pictures to calibrate with, got {len(taken)} "
                f"({looked.left_out()}); --calibration-count asks for fewer"
            )
        chosen = {id(source) for source in taken}
        kept = [source for source in found if id(source) not in chosen]
        said.append(f"calibration: {_number(len(taken))} of {len(found)} in {calibration}")
    if verification is not None:
        places = _at(verification, folder)
        checked = looked.taken(places, lambda left: verify_count)
        if not checked:
            raise looked.none_left(verification)
        said.append(f"verification: {_number(len(checked))} of {len(places)} in {verification}")
        both = {_real(one) for one in taken or ()} & {_real(one) for one in checked}
        if both:
            said.append(f"{len(both)} of them calibrated too, which flatters the result")
    elif kept and (checked := looked.taken(kept, lambda left: verify_count)):
        said.append(
            f"verification: {_number(len(checked))} of {calibration} that {_do(len(checked))} not calibrate"
        )
    else:
        checked = find_sources(())
        said.append("verification: the 1 picture that comes with posecore; --verify-pictures names others")
    if looked.broken:
        said.append(looked.left_out())
    return ExportPictures(None if taken is None else Pictures(taken), Pictures(checked), "; ".join(said))


def _calibrating(there: int, count: int | None, *, spared: bool) -> int:
    if count is not None:
        return count
    spare = -(-there // _HELD_OUT) if spared else 0
    return min(DEFAULT_CALIBRATION, max(there - spare, 1))


class _Looked:
    """Pictures that were looked at, and why some of them cannot be read, by their paths."""

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}
        self._whole: set[str] = set()

    def taken(self, found: Sequence[Source], count: Callable[[Sequence[Source]], int]) -> list[Source]:
        """Sources evenly over `found`, as many as `count` says of those that are left, all of which can be read."""
        while True:
            left = [source for source in found if _real(source) not in self.broken]
            chosen = _evenly(left, count(left))
            if not [source for source in chosen if not self._is_whole(source)]:
                return chosen

    def _is_whole(self, source: Source) -> bool:
        name = _real(source)
        if name not in self._whole and name not in self.broken:
            try:
                read_picture(source)
            except SourceError as error:
                self.broken[name] = str(error)
            else:
                self._whole.add(name)
        return name in self._whole

    def left_out(self) -> str:
        """How many, and which of them."""
        first = list(self.broken.values())[:_MOST_NAMED]
        more = len(self.broken) - len(first)
        named = "; ".join(first) + (f"; and {more} more" if more else "")
        are = "is" if len(self.broken) == 1 else "are"
        return f"{_number(len(self.broken))} that cannot be read {are} left out ({named})"

    def none_left(self, place: str) -> SourceError:
        """The sentence where all of a place's are broken."""
        if len(self.broken) == 1:
            return SourceError(next(iter(self.broken.values())))
        return SourceError(f"{place}: wanted pictures, got none that can be read: {self.left_out()}")


def _at(place: str, folder: str | None) -> list[Source]:
    """The picture files of a place, in natural order."""
    if place.lower().endswith(".json"):
        return _of_coco(Path(place), folder)
    found = [one for one in find_sources([place]) if one.kind == "picture"]
    if not found or (len(found) == 1 and found[0].suffix not in PICTURE_SUFFIXES):
        raise SourceError(f"{place}: wanted pictures, a folder of them, or COCO's .json, got another file")
    return found


def _of_coco(path: Path, folder: str | None) -> list[Source]:
    from posecore.evaluation.coco_files import read_truths
    from posecore.evaluation.page_pictures import picture_path

    names = [name for name in read_truths(path).images.file_names if name]
    if not names:
        raise SourceError(f"{path}: wanted images with file names, got none")
    folders = [Path(folder)] if folder is not None else [path.with_suffix(""), path.parent]
    for place in folders:
        paths = [one for one in (picture_path(place, name) for name in names) if one is not None]
        if paths:
            return [Source("picture", str(one), one) for one in paths]
    where = " and ".join(str(place) for place in folders)
    raise SourceError(f"{path}: wanted its pictures, got none in {where}; --pictures names their folder")


def _evenly(sources: Sequence[Source], count: int) -> list[Source]:
    """`count` of them, or all where there are fewer, from first to last at even distances."""
    count = min(count, len(sources))
    return [sources[number * len(sources) // count] for number in range(count)]


def _real(source: Source) -> str:
    return str(source.path.resolve()) if source.path is not None else source.name


def _number(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


def _do(count: int) -> str:
    return "does" if count == 1 else "do"
