"""Packages import what they show when it is used, and all of them in the same way."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

import pytest

from posecore.lazy_names import lazy_names


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("shown")
    made.__dict__["__all__"] = ["Fraction", "own"]
    monkeypatch.setitem(sys.modules, "shown", made)
    found = lazy_names("shown", {"Fraction": "fractions"})
    made.__dict__["__getattr__"], made.__dict__["__dir__"] = found
    return made


def test_a_name_is_imported_when_it_is_asked_for_and_kept(package: ModuleType) -> None:
    from fractions import Fraction

    assert "Fraction" not in vars(package)
    assert package.Fraction is Fraction
    assert vars(package)["Fraction"] is Fraction


def test_another_name_is_none_of_the_package(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=r"^module 'shown' has no attribute 'Faction'$"):
        _ = package.Faction


def test_what_is_shown_is_listed_and_nothing_of_the_inside(package: ModuleType) -> None:
    package.__dict__["_helper"] = package.__dict__["own"] = 1
    shown = dir(package)
    assert {"Fraction", "own", "__name__"} <= set(shown)
    assert "_helper" not in shown
    assert shown == sorted(shown)


@pytest.mark.parametrize("name", ["posecore", "posecore.train", "posecore.export"])
def test_each_package_has_what_it_shows(name: str) -> None:
    package = import_module(name)
    assert set(package._LAZY) <= set(package.__all__) <= set(dir(package))
    for one in package.__all__:
        assert getattr(package, one) is not None
