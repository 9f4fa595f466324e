"""Two workers learn what one device learns, picture for picture."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posecore.errors import ModelError
from posecore.train.checkpoints import read_state
from posecore.train.config import NetworkConfig, TrainConfig
from posecore.train.distribution import least_in_common
from posecore.train.fitting import fit
from train.dotted_people import small_config

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')

COLUMNS = ("step", "loss", "PCK")


def losses(folder: Path) -> np.ndarray:
    rows = csv.DictReader((folder / "log.csv").read_text().splitlines())
    return np.array([[float(row[name]) for name in COLUMNS] for row in rows])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    # Without dropout, whose chance each replica has for itself.
    return small_config(tmp_path, network=NetworkConfig("four_conv", {"width": 0.125, "dropout": 0.0}))


def run_two_workers(path: Path) -> None:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    workers = []
    for number in range(2):
        task = {"cluster": cluster, "task": {"type": "worker", "index": number}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(task), "TF_NUM_INTRAOP_THREADS": "1"}
        command = [sys.executable, "-m", "posecore", "train", str(path), "--debug"]
        workers.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    try:
        # Workers that wait for each other in vain would wait for ever.
        said = [worker.communicate(timeout=400)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], said[0][-2000:] + said[1][-2000:]


def test_two_workers_have_the_loss_of_one_device(config: TrainConfig, tmp_path: Path) -> None:
    fit(config)
    both = replace(config, run=replace(config.run, out=tmp_path / "both", devices="workers"))
    path = tmp_path / "workers.toml"
    path.write_text(both.toml(), encoding="utf-8")
    folders = (tmp_path / "both", tmp_path / "both" / "worker1")
    run_two_workers(path)
    alone, first, second = (losses(folder) for folder in (config.run.out, *folders))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, alone, rtol=1e-4)
    assert alone[0, 1] > 1.2 * alone[-1, 1], "something is learnt"

    # A kill between the two writes: the second worker has not written its last checkpoint.
    (folders[1] / "before.npz").replace(folders[1] / "last.npz")
    (folders[1] / "final.npz").unlink()
    run_two_workers(path)
    for folder in folders:
        np.testing.assert_allclose(losses(folder), first, rtol=1e-6)
        assert read_state(folder / "last.npz")["run"]["epochs_done"] == config.run.epochs
        assert (folder / "final.npz").is_file()


def test_workers_go_on_from_the_last_epoch_that_all_have() -> None:
    assert least_in_common([[4, 3], [3, 2], [4, 3]]) == 3
    assert least_in_common([[4, 3], [4, 3]]) == 4
    assert least_in_common([[1, 0], [0, 0]]) == 0
    with pytest.raises(ModelError, match=r"wanted workers .* one epoch apart, got epochs 5, 0; begin anew"):
        least_in_common([[5, 4], [0, 0]])


def test_a_machine_with_one_device_mirrors_it(config: TrainConfig, tmp_path: Path) -> None:
    fit(config)
    mirrored = replace(config, run=replace(config.run, out=tmp_path / "mirrored", devices="mirrored"))
    fit(mirrored)
    np.testing.assert_allclose(losses(tmp_path / "mirrored"), losses(config.run.out), rtol=1e-4)
