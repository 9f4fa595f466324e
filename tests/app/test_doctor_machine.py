"""`posecore doctor` alone: what is installed and works, and that nothing which is broken takes it down."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore import cli
from posecore.doctor import checkup, children, devices, requirements
from posecore.doctor.finding import Finding, findings_from, lines


def fake_package(folder: Path, name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of this name that comes before the real one."""
    path = folder / Path(*name.split("."))
    path.parent.mkdir(parents=True, exist_ok=True)
    for parent in path.relative_to(folder).parents:
        if parent != Path():
            (folder / parent / "__init__.py").touch()
    path.with_suffix(".py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))


def fake_program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.abort()", "crashed (SIGABRT)"),
        ("import os; os._exit(7)", "ended with exit status 7"),
        ("raise SystemExit('go away')", "SystemExit: go away"),
        ("raise ImportError('libGL.so.1: cannot open shared object file')", "libGL.so.1: cannot open"),
        ("print('[[]]'); raise RuntimeError('a\\nb')", "RuntimeError: a b"),
    ],
)
def test_a_package_that_breaks_when_imported_is_a_line(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_package(tmp_path, "cv2", code, monkeypatch)
    (one,) = children.probe("pictures", "OpenCV")
    assert one.status == "broken"
    assert said in one.said
    assert "\n" not in one.said


def test_a_package_that_hangs_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "pid"
    code = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
open({str(told)!r}, "w").write(str(child.pid))
child.wait()
"""
    fake_package(tmp_path / "packages", "cv2", code, monkeypatch)
    (one,) = children.probe("pictures", "OpenCV", timeout_s=10)
    assert (one.status, one.said) == (
        "broken",
        "looking at it in a process of its own gave no answer within 10 s",
    )
    status = Path(f"/proc/{told.read_text()}/status")
    assert not status.exists() or "zombie" in status.read_text()


def test_an_interpreter_is_believed_by_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import numpy as np
class OpResolverType: AUTO = BUILTIN_WITHOUT_DEFAULT_DELEGATES = 0
class Interpreter:
    def __init__(self, **options): pass
    def allocate_tensors(self): pass
    def resize_tensor_input(self, index, shape): pass
    def get_input_details(self): return [{"index": 0, "shape": np.array([1, 33, 49, 3])}]
    def get_output_details(self): return [{"index": 1, "shape": np.array([1, 3, 4, 17])}]
    def set_tensor(self, index, value): pass
    def get_tensor(self, index): return np.zeros((1, 3, 4, 17), np.float32)
    def invoke(self): pass
"""
    fake_package(tmp_path, "ai_edge_litert.interpreter", code, monkeypatch)
    (one,) = children.probe("interpreters", "ai-edge-litert")
    assert one.status == "broken"
    assert "its heatmaps average 0.0000 instead of -10.0865" in one.said


@pytest.mark.skipif(
    int(np.__version__.partition(".")[0]) < 2, reason="this NumPy is one that tflite-runtime takes"
)
def test_the_old_interpreter_with_the_new_numpy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It can be imported, and dies with its first interpreter.
    fake_package(tmp_path, "tflite_runtime.interpreter", "", monkeypatch)
    (one,) = children.probe("interpreters", "tflite-runtime")
    assert (one.status, one.remedy) == ("broken", 'pip install "numpy<2"')
    assert f"NumPy is {np.__version__}" in one.said


def test_what_is_not_installed_comes_with_its_line() -> None:
    (one,) = checkup._package("pictures", "OpenCV", "no_such_module", "app")
    assert (one.status, one.remedy) == ("missing", 'pip install "posecore[app]"')


def test_every_extra_that_a_line_names_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "installed", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = requirements.extras_findings()
    found += checkup._package("a", "b", "c", "app") + checkup._package("a", "b", "c", "tflite-runtime")
    found += checkup._tensorflow()
    named = {word for one in found for word in re.findall(r"posecore\[([^\]]+)\]", one.remedy)}
    extras = set(importlib.metadata.metadata("posecore").get_all("Provides-Extra") or ())
    assert {"app", "train", "export", "eval"} <= named <= extras
    assert all(one.status == "missing" for one in found)


def test_every_extra_for_people_is_looked_at() -> None:
    extras = set(importlib.metadata.metadata("posecore").get_all("Provides-Extra") or ())
    assert set(requirements.PURPOSES) == extras - {"test", "dev", "all"}
    assert [one.name for one in requirements.extras_findings()] == list(requirements.PURPOSES)


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("2.17.9", False),
        ("2.18", True),
        ("2.18.0rc1", True),
        ("2.21.0", True),
        ("2.22.0", False),
        ("3.0", False),
    ],
)
def test_versions_are_compared_by_number(version: str, fits: bool) -> None:
    assert requirements.Requirement("tensorflow", ((">=", "2.18"), ("<", "2.22"))).allows(version) is fits


