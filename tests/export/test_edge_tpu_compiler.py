"""Running Google's compiler, whose place small programs take here: what it says is read, and it is ended if need be."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from coral_files import WORKING, fake_compiler, heads_model
from hypothesis import given
from hypothesis import strategies as st

from posecore.errors import ModelError
from posecore.export.edge_tpu_compiler import (
    CompilerError,
    MappedOperators,
    command_line,
    compile_for_edge_tpu,
    find_compiler,
    read_log,
)
from posecore.runtime.tflite_file import TfliteFile
from runtime.tiny_tflite import UINT8, quantised

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the compiler is for Linux")
MODEL = bytes(quantised(UINT8))


def test_the_compiled_model_and_the_log_come_back(tmp_path: Path) -> None:
    data, log = compile_for_edge_tpu(MODEL, program=fake_compiler(tmp_path, WORKING))
    assert TfliteFile.read(data).needs_edge_tpu
    assert log.version == "16.0.384591198"
    assert (log.on_chip_used_bytes, log.on_chip_left_bytes, log.streamed_bytes) == (619008, 6553600, 0)
    assert (log.subgraphs, log.operators) == (1, 34)
    assert log.table[0] == MappedOperators("CONV_2D", 17, "Mapped to Edge TPU")
    assert [row.on_tpu for row in log.table] == [True, True, True, False]
    assert (log.on_cpu, "text" in log.as_dict()) == (1, False)
    assert "Compilation succeeded!" in log.text


def test_it_works_in_a_folder_of_its_own_that_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    lines = f"import os, pathlib\npathlib.Path({str(tmp_path / 'was')!r}).write_text(os.getcwd())"
    compile_for_edge_tpu(MODEL, program=fake_compiler(tmp_path, f"{lines}\n{WORKING}"))
    assert list(elsewhere.iterdir()) == []
    was = Path((tmp_path / "was").read_text())
    assert was != elsewhere
    assert not was.exists()


def has_ended(stat: Path) -> bool:
    """Whether a process is gone, or a zombie that whoever adopted it has not taken note of yet."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_compiler_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    program = tmp_path / "edgetpu_compiler"
    program.write_text(
        f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path / 'child'}\necho Started a compilation.\nwait\n"
    )
    program.chmod(0o755)
    with pytest.raises(
        CompilerError, match=r"did not end in 5 seconds and was ended; its last lines: Started a"
    ) as caught:
        compile_for_edge_tpu(MODEL, program=program, timeout_s=5)
    assert caught.value.log == "Started a compilation.\n"
    stat = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    for _ in range(200):  # a killed process is there until the kernel has time for its end
        if has_ended(stat):
            break
        time.sleep(0.05)
    assert has_ended(stat)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            "print('Internal compiler error. Aborting!'); sys.exit(1)",
            r"edgetpu_compiler failed with status 1; its last lines: Internal compiler error\. Aborting!$",
        ),
        ("import os; os.kill(os.getpid(), 11)", "crashed with signal 11; it printed nothing"),
        ("print('done')", r"wrote no model_edgetpu\.tflite; its last lines: done"),
        (
            "open('model_edgetpu.tflite', 'wb').write(b'x' * 100)",
            "wrote a file that cannot be used: .* is not a TFLite model",
        ),
        (
            "[print('line', i) for i in range(20)]; sys.exit(3)",
            r"last lines: line 15 \| line 16 \| line 17 \| line 18 \| line 19$",
        ),
        ("print('red \\x1b[31m'); sys.exit(1)", r"last lines: red \?\[31m$"),
    ],
)
def test_what_goes_wrong_is_said_with_the_compilers_last_lines(
    tmp_path: Path, body: str, sentence: str
) -> None:
    with pytest.raises(CompilerError, match=sentence):
        compile_for_edge_tpu(MODEL, program=fake_compiler(tmp_path, body))


def test_a_flood_of_words_is_kept_only_to_its_end(tmp_path: Path) -> None:
    body = "sys.stdout.write('a' * (3 << 20)); print('the end'); sys.exit(1)"
    with pytest.raises(CompilerError, match="last lines: aaa") as caught:
        compile_for_edge_tpu(MODEL, program=fake_compiler(tmp_path, body))
    assert len(caught.value.log) == 1 << 20
    assert caught.value.log.endswith("the end\n")
    assert len(str(caught.value)) < 600


def test_a_compiler_that_maps_nothing_is_refused(tmp_path: Path) -> None:
    body = (
        "import shutil; shutil.copy('model.tflite', 'model_edgetpu.tflite')\n"
        "print('Number of Edge TPU subgraphs: 0')"
    )
    with pytest.raises(
        ModelError, match="mapped no operator to the Edge TPU; its last lines: Number of Edge TPU"
    ):
        compile_for_edge_tpu(MODEL, program=fake_compiler(tmp_path, body))


def test_the_compiler_is_looked_for_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() is None
    path = fake_compiler(tmp_path, "")
    assert find_compiler() == str(path)
    monkeypatch.setenv("PATH", os.defpath)
    assert find_compiler(path) == str(path)
    with pytest.raises(ValueError, match="compiler: wanted a program, got nowhere/edgetpu_compiler"):
        find_compiler("nowhere/edgetpu_compiler")


def test_the_command_shows_the_operators() -> None:
    assert command_line("pose.tflite") == ["edgetpu_compiler", "-s", "-o", ".", "pose.tflite"]


def test_older_compilers_say_other_things() -> None:
    log = read_log(
        "Edge TPU Compiler version 2.0.291256449\nOn-chip memory available for caching model parameters: 5.95MiB\n"
        "On-chip memory used for caching model parameters: 891.50KiB\n"
    )
    assert (log.version, log.on_chip_used_bytes, log.on_chip_left_bytes) == ("2.0.291256449", 912896, None)
    assert (log.table, log.subgraphs) == ((), None)


@given(st.text() | st.text(alphabet="0123456789.KMGiB: \nOperatrCunStus"))
def test_no_words_of_a_compiler_are_too_strange(text: str) -> None:
    prefix = "On-chip memory used for caching model parameters: "
    for said in (text, prefix + text, "Operator  Count  Status\n\n" + text):
        log = read_log(said)
        assert log.text == said
        assert all(row.count >= 0 for row in log.table)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), 1e9])
def test_limits_that_are_none_are_refused(tmp_path: Path, limit: float) -> None:
    with pytest.raises(ValueError, match=r"timeout_s: wanted a number from 0\.1 to 86400"):
        compile_for_edge_tpu(MODEL, program=tmp_path / "never started", timeout_s=limit)


def test_the_stand_in_needs_codes() -> None:
    # So that a float model in these tests cannot pass for a compiled one.
    assert TfliteFile.read(bytes(heads_model())).outputs[0].quantization is None
