"""Edge TPUs and cameras as Linux shows them, in files below /sys and /dev."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path

Row = tuple[str, str, str, str]

# Vendor and product: before libedgetpu has given a USB accelerator its firmware, and after (Coral's udev rules).
_USB_IDS = (("1a6e", "089a"), ("18d1", "9302"))
_PCI_ID = ("0x1ac1", "0x089a")
_MAY_NOT = "sudo usermod -aG {group} $USER, then log in again"
_MOST_CAMERAS = 64

# linux/videodev2.h: the request for struct v4l2_capability, and where in its 104 bytes things lie.
_VIDIOC_QUERYCAP = 0x80685600
_CAPABILITY_BYTES = 104
_CARD = slice(16, 48)
_CAPABILITIES_AT = 84
_HAS_DEVICE_CAPS, _CAPTURES, _CAPTURES_PLANES = 0x80000000, 0x1, 0x1000


def edge_tpus(root: Path) -> list[Row]:
    """One row for each Edge TPU on USB or PCIe, or one that says that none is there. `root` is / but in tests."""
    if not sys.platform.startswith("linux"):
        return [("Edge TPU", "missing", f"devices are not looked for on {sys.platform}", "")]
    rows: list[Row] = []
    for device in sorted((root / "sys/bus/usb/devices").glob("*")):
        if (_word(device / "idVendor"), _word(device / "idProduct")) in _USB_IDS:
            node = (
                root / "dev/bus/usb" / f"{_number(device / 'busnum'):03}" / f"{_number(device / 'devnum'):03}"
            )
            rows.append(_device(f"on USB, {node}", node, "plugdev"))
    on_pci = [
        device
        for device in sorted((root / "sys/bus/pci/devices").glob("*"))
        if (_word(device / "vendor"), _word(device / "device")) == _PCI_ID
    ]
    nodes = sorted((root / "dev").glob("apex_*"))
    rows += [_device(f"on PCIe, {node}", node, "apex") for node in nodes]
    if len(on_pci) > len(nodes):
        said = f"{len(on_pci) - len(nodes)} on PCIe without the driver (https://coral.ai/software): no /dev/apex_*"
        rows.append(("Edge TPU", "broken", said, "sudo apt-get install gasket-dkms"))
    return rows or [("Edge TPU", "missing", "none on USB or PCIe", "plug one in")]


def cameras(folder: Path) -> list[Row]:
    """One row for each camera with a node in `folder`, which is /dev but in tests; or one that says there is none.

    Nodes that give no pictures (metadata, encoders) are left out. No camera is started.
    """
    if not sys.platform.startswith("linux"):
        return [
            ("cameras", "ok", f"not looked for on {sys.platform}: posecore predict 0 tries the first", "")
        ]
    nodes = [node for node in folder.glob("video*") if node.name.removeprefix("video").isdecimal()]
    nodes.sort(key=lambda node: int(node.name.removeprefix("video")))
    rows = [row for node in nodes[:_MOST_CAMERAS] if (row := _camera(node)) is not None]
    return rows or [("cameras", "missing", f"none ({folder}/video*)", "plug one in")]


def _camera(node: Path) -> Row | None:
    number = node.name.removeprefix("video")
    name = f"camera {number}"
    if not os.access(node, os.R_OK | os.W_OK):
        return name, "broken", f"{node} may not be opened by this user", _MAY_NOT.format(group="video")
    import fcntl

    answer = bytearray(_CAPABILITY_BYTES)
    try:
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(descriptor, _VIDIOC_QUERYCAP, answer)
        finally:
            os.close(descriptor)
    except OSError as error:
        return name, "broken", f"{node} does not answer ({error.strerror})", "unplug it and plug it in again"
    able, of_node = struct.unpack_from("<II", answer, _CAPABILITIES_AT)
    if not (of_node if able & _HAS_DEVICE_CAPS else able) & (_CAPTURES | _CAPTURES_PLANES):
        return None
    card = bytes(answer[_CARD]).partition(b"\0")[0].decode("utf-8", "replace")
    return name, "ok", f"{card}, {node}: posecore predict {number}", ""


def _device(said: str, node: Path, group: str) -> Row:
    if os.access(node, os.R_OK | os.W_OK):
        return "Edge TPU", "ok", said, ""
    return "Edge TPU", "broken", f"{said}, which this user may not open", _MAY_NOT.format(group=group)


def _word(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii", errors="replace").strip().lower()
    return ""


def _number(path: Path) -> int:
    word = _word(path)
    return int(word) if word.isdecimal() else 0
