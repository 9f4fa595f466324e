"""`posecore export` without TensorFlow: networks, exporters and a verification that do as they are told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from posecore import COCO17, export_command, export_needs, export_targets, export_verification
from posecore.artifact import Artifact, Calibration, HeadSpec, InputSpec, sha256_of
from posecore.export_targets import Made
from posecore.heads import Quantization
from posecore.keras_source import KerasSource

NAMES = [
    "net_257x257_float32.tflite",
    "net_257x257_float32.tflite.json",
    "net_257x257_float32.tflite.verify.json",
    "net_257x257_float32.tflite.verify.png",
]
"""What an export of the network of `FakeExport` writes, without options."""


@dataclass
class FakeVerification:
    """What `verify` gives."""

    ok: bool = True
    worst_head: str | None = None
    verdict: str = "good: nothing moves"

    def table(self) -> str:
        return f"people 1\n{self.verdict}"

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, "verdict": self.verdict, "worst_head": self.worst_head}


class FakeExport:
    """Stands in for `open_source`, the exporters and `verify`; keeps what they were called with."""

    def __init__(self, monkeypatch: Any) -> None:
        self.monkeypatch = monkeypatch
        self.source = KerasSource(object(), COCO17, "net", "a network", (257, 257), (Path("net.keras"),))
        self.verification = FakeVerification()
        self.skeleton = COCO17  # of the description
        self.opened: dict[str, Any] = {}
        self.made: dict[str, Any] = {}
        self.verified: dict[str, Any] = {}
        self.during: Callable[[Path], None] = lambda path: None
        self.while_verifying: Callable[[Path], None] = lambda path: None
        monkeypatch.setattr(export_command, "look_at_source", lambda path: self.source)
        monkeypatch.setattr(export_command, "want_source", lambda path: None)
        monkeypatch.setattr(export_command, "open_source", self._open)
        for name in ("look_for_packages", "look_for_compiler"):
            monkeypatch.setattr(export_needs, name, lambda target: None)
        for target in export_targets.TARGETS:
            monkeypatch.setitem(export_targets._MAKERS, target, self._maker(target))
        monkeypatch.setattr(export_targets, "_refuse_dynamic", lambda target, source: None)
        monkeypatch.setattr(export_verification, "reference", lambda plan, source: source.model)
        fake: Any = SimpleNamespace(verify=self._verify)
        monkeypatch.setitem(sys.modules, "posecore.export.comparison", fake)
        fake = SimpleNamespace(verification_picture=lambda found: found, as_png=lambda picture: b"a picture")
        monkeypatch.setitem(sys.modules, "posecore.export_picture", fake)

    def _open(self, path: Any, **options: Any) -> KerasSource:
        self.opened = {"path": path, **options}
        return self.source

    def _maker(self, target: Any) -> Any:
        def make(source: KerasSource, path: Path, options: dict[str, Any]) -> Made:
            self.made = {"target": target, "path": path, **options}
            path.write_bytes(b"the model")
            artifact = artifact_of(path, target, {**options, "skeleton": self.skeleton})
            artifact.save(path)
            self.during(path)
            return Made(artifact, (f"made {path}",) if target == "coral" else ())

        return make

    def _verify(self, model: Any, path: Path, **options: Any) -> FakeVerification:
        self.verified = {"path": path, **options}
        self.while_verifying(path)
        return self.verification


def artifact_of(path: Path, target: Any, options: dict[str, Any]) -> Artifact:
    """Of a regressor: the smallest that there is."""
    integer = target in ("coral", "k210") or options.get("quantize") in ("int8", "uint8")
    head = HeadSpec("keypoints", "keypoints", (1, 17, 2), "float32", "NHWC", "fraction")
    if integer:
        head = HeadSpec(
            "keypoints", "keypoints", (1, 17, 2), "uint8", "NHWC", "fraction", Quantization(1 / 256, 3)
        )
    return Artifact(
        path.name,
        sha256_of(path),
        target,
        "uint8" if integer else "float32",
        "coordinates",
        options["skeleton"],
        InputSpec("image", options["size"], "NHWC", "float32"),
        (head,),
        0.0,
        "probabilities",
        calibration=Calibration(1, "0" * 64) if integer else None,
    )