def test_a_version_that_does_not_fit_is_broken_and_says_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "installed", lambda name: "1.0")
    train = next(one for one in requirements.extras_findings() if one.name == "train")
    assert (train.status, train.remedy) == ("broken", 'pip install "posecore[train]"')
    assert re.search(r"tensorflow is 1\.0, wanted <2\.22,>=2\.18", train.said)


def test_stand_ins_count(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"opencv-python": "4.11.0.86", "scipy": "1.17.1", "h5py": "3.16.0"}
    monkeypatch.setattr(requirements, "installed", there.get)
    evaluation = next(one for one in requirements.extras_findings() if one.name == "eval")
    assert evaluation.status == "ok"


@pytest.mark.parametrize("rows", [7, [["a", "ok", "b"]], [["a", "fine", "b", "c"]], [["a", "ok", 1, ""]]])
def test_nonsense_from_a_probe_is_refused(rows: Any) -> None:
    with pytest.raises(ValueError, match="wanted"):
        findings_from("group", rows)


def test_nothing_that_a_probe_says_steers_the_terminal() -> None:
    (one,) = findings_from("group", [["a\x1b[2J", "ok", "b\nc" + "d" * 1000, ""]])
    assert "\x1b" not in one.name
    assert one.said.startswith("b cd")
    assert len(one.said) <= 400


@pytest.fixture
def edge_tpu(tmp_path: Path) -> Path:
    """The folder of a system with an Edge TPU on USB and one on PCIe that has no driver."""
    for folder, files in {
        "sys/bus/usb/devices/2-1": {"idVendor": "18d1", "idProduct": "9302", "busnum": "2", "devnum": "14"},
        "sys/bus/usb/devices/2-2": {"idVendor": "046d", "idProduct": "0825", "busnum": "2", "devnum": "15"},
        "sys/bus/pci/devices/0000:01:00.0": {"vendor": "0x1ac1", "device": "0x089a"},
        "dev/bus/usb/002": {"014": ""},
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / folder / name).write_text(f"{text}\n")
    return tmp_path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices are files on Linux alone")
def test_edge_tpus_are_found_on_usb_and_pcie(edge_tpu: Path) -> None:
    usb, pci = devices.edge_tpus(edge_tpu)
    assert usb[:2] == ("Edge TPU", "ok")
    assert "bus/usb/002/014" in usb[2]
    assert (pci[1], pci[3]) == ("broken", "sudo apt-get install gasket-dkms")
    (edge_tpu / "dev" / "apex_0").touch()
    assert [row[1] for row in devices.edge_tpus(edge_tpu)] == ["ok", "ok"]
    (edge_tpu / "dev/bus/usb/002/014").unlink()
    assert "plugdev" in devices.edge_tpus(edge_tpu)[0][3]
    assert devices.edge_tpus(edge_tpu / "nothing here")[0][1] == "missing"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices are files on Linux alone")
def test_cameras_are_nodes_that_answer(tmp_path: Path) -> None:
    assert devices.cameras(tmp_path) == [("cameras", "missing", f"none ({tmp_path}/video*)", "plug one in")]
    for name in ("video10", "video2", "videophone"):
        (tmp_path / name).touch()
    two, ten = devices.cameras(tmp_path)
    assert (two[0], ten[0]) == ("camera 2", "camera 10")
    assert two[1] == "broken"
    assert "does not answer" in two[2]


