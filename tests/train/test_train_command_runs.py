"""`posecore train` for real: runs, stops, goes on, checks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore import cli
from posecore.train.config import NetworkConfig, RunConfig
from train.dotted_people import small_config

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


def written(folder: Path, **sections: Any) -> Path:
    path = folder / "run.toml"
    path.write_text(small_config(folder, **sections).toml(), encoding="utf-8")
    return path


def posecore(capsys: Any, *words: Any) -> tuple[int, str, str]:
    code = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def test_a_run_prints_its_numbers_and_does_not_overwrite_another(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, run=RunConfig(tmp_path / "run", steps=6, epoch_steps=3, metric="PCK"))
    code, out, err = posecore(capsys, "train", path, "--json")
    assert code == 0
    result = json.loads(out)
    assert [row["step"] for row in result["rows"]] == [3, 6]
    assert "epoch 2 of 2: loss" in err
    changed = path.read_text().replace("learning_rate = 0.003", "learning_rate = 0.004")
    path.write_text(changed, encoding="utf-8")
    code, out, err = posecore(capsys, "train", path)
    assert (code, out) == (1, "")
    assert "optimizer.learning_rate 0.003, not 0.004" in err
    assert posecore(capsys, "train", path, "--force", "--quiet") == (0, "", "")


def test_ctrl_c_leaves_a_checkpoint_from_which_it_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path, run=RunConfig(tmp_path / "run", steps=3000, epoch_steps=3, metric="PCK"))
    command = [sys.executable, "-m", "posecore", "train", str(path), "--json"]
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        while not (tmp_path / "run" / "last.npz").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert json.loads(out)["interrupted"] is True
    assert "interrupted; the same command goes on" in err
    assert "Traceback" not in err
    with np.load(tmp_path / "run" / "last.npz") as archive:
        assert json.loads(str(archive["state"]))["run"]["epochs_done"] >= 1
    assert not list((tmp_path / "run").glob(".*"))


def test_a_check_writes_what_it_saw_and_trains_nothing(tmp_path: Path, capsys: Any) -> None:
    path = written(tmp_path, network=NetworkConfig("four_conv", {"width": 0.125, "dropout": 0.0}))
    code, out, err = posecore(capsys, "train", path, "--check", "--check-steps", 3, "--json")
    assert code == 1, "three steps are too few to learn by heart"
    result = json.loads(out)
    assert result["exit_code"] == 1
    assert [one["name"] for one in result["findings"] if not one["good"]] == ["by heart", "decoded"]
    assert "LOOK by heart: 11 pictures, 3 steps" in err
    folder = tmp_path / "run" / "check"
    names = ["batch.png", "check.json", "check.txt", "decoded.png", "layers.png", "loss.png"]
    assert sorted(one.name for one in folder.iterdir()) == names
    assert not (tmp_path / "run" / "last.npz").exists()
