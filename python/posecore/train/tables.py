"""Frozen dataclasses from TOML or JSON tables and back, strictly: every key is known and of its type, or one sentence
says which key of which file, what was wanted, what came, and the nearest right name."""

from __future__ import annotations

import difflib
import json
import math
import os
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from posecore.errors import SourceError, require

T = TypeVar("T")

_MOST_BYTES = 1 << 20  # of a file that people write by hand
_MOST_SHOWN = 60  # characters of a wrong value


def read_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tables of a .toml or .json file.

    Raises:
        SourceError: it cannot be read, is larger than 1 MiB, or is no such file.
        MissingExtra: Python 3.10 without the package tomli.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file") from None
    except OSError as error:
        raise SourceError(f"{path}: the file cannot be read ({error.strerror})") from None
    if len(data) > _MOST_BYTES:
        raise SourceError(f"{path}: wanted a configuration of at most 1 MiB, got a larger file")
    try:
        text = data.decode("utf-8")
        found = json.loads(text) if path.suffix == ".json" else _toml().loads(text)
    except (ValueError, RecursionError) as error:  # both parsers' errors, and bytes that are no UTF-8
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise SourceError(f"{path}: wanted {kind}, got a file that is none ({error})") from None
    if not isinstance(found, dict):
        raise SourceError(f"{path}: wanted an object of sections, got {type(found).__name__}")
    return found


def from_table(
    cls: type[T], table: Mapping[str, Any], *, file: str, folder: Path | None = None, where: str = ""
) -> T:
    """An instance of the dataclass `cls` with the keys of `table`.

    Args:
        table: what a TOML or JSON file holds. Sections are dataclass fields, lists of tables tuples of dataclasses.
        file: what sentences call the file.
        folder: what paths are relative to; None leaves them as they are.
        where: the section, for sentences.

    Raises:
        SourceError: a key that is not known, is missing, or has a value of another type or out of range.
    """
    known = {field.name: field for field in fields(cls) if field.init}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    section = f"[{where}] " if where else ""
    for key in table:
        if key not in known:
            raise SourceError(
                f"{file}: {section}wanted one of {', '.join(known)}, got {key!r}{nearest(key, known)}"
            )
    for name, field in known.items():
        if name not in table and field.default is MISSING and field.default_factory is MISSING:
            raise SourceError(f"{file}: {section}wanted {name}, got none")
    values = {
        key: _value(hints[key], value, file, folder, f"{where}.{key}" if where else key)
        for key, value in table.items()
    }
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{file}: {section}{error}") from None


def to_table(value: Any) -> Any:
    """What `from_table` makes the same instance of: dicts, lists, text and numbers. None is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        return {name: to_table(one) for name, one in found.items() if one is not None}
    if isinstance(value, Mapping):
        return {str(name): to_table(one) for name, one in value.items() if one is not None}
    if isinstance(value, (tuple, list)):
        return [to_table(one) for one in value]
    return os.path.abspath(value) if isinstance(value, Path) else value


def to_toml(table: Mapping[str, Any]) -> str:
    """TOML text of tables as `to_table` gives them: plain values first, then sections, then lists of sections."""
    lines: list[str] = []
    _write_section(table, "", lines)
    return "\n".join(lines).strip() + "\n"


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that asks for the known name which is most like this one; nothing where none is."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _toml() -> Any:
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib
    return require("tomli", extra="train", purpose="Reading TOML with Python 3.10")


def _value(hint: Any, value: Any, file: str, folder: Path | None, where: str) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        kinds = [kind for kind in inner if kind is not type(None)]
        if value is None and len(kinds) < len(inner):
            return None
        if len(kinds) == 1:
            return _value(kinds[0], value, file, folder, where)
        for kind in kinds[:-1]:
            try:
                return _value(kind, value, file, folder, where)
            except SourceError:
                continue
        return _value(kinds[-1], value, file, folder, where)
    if origin is Literal:
        if value in inner and isinstance(value, str):
            return value
        hint_text = nearest(str(value), [str(one) for one in inner])
        raise _wrong(file, where, f"one of {', '.join(map(str, inner))}", value, hint_text)
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise _wrong(file, where, "a section", value)
        return from_table(hint, value, file=file, folder=folder, where=where)
    if origin is tuple:
        return _tuple(inner, value, file, folder, where)
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(file, where, "a table", value)
        kind = inner[1] if inner else Any
        return {name: _value(kind, one, file, folder, f"{where}.{name}") for name, one in value.items()}
    return _plain(hint, value, file, folder, where)


def _tuple(inner: tuple[Any, ...], value: Any, file: str, folder: Path | None, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(file, where, "a list", value)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(
            _value(inner[0], one, file, folder, f"{where}.{i}" if is_dataclass(inner[0]) else where)
            for i, one in enumerate(value)
        )
    if len(value) != len(inner):
        raise _wrong(file, where, f"a list of {len(inner)}", value)
    return tuple(_value(kind, one, file, folder, where) for kind, one in zip(inner, value, strict=True))


def _plain(hint: Any, value: Any, file: str, folder: Path | None, where: str) -> Any:
    if hint is Path:
        if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
            raise _wrong(file, where, "a path", value)
        try:
            return Path(value) if folder is None else folder / Path(value).expanduser()
        except RuntimeError:  # ~NAME of nobody
            raise _wrong(file, where, "a path", value) from None
    if hint is bool and isinstance(value, bool):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:  # a whole number of hundreds of digits
            number = math.inf
        if not math.isfinite(number):
            raise _wrong(file, where, "a finite number", value)
        return number
    if hint is str and isinstance(value, str):
        return value
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    raise _wrong(file, where, names.get(hint, str(hint)), value)


def _wrong(file: str, where: str, wanted: str, value: Any, hint: str = "") -> SourceError:
    got = value if isinstance(value, str) else json.dumps(value, default=str)
    got = repr(got) if isinstance(value, str) else got
    shown = got if len(got) <= _MOST_SHOWN else f"{got[:_MOST_SHOWN]}..."
    section, _, key = where.rpartition(".")
    return SourceError(
        f"{file}: {f'[{section}] ' if section else ''}{key}: wanted {wanted}, got {shown}{hint}"
    )


def _write_section(table: Mapping[str, Any], name: str, lines: list[str]) -> None:
    sections = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lists = {key: value for key, value in table.items() if _is_list_of_tables(value)}
    plain = {key: value for key, value in table.items() if key not in sections and key not in lists}
    if name and (plain or not (sections or lists)):
        lines += ["", f"[{name}]"]
    lines += [f"{_key(key)} = {_inline(value)}" for key, value in plain.items()]
    for key, value in sections.items():
        _write_section(value, f"{name}.{_key(key)}" if name else _key(key), lines)
    for key, tables in lists.items():
        full = f"{name}.{_key(key)}" if name else _key(key)
        for one in tables:
            lines += ["", f"[[{full}]]"]
            lines += [f"{_key(inner)} = {_inline(value)}" for inner, value in one.items()]


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _quoted(key)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_inline(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(one) for one in value) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" in text else f"{text}.0"
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's escapes, and one for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
