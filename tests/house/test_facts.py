"""Facts that have to be spelled twice say the same thing."""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from pathlib import Path

import build_exp_table
import pytest
from source_tree import TEXT, files

import posecore
from posecore import COCO17, Decoder, _core


def header(repository: Path, name: str) -> str:
    return (repository / "cpp" / "include" / "posecore" / name).read_text(encoding="utf-8")


def test_one_version(repository: Path) -> None:
    (version,) = re.findall(r'POSECORE_VERSION "(\d+\.\d+\.\d+)"', header(repository, "version.hpp"))
    assert posecore.__version__ == version
    assert _core.__version__ == version
    assert importlib.metadata.version("posecore") == version
    changes = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"{version}" in changes


def test_the_version_is_spelled_in_one_place(repository: Path) -> None:
    spelled = []
    for path in files(repository, tuple(s for s in TEXT if s != ".md")):
        if re.search(
            rf"(?<![\d.]){re.escape(posecore.__version__)}(?![\d.])", path.read_text(encoding="utf-8")
        ):
            spelled.append(path.relative_to(repository).as_posix())
    assert [path for path in spelled if path != "NOTICE"] == ["cpp/include/posecore/version.hpp"]


def test_coco17_has_the_same_edges_in_both_languages(repository: Path) -> None:
    (table,) = re.findall(r"kCoco17Edges\[16\] = \{(.*?)\};", header(repository, "skeleton.hpp"), re.DOTALL)
    edges = tuple((int(a), int(b)) for a, b in re.findall(r"\{(\d+), (\d+)\}", table))
    assert edges == COCO17.edges
    assert f"kCoco17 = {{{COCO17.num_keypoints}, kCoco17Edges}}" in header(repository, "skeleton.hpp")


def test_coco17_has_the_same_sigmas_and_sides_in_both_languages(repository: Path) -> None:
    (sigmas,) = re.findall(r"kCoco17Sigmas\[17\] = \{(.*?)\};", header(repository, "body.hpp"), re.DOTALL)
    assert list(map(float, re.findall(r"[\d.]+(?=F)", sigmas))) == pytest.approx(COCO17.sigmas, rel=1e-12)
    (flip,) = re.findall(r"kCoco17Flip\[17\] = \{(.*?)\};", header(repository, "body.hpp"), re.DOTALL)
    sides = {k: other for pair in COCO17.flip_pairs for k, other in (pair, pair[::-1])}
    assert tuple(map(int, re.findall(r"\d+", flip))) == tuple(sides.get(k, k) for k in range(17))


def test_the_table_of_powers_is_what_its_tool_writes() -> None:
    assert build_exp_table.TABLE.read_text(encoding="utf-8") == build_exp_table.source()


def test_decoding_has_the_same_defaults_in_both_languages(repository: Path) -> None:
    (fields,) = re.findall(
        r"struct MultiPoseOptions \{(.*?)\n\};", header(repository, "decode.hpp"), re.DOTALL
    )
    spelled = dict(re.findall(r"(\w+) = ([\w.:]+);", fields))
    in_cpp: dict[str, object] = {
        name: float(value.removesuffix("F"))
        for name, value in spelled.items()
        if re.fullmatch(r"[\d.]+F?", value)
    }
    in_cpp["sampling"] = spelled["sampling"].removeprefix("Sampling::k").lower()
    in_cpp["rescore"] = spelled["rescore"] == "true"
    parameters = inspect.signature(Decoder).parameters
    assert parameters["stride_px"].default is inspect.Parameter.empty  # the model says it
    in_python = Decoder(COCO17, stride_px=in_cpp["stride_px"])._options
    assert in_python.pop("semantics") == "coral"  # two functions in C++
    assert in_python == in_cpp


def test_installation_lines_name_extras_that_exist(repository: Path) -> None:
    extras = set(importlib.metadata.metadata("posecore").get_all("Provides-Extra") or ())
    assert {"app", "train", "export", "eval", "test", "all"} <= extras
    named: dict[str, Path] = {}
    for path in files(repository, (".py", ".md", ".toml", "")):
        text = path.read_text(encoding="utf-8")
        brackets = re.findall(r'(?:posecore|"\.)\[([a-z][a-z, -]*)\]"', text)
        words = [word.strip() for group in brackets for word in group.split(",")]
        for word in words + re.findall(r'extra="([a-z-]+)"', text):
            named[word] = path
    assert "app" in named
    assert {word: str(path) for word, path in named.items() if word not in extras} == {}


def test_ci_calls_the_readmes_test_command(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(python -m pip install .* && python -m pytest.*)$", readme, re.MULTILINE)
    assert command in script.splitlines()


@pytest.mark.parametrize("name", [name for name in posecore.__all__ if not name.startswith("_")])
def test_public_names_explain_themselves(name: str) -> None:
    value = getattr(posecore, name)
    described = (
        value
        if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value)
        else type(value)
    )
    assert described.__doc__
    assert not described.__doc__.startswith(f"{described.__name__}("), "written by a person, not by dataclass"
    if inspect.isclass(described):
        for member, attribute in vars(described).items():
            if not member.startswith("_") and (
                inspect.isfunction(attribute) or isinstance(attribute, property)
            ):
                assert attribute.__doc__, f"{name}.{member}"


def test_names_that_are_not_there_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Estimatorr'"):
        _ = posecore.Estimatorr
    assert set(posecore.__all__) <= set(dir(posecore))
