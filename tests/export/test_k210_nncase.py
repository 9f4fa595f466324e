"""nncase in a child process: what posecore says when it hangs, crashes, refuses, or gives something else."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from kmodel_bytes import kmodel

from posecore.errors import ModelError
from posecore.export.k210_nncase import Nncase, NncaseError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake interpreters are shell scripts")

PICTURES = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)


def interpreter(folder: Path, script: str) -> str:
    """An interpreter that runs this script in place of the worker; "$3" is the worker's folder."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def python_script(folder: Path, code: str) -> str:
    """The same in Python."""
    (folder / "worker.py").write_text(
        f"import json, os, sys\nimport numpy as np\nos.chdir(sys.argv[3])\n{code}\n"
    )
    return interpreter(folder, f'exec "{sys.executable}" "{folder / "worker.py"}" "$@"')


def test_one_that_hangs_is_ended_with_all_its_children_and_its_last_words_are_told(tmp_path: Path) -> None:
    python = interpreter(
        tmp_path, "echo Importing graph; echo $$ > '" + str(tmp_path / "pid") + "'; sleep 600 & wait"
    )
    with pytest.raises(
        NncaseError, match=r"had not ended after 3 s and was ended; .*Importing graph"
    ) as error:
        Nncase.probe(python, timeout_s=3)
    assert error.value.log == "Importing graph\n"
    group = (tmp_path / "pid").read_text().strip()
    running = [path for path in Path("/proc").glob("[0-9]*/stat") if _group_of(path) == group]
    assert running == []


def _group_of(stat_file: Path) -> str | None:
    """The process group in /proc/PID/stat, of a process that is no zombie."""
    try:
        state, _, group = stat_file.read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return None if state == "Z" else group


def test_one_that_crashes_says_how_and_what_it_printed_last(tmp_path: Path) -> None:
    python = interpreter(tmp_path, "echo one; echo 'terminate called' >&2; kill -SEGV $$")
    with pytest.raises(
        NncaseError, match=r"it crashed \(SIGSEGV\); the last that it printed: one \| terminate called"
    ):
        Nncase.probe(python)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exit 0", "it ended with status 0 and without an answer; it printed nothing"),
        ("exit 3", "it ended with status 3 and without an answer; it printed nothing"),
        ('echo \'{"nncase"\' > "$3/answer.json"', "without an answer"),
        ("echo '[1]' > \"$3/answer.json\"", "without an answer"),
        (
            'echo \'{"error": "ImportError: no nncase"}\' > "$3/answer.json"',
            "it refuses: ImportError: no nncase",
        ),
    ],
)
def test_one_that_gives_no_answer_is_a_sentence(tmp_path: Path, script: str, sentence: str) -> None:
    with pytest.raises(NncaseError) as error:
        Nncase.probe(interpreter(tmp_path, script))
    assert sentence in str(error.value)


def test_one_that_is_no_program_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(b"\x7fELF nothing")
    with pytest.raises(NncaseError, match="does not start"):
        Nncase.probe(tmp_path / "python")


def test_the_worker_itself_says_that_an_interpreter_has_no_nncase() -> None:
    with pytest.raises(NncaseError, match="ModuleNotFoundError: No module named 'nncase'"):
        Nncase.probe(sys.executable)


def test_pictures_go_in_as_planes_and_outputs_come_out(tmp_path: Path) -> None:
    code = """
pictures = np.load("pictures.npy")
assert json.load(open("request.json")) == {"do": "simulate", "outputs": 1}
np.save("output_0.npy", np.broadcast_to(pictures.sum(axis=(1, 2, 3)).astype("f")[:, None, None, None], (2, 17, 4, 4)))
json.dump({"nncase": "1.9"}, open("answer.json", "w"))
"""
    nncase = Nncase(python_script(tmp_path, code), "1.9.0.20230322", "3.10.0")
    (heatmaps,) = nncase.simulate(kmodel(), PICTURES)
    assert heatmaps.shape == (2, 17, 4, 4)
    np.testing.assert_array_equal(heatmaps[:, 0, 0, 0], PICTURES.sum(axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("", "wanted output_0.npy of nncase, which ended well without it"),
        (
            'np.save("output_0.npy", np.zeros((2, 17, 4, 5), "f"))',
            "wanted outputs [(2, 17, 4, 4)] of the simulator",
        ),
        ('open("output_0.npy", "w").write("x")', "output_0.npy of nncase cannot be read"),
        (
            'np.save("output_0.npy", np.array([{}], dtype=object), allow_pickle=True)',
            "output_0.npy of nncase cannot be read",
        ),
    ],
)
def test_a_simulator_that_gives_something_else_is_a_sentence(
    tmp_path: Path, code: str, sentence: str
) -> None:
    python = python_script(tmp_path, f'{code}\njson.dump({{"nncase": "1.9"}}, open("answer.json", "w"))')
    with pytest.raises(NncaseError) as error:
        Nncase(python, "1.9.0", "3.10").simulate(kmodel(), PICTURES, name="pose")
    assert sentence in str(error.value)


def test_a_file_of_another_release_is_not_given_to_the_simulator() -> None:
    old = Nncase("/none", "1.5.0.20220331", "3.8.0")
    with pytest.raises(
        ModelError, match=r"a \.kmodel that nncase 1\.5\.0\.20220331 runs, got one for 1\.6, 1\.7"
    ):
        old.simulate(kmodel(), PICTURES)


def test_a_model_with_quantised_input_is_not_given_to_the_compiler(shared: Path) -> None:
    data = (shared / "data/models/coral/posenet_mobilenet_v1_075_353_481_quant.tflite").read_bytes()
    with pytest.raises(
        ModelError, match="one input of float32, since nncase crashes on quantised ones, got uint8"
    ):
        Nncase("/none", "1.9.0", "3.10").compile(data, np.zeros((1, 353, 481, 3), np.uint8))


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        (PICTURES.astype(np.float32), "pictures: wanted a uint8 array (n, 8, 8, 3), got float32"),
        (PICTURES[:, :, :7], "pictures: wanted shape (n, 8, 8, 3), got (2, 8, 7, 3)"),
        (PICTURES[:0], "pictures: wanted shape (n, 8, 8, 3), got (0, 8, 8, 3)"),
        ([1], "pictures: wanted a uint8 array (n, 8, 8, 3), got list"),
    ],
)
def test_pictures_that_nncase_would_read_past_are_a_sentence(pictures: np.ndarray, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        Nncase("/none", "1.9.0", "3.10").simulate(kmodel(), pictures)
    assert str(error.value) == sentence
