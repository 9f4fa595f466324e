"""Streams from network addresses: a file served over HTTP, and a camera's Motion JPEG."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import red_centre, red_square
from moving_people import our_threads

import posecore as pc
from posecore import video
from posecore.errors import SourceError


def nobody(frame: np.ndarray) -> pc.Poses:
    return pc.Poses.empty(pc.COCO17)


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Camera(BaseHTTPRequestHandler):
    """A network camera: one picture after the other, for ever, or until a client has gone."""

    pictures: tuple[bytes, ...] = ()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        try:
            while True:
                for picture in self.pictures:
                    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                    self.wfile.write(head.encode() + picture + b"\r\n")
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Any]:
    servers = []

    def start(handler: Any) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_file_behind_an_address_is_a_file_and_queues(make_video: Any, serve: Any) -> None:
    path = make_video(frames=20, fps=12.5)
    stream = pc.stream(serve(partial(Files, directory=str(path.parent))) + "/clip.mp4", nobody)
    assert not stream.live
    found = list(stream)
    assert [poses.time_s for _, poses in found] == pytest.approx([n / 12.5 for n in range(20)])
    assert red_centre(found[7][0]) == pytest.approx((10 + 4 * 7 + 9.5, 49.5), abs=2)
    assert stream.dropped == 0


def test_a_network_camera_is_live_and_ends_when_it_is_closed(serve: Any, cv2: Any, monkeypatch: Any) -> None:
    class Shows(Camera):
        pictures = tuple(
            cv2.imencode(".jpg", red_square(160, 120, x, 40)[:, :, ::-1])[1].tobytes() for x in (20, 100)
        )

    # Its frames have no times of their own, and come when this clock says.
    monkeypatch.setattr(video, "monotonic", partial(next, count(7.0, 0.25)))
    with pc.stream(serve(Shows), nobody) as stream:
        assert stream.live
        found = [(stream.index, *pair) for pair in islice(stream, 5)]
    assert our_threads() == []
    for _, frame, _ in found:
        assert red_centre(frame) in (pytest.approx((29.5, 49.5), abs=1), pytest.approx((109.5, 49.5), abs=1))
    assert [poses.time_s for _, _, poses in found] == [index / 4 for index, _, _ in found]


@pytest.mark.usefixtures("cv2")
def test_an_address_that_does_not_answer_is_said_without_its_password(serve: Any, tmp_path: Path) -> None:
    address = serve(partial(Files, directory=str(tmp_path)))
    with pytest.raises(SourceError) as error:
        pc.stream(address.replace("//", "//me:secret@") + "/clip.mp4?x=1", nobody)
    assert (
        str(error.value) == f"{address}/clip.mp4?x=1: wanted a video, got no answer, or one that is not one"
    )
