"""Writes docs/train_config.md, every key of a training run's file: `python tools/build_config_reference.py [--check]`.

The text is that of the dataclasses in `posecore.train.config`.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from pathlib import Path
from typing import Any, get_args

from posecore.skeletons import Skeleton
from posecore.train import config
from posecore.train.augmentation import Augmentation

PAGE = Path(__file__).resolve().parents[1] / "docs" / "train_config.md"
HEAD = """# The file of a training run

`posecore train RUN.toml` reads these keys; only those without a default have to be there. Paths are relative to the
file. A run writes its whole configuration, defaults too, as `config.toml` into its folder.
[training.md](training.md) has a complete example with its results. This page is made by
`tools/build_config_reference.py` from the code.
"""
SECTIONS: tuple[tuple[str, type[Any]], ...] = (
    ("[data]", config.DataConfig),
    ("[[data.train]], [[data.validation]]", config.SetConfig),
    ("[skeleton]", Skeleton),
    ("[network]", config.NetworkConfig),
    ("[distillation]", config.DistillationConfig),
    ("[input]", config.InputConfig),
    ("[augmentation]", Augmentation),
    ("[loss]", config.LossConfig),
    ("[optimizer]", config.OptimizerConfig),
    ("[run]", config.RunConfig),
)
SETS = ("train", "validation")  # of [data]: sections of their own


def section(title: str, kind: type[Any]) -> str:
    """One heading, what the section is for, and a table of its keys."""
    summary, _, rest = (inspect.getdoc(kind) or "").partition("Attributes:")
    said = attributes(rest)
    rows = [
        f"| `{field.name}` | {typed(str(field.type))} | {default(field)} | {said[field.name]} |"
        for field in dataclasses.fields(kind)
        if not (kind is config.DataConfig and field.name in SETS)
    ]
    opening = re.sub(r"^\[+[\w.]+\]+: ", "", " ".join(summary.split()))
    table = "\n".join(("| key | type | default | |", "|---|---|---|---|", *rows))
    return f"\n## {title}\n\n{opening[0].upper()}{opening[1:]}\n\n{table}\n"


def attributes(text: str) -> dict[str, str]:
    """What a docstring's list of attributes says of each; names that share a line share the text."""
    text = inspect.cleandoc(text.partition("\nRaises:")[0].partition("\n\n")[0])
    said: dict[str, str] = {}
    for names, words in re.findall(r"^(\w[\w, ]*): (.*(?:\n +.*)*)", text, re.MULTILINE):
        for name in names.split(", "):
            said[name] = " ".join(words.split()).replace("|", "\\|")
    return said


def typed(annotation: str) -> str:
    """A type as somebody says it who writes TOML."""
    if "Literal[" in annotation or annotation == "Format":
        choices = re.search(r"Literal\[(.*?)\]", annotation)
        listed = choices[1] if choices else ", ".join(f'"{name}"' for name in get_args(config.Format))
        return " or ".join(f"`{one}`" for one in listed.replace("'", '"').split(", "))
    known = {"int": "whole number", "float": "number", "bool": "true or false", "str": "text", "Path": "path"}
    plain = annotation.removesuffix(" | None")
    if plain in known:
        return known[plain]
    if plain.startswith("tuple[float, float]"):
        return "two numbers"
    return "table" if plain.startswith("dict") else "list"


def default(field: dataclasses.Field[Any]) -> str:
    """A field's default as TOML has it."""
    if field.default_factory is not dataclasses.MISSING:
        return "none"
    if field.default is dataclasses.MISSING:
        return "*required*"
    if field.default is None or field.default == ():
        return "none"
    if isinstance(field.default, tuple):
        return "`[" + ", ".join(written(one) for one in field.default) + "]`"
    return f"`{written(field.default)}`"


def written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def page() -> str:
    """The page's text."""
    return HEAD + "".join(section(title, kind) for title, kind in SECTIONS)


def main() -> int:
    text = page()
    if sys.argv[1:] == ["--check"]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE.name} is not what the code says: run python tools/build_config_reference.py")
            return 1
        print(f"{PAGE.name} is up to date")
        return 0
    if sys.argv[1:]:
        print(__doc__)
        return 2
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
