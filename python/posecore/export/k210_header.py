"""`header_text`: what C firmware has to know of a .kmodel, as a header."""

from __future__ import annotations

import re

from posecore.artifact import Artifact
from posecore.export.kmodel import Kmodel
from posecore.export.kmodel_programs import CpuOp
from posecore.layouts import Role

_ROLES: dict[Role, str] = {
    "heatmaps": "row by row, {unit} of keypoint c in channel c",
    "short_offsets": "px: all y, then all x",
    "displacement_fwd": "px from parent to child: all dy, then all dx, by edge",
    "displacement_bwd": "px from child to parent: all dy, then all dx, by edge",
}


def header_text(artifact: Artifact, kmodel: Kmodel) -> str:
    """A C header (C99, ASCII) of constants: sizes of the input, the grid and the memory, and for each output its
    place, channels, and how the KPU's bytes were made into its numbers. Macros start with the file's name.

    Args:
        artifact: of the file, target "k210".
        kmodel: the file.
    """
    stem = identifier(artifact.file.rsplit(".", 1)[0])
    width, height = artifact.input.size or (0, 0)
    rows, columns = artifact.heads[0].shape[2:]
    memory = kmodel.memory
    skeleton = artifact.skeleton
    lines = [
        f"/* {_ascii(artifact.file)}, made by posecore {_ascii(artifact.tools.get('posecore', ''))} with nncase "
        f"{_ascii(artifact.tools.get('nncase', ''))}.",
        f" * SHA-256 {artifact.sha256}",
        f" * It runs on nncase's runtime {', '.join(kmodel.runtimes)}.",
        " *",
        f" * Input: uint8 [3][{height}][{width}], all R, all G, all B, bytes as the camera gives them; the KPU scales.",
        f" * Outputs: float [channels][{rows}][{columns}] each. Cell (row, column) lies on the input's pixel",
        f" * ({artifact.stride_px:g} * column, {artifact.stride_px:g} * row); (0, 0) is the centre of the first one.",
        " */",
        f"#ifndef {stem}_H",
        f"#define {stem}_H",
        "",
        f"#define {stem}_KMODEL_BYTES {kmodel.file_bytes}u",
        f"#define {stem}_RAM_BYTES {memory['total']}u /* the file, its input, its outputs and what lies between */",
        f"#define {stem}_INPUT_WIDTH {width}",
        f"#define {stem}_INPUT_HEIGHT {height}",
        f"#define {stem}_INPUT_BYTES {memory['input']}u",
        f"#define {stem}_ROWS {rows}",
        f"#define {stem}_COLUMNS {columns}",
        f"#define {stem}_STRIDE_PX {artifact.stride_px:g}",
        f"#define {stem}_KEYPOINTS {skeleton.num_keypoints} /* {_ascii(skeleton.name)} */",
        f"#define {stem}_EDGES {len(skeleton.edges)}",
        f"#define {stem}_SCORES_ARE_LOGITS {int(artifact.scores == 'logits')}",
        f"#define {stem}_OUTPUTS {len(artifact.heads)}",
        "",
        "/* The number of each output, what it holds, its channels and bytes, and the steps of its numbers: the KPU",
        " * makes bytes, number = byte * SCALE + BIAS. */",
    ]
    made = {op.output_start: op for op in kmodel.cpu_ops if op.name == "DEQUANTIZE"}
    for number, (head, port) in enumerate(zip(artifact.heads, kmodel.outputs, strict=True)):
        name = f"{stem}_{identifier(head.name)}"
        what = _ROLES.get(head.role, head.role).format(unit=head.unit)
        lines += [
            f"#define {name} {number} /* {what} */",
            f"#define {name}_CHANNELS {head.channels}",
            f"#define {name}_BYTES {port.size_bytes}u",
            *_steps(name, made.get(port.start)),
        ]
    return "\n".join([*lines, "", f"#endif /* {stem}_H */", ""])


def identifier(text: str) -> str:
    """`text` as the name of a C macro: capitals, digits and underscores, not a digit first."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper()[:48]
    return name if name[:1].isalpha() else f"POSE_{name}".rstrip("_")


def _steps(name: str, op: CpuOp | None) -> list[str]:
    if op is None or op.scale is None or op.bias is None:
        return []
    return [f"#define {name}_SCALE {op.scale:.9e}f", f"#define {name}_BIAS ({op.bias:.9e}f)"]


def _ascii(text: str) -> str:
    """What may stand in a comment."""
    return re.sub(r"[^\x20-\x7e]|\*/|/\*|\\", "?", text)
