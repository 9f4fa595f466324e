"""What holds for every file of the repository."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from source_tree import CODE, TEXT, files

MOST_LINES = 420  # about 400


def test_files_are_short(repository: Path) -> None:
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in files(repository, CODE)}
    assert len(lengths) > 50
    assert {str(p.relative_to(repository)): n for p, n in lengths.items() if n > MOST_LINES} == {}


def test_every_file_has_a_noun_of_its_own(repository: Path) -> None:
    nameless = {"utils", "util", "common", "helpers", "helper", "misc"}
    found = [p for p in files(repository, CODE) if nameless & {*p.relative_to(repository).parts, p.stem}]
    assert found == []


def test_nothing_names_a_machine(repository: Path) -> None:
    # In pieces, so that this file does not name one.
    folder = re.compile("|".join("/" + name + "/" for name in ("work", "home", "root", "Users", "tmp/v")))
    found = []
    for path in files(repository, TEXT):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if folder.search(line):
                found.append(f"{path.relative_to(repository)}:{number}: {line.strip()}")
    assert found == []


def test_text_ends_in_one_newline_and_has_no_tabs(repository: Path) -> None:
    for path in files(repository, CODE):
        text = path.read_text(encoding="utf-8")
        assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), path
        assert "\t" not in text, path
        assert "\r" not in text, path


def test_python_files_say_what_they_are(repository: Path) -> None:
    for path in files(repository, (".py",)):
        if repository / "python" in path.parents:
            assert path.read_text(encoding="utf-8").startswith('"""'), path


def test_headers_guard_themselves(repository: Path) -> None:
    for path in files(repository, (".hpp", ".h")):
        assert "#pragma once\n" in path.read_text(encoding="utf-8"), path


def test_licence_and_notice_are_there(repository: Path) -> None:
    licence = (repository / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    notice = (repository / "NOTICE").read_text(encoding="utf-8")
    for path in sorted((repository / "python" / "posecore" / "data").iterdir()):
        if path.suffix not in (".md", ".py") and path.is_file():
            assert f"python/posecore/data/{path.name}" in notice, (
                "NOTICE says where every data file comes from"
            )


def test_no_two_test_files_have_one_name(repository: Path) -> None:
    """pytest imports them by their names alone, and one that shadows another ends the whole run."""
    names = Counter(path.name for path in (repository / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
