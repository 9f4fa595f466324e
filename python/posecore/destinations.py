"""Where a run writes: decided, and looked at for files already there, before any work starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from posecore.outputs import STREAMS, file_names
from posecore.sources import Source
from posecore.video import CODECS

DEFAULT_FOLDER = "posecore-out"
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_NOT_FOLDERS = (".json", ".jsonl", ".csv", ".npz", ".txt", ".gif")
_KEPT = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Destinations:
    """The files of one run.

    Attributes:
        folder: for everything; None where nothing is written to disk.
        data_stem: what the files of poses are named after.
        drawn: for each source its annotated picture or video, or None.
    """

    folder: Path | None
    data_stem: str
    drawn: tuple[Path | None, ...]


def plan(
    out: str | None, sources: Sequence[Source], save: Sequence[str], *, drawn: bool, force: bool
) -> Destinations:
    """Names for all that will be written.

    Args:
        out: a folder; a file name with the ending of a picture or video, for one source; "-" for stdout;
            None is the first free one of posecore-out, posecore-out-2, ...
        save: formats of poses.
        drawn: whether annotated pictures and videos are written.
        force: files that are there may be replaced, though never a source itself.

    Raises:
        ValueError: `out` does not fit the sources or formats, or there is a file already.
    """
    if out == "-":
        if drawn or len(save) != 1 or save[0] not in STREAMS:
            what = "a drawing too" if drawn else ", ".join(save) or "nothing to save"
            raise ValueError(
                f"--out: wanted one --save format of {', '.join(STREAMS)} for stdout, got {what}"
            )
        return Destinations(None, "", (None,) * len(sources))
    if not drawn and not save:
        return Destinations(None, "", (None,) * len(sources))
    if out is not None and Path(out).suffix.lower() in _NOT_FOLDERS and not os.path.isdir(out):
        raise ValueError(
            f"--out: wanted a folder, or the name of a picture or video, got {out}; poses are written beside "
            "the drawing or into the folder, as --save says"
        )
    if out is None:
        planned = _in_folder(_free_folder(), sources, drawn)
    elif (
        Path(out).suffix.lower() in (*_PICTURES, *CODECS)
        and not out.endswith((os.sep, "/"))
        and not os.path.isdir(out)
    ):
        planned = _as_file(Path(out), sources, drawn)
    else:
        planned = _in_folder(Path(out), sources, drawn)
    _refuse_what_is_there(planned, sources, save, force)
    return planned


def _free_folder() -> Path:
    for number in count(1):
        folder = Path(DEFAULT_FOLDER if number == 1 else f"{DEFAULT_FOLDER}-{number}")
        if not os.path.lexists(folder):
            break
    return folder


def _in_folder(folder: Path, sources: Sequence[Source], drawn: bool) -> Destinations:
    if not drawn:
        return Destinations(folder, "poses", (None,) * len(sources))
    taken: set[str] = set()
    paths = []
    for source in sources:
        if source.kind in ("video", "camera"):
            ending = source.suffix if source.suffix in CODECS else ".mp4"
        else:
            ending = source.suffix if source.suffix in _KEPT else ".png"
        # Pictures of one name from different folders get numbers.
        name = next(
            name
            for number in count(1)
            if (name := source.stem + (f"-{number}" if number > 1 else "") + ending).lower() not in taken
        )
        taken.add(name.lower())
        paths.append(folder / name)
    return Destinations(folder, "poses", tuple(paths))


def _as_file(path: Path, sources: Sequence[Source], drawn: bool) -> Destinations:
    if len(sources) != 1:
        raise ValueError(f"--out: wanted a folder for {len(sources)} sources, got the file name {path}")
    if not drawn:
        raise ValueError(f"--out: wanted a folder, since nothing is drawn, got the file name {path}")
    moving = sources[0].kind in ("video", "camera")
    endings = tuple(CODECS) if moving else _PICTURES
    if path.suffix.lower() not in endings:
        what = "video" if moving else "picture"
        raise ValueError(f"--out: wanted a {what} name ending in {', '.join(endings)}, got {path}")
    return Destinations(path.parent, path.stem, (path,))


def _refuse_what_is_there(
    planned: Destinations, sources: Sequence[Source], save: Sequence[str], force: bool
) -> None:
    folder = planned.folder
    if folder is None:
        return
    if os.path.lexists(folder) and not folder.is_dir():
        raise ValueError(f"--out: wanted a folder, got {folder}, which is a file")
    paths = [path for path in planned.drawn if path is not None]
    paths += [folder / name for form in save for name in file_names(form, planned.data_stem)]
    there = [path for path in paths if os.path.lexists(path)]
    if not there:
        return
    own = {os.path.realpath(source.path) for source in sources if source.path is not None}
    for path in there:
        if os.path.realpath(path) in own:
            raise ValueError(f"--out: {path} is one of the sources; choose another folder")
        if path.is_dir():
            raise ValueError(f"--out: wanted to write {path}, which is a folder")
    if not force:
        are = f"and {len(there) - 1} more are" if len(there) > 1 else "is"
        raise ValueError(
            f"--out: {there[0]} {are} there already; add --force to overwrite, or choose another folder"
        )
