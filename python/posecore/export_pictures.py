"""The pictures of an export: some that quantisation is calibrated with, others that the result is verified with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    order, so that the same command takes the same ones.

    Args:
        calibration: a folder, a glob, a picture, or COCO's .json; None: nothing is calibrated.
        verification: the same for verification; None takes those of `calibration` that do not calibrate, and where
            there are none the picture that comes with posecore.
        folder: where the pictures of a .json lie; None looks beside it: its own folder, or one of its name.
        count: how many calibrate; None is 64, or three in four where that is fewer and the others verify.
        verify_count: how many verify, at most.

    Raises:
        SourceError: a place that is not there, or has no pictures.
    """
    said = []
    kept = taken = None
    if calibration is not None:
        found = _at(calibration, folder)
        wanted = count
        if wanted is None:
            spare = 0 if verification is not None else -(-len(found) // _HELD_OUT)
            wanted = min(DEFAULT_CALIBRATION, max(len(found) - spare, 1))
        taken = _evenly(found, wanted)
        chosen = {id(source) for source in taken}
        kept = [source for source in found if id(source) not in chosen]
        said.append(f"calibration: {_number(len(taken))} of {len(found)} in {calibration}")
    if verification is not None:
        places = _at(verification, folder)
        checked = _evenly(places, verify_count)
        said.append(f"verification: {_number(len(checked))} of {len(places)} in {verification}")
        both = {_real(one) for one in taken or ()} & {_real(one) for one in checked}
        if both:
            said.append(f"{len(both)} of them calibrated too, which flatters the result")
    elif kept:
        checked = _evenly(kept, verify_count)
        said.append(
            f"verification: {_number(len(checked))} of {calibration} that {_do(len(checked))} not calibrate"
        )
    else:
        checked = find_sources(())
        said.append("verification: the 1 picture that comes with posecore; --verify-pictures names others")
    return ExportPictures(None if taken is None else Pictures(taken), Pictures(checked), "; ".join(said))


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
