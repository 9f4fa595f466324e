"""Streams that end badly, and files that are not JSON but could be."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from made_people import annotations, person

from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_truths


def test_a_stream_that_fails_is_no_traceback() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> Any:
            raise OSError("the cable is out")

    class Wrong:
        def read(self, size: int) -> Any:
            return 3

    closed = io.BytesIO(b"{}")
    closed.close()
    for stream, words in ((Broken(), "the cable is out"), (Wrong(), "got int"), (closed, "closed file")):
        with pytest.raises(SourceError, match=f"^stream: .*{words}"):
            read_truths(stream)


def test_gzip_is_named_and_a_stream_of_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "truth.json.gz"
    path.write_bytes(gzip.compress(json.dumps(annotations(person(1))).encode()))
    for truth in (path, path.read_bytes(), path.open("rb")):
        with pytest.raises(SourceError, match=r": wanted JSON, got gzip; gzip\.open\(path\) gives a stream"):
            read_truths(truth)
        if isinstance(truth, io.BufferedReader):
            truth.close()
    with gzip.open(path) as stream:
        assert len(read_truths(stream)) == 1
    path.write_bytes(path.read_bytes()[:40])
    with (
        gzip.open(path) as stream,
        pytest.raises(SourceError, match=r"^stream: cannot be read \(Compressed file"),
    ):
        read_truths(stream)
