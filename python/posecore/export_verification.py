"""The end of every export: its verification, as numbers and as a picture beside the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import posecore
from posecore.errors import PosecoreError, SourceError
from posecore.evaluation.whole_file import write_json
from posecore.export_files import PICTURE, VERIFICATION, ExportFiles
from posecore.export_targets import DEFAULT_SIZES, ExportPlan, reference
from posecore.progress import Progress
from posecore.usage import UsageError

if TYPE_CHECKING:
    from posecore.export.verification import Accuracy, Verification
    from posecore.export_pictures import ExportPictures
    from posecore.keras_source import KerasSource


def verify_export(
    plan: ExportPlan,
    source: KerasSource,
    files: ExportFiles,
    pictures: ExportPictures,
    progress: Progress,
    *,
    max_shift_px: float | None = None,
    labels: str | None = None,
    folder: str | None = None,
) -> Verification:
    """Verify the model in its folder; numbers and a picture are written beside it there.

    A file for any size is verified at the network's own, or its target's.

    Args:
        max_shift_px: what 95 in 100 keypoints may move, in input pixels; None is the default of `verify`.
        labels: COCO's JSON, on whose pictures the AP of both models is taken; None: it is not.
        folder: of these pictures; None looks beside the file.

    Raises:
        UsageError: labels that are not for this network.
        PosecoreError: what is needed to run the file is not there, or the file is not the network's.
    """
    from posecore.export.comparison import verify
    from posecore.export_picture import as_png, verification_picture

    given: dict[str, Any] = {} if max_shift_px is None else {"max_shift_px": max_shift_px}
    size = (source.size or DEFAULT_SIZES[plan.target]) if plan.size is None else None
    network = reference(plan, source)
    found = verify(
        network,
        files.work_model,
        pictures=pictures.verification,
        size=size,
        skeleton=source.skeleton,
        **given,
    )
    if labels is not None:
        place = Path(folder) if folder is not None else _folder_beside(Path(labels))
        try:
            accuracy = _accuracy(network, source, files.work_model, size, labels, place, progress)
        except PosecoreError:
            raise
        except ValueError as error:
            raise UsageError(f"--labels: {error}") from None
        found = found.with_accuracy(accuracy)
    files.beside(PICTURE).write_bytes(as_png(verification_picture(found)))
    about = {"posecore": posecore.__version__, "model": source.about, "shown": pictures.said}
    write_json(files.beside(VERIFICATION), about | found.as_dict())
    return found


def _accuracy(
    network: Any,
    source: KerasSource,
    model: Path,
    size: tuple[int, int] | None,
    labels: str,
    folder: Path,
    progress: Progress,
) -> Accuracy:
    from posecore.export.runners import KerasRunner, open_runner
    from posecore.export_ap import compare_accuracy

    exported = open_runner(model, size=size)
    floating = KerasRunner(network, size=exported.reading.input_size, skeleton=source.skeleton)
    with progress.task("labelled pictures", None, "picture") as task:
        return compare_accuracy(floating, exported, labels, folder, advance=task.advance)


def _folder_beside(labels: Path) -> Path:
    """The folder of a .json's name, or its own."""
    if not labels.is_file():
        raise SourceError(f"{labels}: there is no such file")
    named = labels.with_suffix("")
    return named if named.is_dir() else labels.parent
