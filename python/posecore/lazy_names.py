"""Names of a package that are imported when they are first used (PEP 562): whoever wants one does not wait for all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, where: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package, to be assigned in it.

    Args:
        package: its `__name__`.
        where: the module that has each name; read when a name is asked for.

    Returns:
        A function that imports a name and keeps it in the package, with AttributeError for others; and one that lists
        the package's `__all__` and its names with underscores on both sides.
    """

    def of_package() -> dict[str, Any]:
        return vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(where[name]), name)
        of_package()[name] = value
        return value

    def names() -> list[str]:
        there = of_package()
        return sorted({name for name in there if name.startswith("__")} | set(there["__all__"]))

    return get, names
