"""The end of every export: its verification, as numbers and as a picture beside the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import posecore
from posecore.errors import PosecoreError, SourceError
from posecore.evaluation.whole_file import write_json, write_whole
from posecore.export_files import PICTURE, VERIFICATION, ExportFiles
from posecore.export_targets import DEFAULT_SIZES, ExportPlan, reference
from posecore.progress import Progress
from posecore.usage import UsageError

if TYPE_CHECKING:
    from posecore.evaluation.truths import Truths
    from posecore.export.verification import Accuracy, Verification
    from posecore.export_pictures import ExportPictures
    from posecore.keras_source import KerasSource
    from posecore.skeletons import Skeleton

_NOT_JUDGED = "could not be judged"  # how the verdict of such a `Verification` begins


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labelled pictures that the AP of both models is to be taken on.

    Attributes:
        file: COCO's JSON of people.
        folder: of its pictures, all of which were there.
        truths: what the file says.
    """

    file: str
    folder: Path
    truths: Truths

    @classmethod
    def read(cls, file: str, folder: str | None) -> Labels:
        """The labels of a file. `folder`: of its pictures; None looks beside it: the folder of its name, or its own.

        Raises:
            SourceError: the file cannot be read, or pictures that it names are not there.
        """
        from posecore.evaluation.coco_files import read_truths
        from posecore.labelled_pictures import labelled_paths

        place = Path(folder) if folder is not None else _folder_beside(Path(file))
        truths = read_truths(file)
        labelled_paths(truths, file, place)
        return cls(file, place, truths)

    def refuse_others(self, skeleton: Skeleton) -> None:
        """UsageError where they are not labels of this skeleton, or it has no AP."""
        from posecore.evaluation.coco import evaluate

        try:
            evaluate(self.truths, {}, skeleton=skeleton)
        except PosecoreError:
            raise
        except ValueError as error:
            raise UsageError(f"--labels: {error}") from None


def is_judged(found: Verification) -> bool:
    """Whether the pictures showed anybody: without, a model is neither good nor bad."""
    return not found.verdict.startswith(_NOT_JUDGED)


def as_json(found: Verification) -> dict[str, Any]:
    """The verification for JSON, with "judged": whether "ok" says anything."""
    return {"judged": is_judged(found), **found.as_dict()}


def verify_export(
    plan: ExportPlan,
    source: KerasSource,
    files: ExportFiles,
    pictures: ExportPictures,
    progress: Progress,
    *,
    max_shift_px: float | None = None,
    labels: Labels | None = None,
) -> Verification:
    """Verify the model in its folder; numbers and a picture are written beside it there.

    A file for any size is verified at the network's own, or its target's.

    Args:
        max_shift_px: what 95 in 100 keypoints may move, in input pixels; None is the default of `verify`.
        labels: on whose pictures the AP of both models is taken; None: it is not.

    Raises:
        UsageError: labels that are not for this network.
        SourceError: pictures that cannot be read.
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
        try:
            accuracy = _accuracy(network, source, files.work_model, size, labels, progress)
        except PosecoreError:
            raise
        except ValueError as error:
            raise UsageError(f"--labels: {error}") from None
        found = found.with_accuracy(accuracy)
    write_whole(files.beside(PICTURE), as_png(verification_picture(found)))
    about = {"posecore": posecore.__version__, "model": source.about, "shown": pictures.said}
    write_json(files.beside(VERIFICATION), about | as_json(found))
    return found


def _accuracy(
    network: Any,
    source: KerasSource,
    model: Path,
    size: tuple[int, int] | None,
    labels: Labels,
    progress: Progress,
) -> Accuracy:
    from posecore.export.runners import KerasRunner, open_runner
    from posecore.export_ap import compare_accuracy

    exported = open_runner(model, size=size)
    floating = KerasRunner(network, size=exported.reading.input_size, skeleton=source.skeleton)
    with progress.task("labelled pictures", None, "picture") as task:
        return compare_accuracy(floating, exported, labels.file, labels.folder, advance=task.advance)


def _folder_beside(labels: Path) -> Path:
    """The folder of a .json's name, or its own."""
    if not labels.is_file():
        raise SourceError(f"{labels}: there is no such file")
    named = labels.with_suffix("")
    return named if named.is_dir() else labels.parent