def test_nncase_is_found_in_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSECORE_NNCASE_PYTHON", raising=False)
    for elsewhere in ("POSECORE_CACHE", "PYENV_ROOT"):
        monkeypatch.setenv(elsewhere, str(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    for version in ("3.10", "3.9", "3.8", "3.7"):
        fake_program(tmp_path / f"python{version}", "exit 127")
    (none,) = checkup._nncase()
    assert (none.status, none.remedy) == ("missing", "posecore export --target k210 --setup")
    good = fake_program(tmp_path / "python3.8", "echo 1.9.0.20230322 k210 3.8")
    (found,) = checkup._nncase()
    assert found.status == "ok"
    assert found.said.startswith("1.9.0.20230322 with its k210 target")
    assert str(good) in found.said
    # One that is named is believed, and no other is looked for.
    bad = fake_program(tmp_path / "mine", "echo no module named nncase >&2; exit 1")
    monkeypatch.setenv("POSECORE_NNCASE_PYTHON", str(bad))
    (named,) = checkup._nncase()
    assert named.status == "broken"
    assert "no module named nncase" in named.said


def test_the_edge_tpu_compiler_is_asked_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    (none,) = checkup._edge_tpu_compiler()
    assert (none.status, none.remedy) == ("missing", "sudo apt-get install edgetpu-compiler")
    fake_program(tmp_path / "edgetpu_compiler", "echo Edge TPU Compiler version 16.0.384591198")
    (found,) = checkup._edge_tpu_compiler()
    assert (found.status, found.said.partition(",")[0]) == ("ok", "Edge TPU Compiler version 16.0.384591198")
    fake_program(tmp_path / "edgetpu_compiler", "sleep 600")
    monkeypatch.setattr(checkup, "_TOOL_TIMEOUT_S", 1.0)
    (hung,) = checkup._edge_tpu_compiler()
    assert hung.status == "broken"
    assert "gave no answer within 1 s" in hung.said


GOOD = Finding("all together", "default pipeline", "ok", "1 person")
MISSING = Finding("K210", "nncase", "missing", "none", "posecore export --target k210 --setup")
BROKEN = Finding(
    "all together", "default pipeline", "broken", "no interpreter", 'pip install "posecore[app]"'
)


@pytest.mark.parametrize(("findings", "code"), [([MISSING, GOOD], 0), ([MISSING, BROKEN], 1), ([], 1)])
def test_the_exit_code_is_that_of_the_default_pipeline(
    findings: list[Finding], code: int, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(checkup, "checkup", lambda: findings)
    assert cli.main(["doctor", "--json"]) == code
    report = json.loads(capsys.readouterr().out)
    assert (report["works"], report["exit_code"]) == (code == 0, code)
    assert report["findings"] == [one.as_dict() for one in findings]
    assert cli.main(["doctor", "--quiet"]) == code
    out = capsys.readouterr().out
    assert ("does not work here" in out) == (code == 1)


def test_people_read_a_line_for_each_thing_and_what_to_type() -> None:
    assert list(lines([MISSING, BROKEN])) == [
        "K210",
        "  missing  nncase            none",
        "                             to get it: posecore export --target k210 --setup",
        "all together",
        "  broken   default pipeline  no interpreter",
        '                             to mend it: pip install "posecore[app]"',
    ]


def test_this_machine_is_looked_at(capsys: Any) -> None:
    pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
    code = cli.main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    by_name = {one["name"]: one for one in report["findings"]}
    assert by_name["OpenCV"]["status"] == "ok"
    assert re.fullmatch(r"by \w+ [\d.]+.* for .*; (AVX2|portable code) in use.*", by_name["built"]["said"])
    assert code == 0, by_name["default pipeline"]["said"]
    assert "finds nobody" not in by_name["default pipeline"]["said"]
    named = set(re.findall(r"posecore\[([^\]]+)\]", " ".join(one["remedy"] for one in report["findings"])))
    assert named <= set(importlib.metadata.metadata("posecore").get_all("Provides-Extra") or ())
