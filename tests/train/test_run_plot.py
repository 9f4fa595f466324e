"""The curves of a run."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from posecore.train.run_plot import plot

SVG = "{http://www.w3.org/2000/svg}"


def rows(*names: str) -> list[dict[str, Any]]:
    """Four epochs; evaluations in every second one, as `validate_every` has it."""
    found: list[dict[str, Any]] = []
    for epoch in range(1, 5):
        row: dict[str, Any] = {"epoch": epoch, "step": 10 * epoch, "loss": 2.0 / epoch}
        row |= {name: 0.1 * epoch + 0.01 * n if epoch % 2 == 0 else None for n, name in enumerate(names)}
        found.append(row)
    return found


def curves(svg: str) -> dict[str, ET.Element]:
    groups = [one for one in ET.fromstring(svg).iter(f"{SVG}g") if one.find(f"{SVG}title") is not None]
    return {one.findtext(f"{SVG}title", ""): one for one in groups}


def test_each_number_is_a_curve_with_its_last_value() -> None:
    found = curves(plot(rows("AP", "PCK", "AP_2")))
    assert set(found) == {"loss 0.5", "AP 0.4", "PCK 0.41", "AP 2 0.42"}
    assert len(found["loss 0.5"].findall(f"{SVG}circle")) == 4
    assert len(found["AP 0.4"].findall(f"{SVG}circle")) == 2


def test_the_second_set_is_dashed_in_the_colour_of_the_first() -> None:
    found = curves(plot(rows("AP", "AP_2")))
    first, second = found["AP 0.4"], found["AP 2 0.41"]
    assert first.get("class") == second.get("class")
    path = second.find(f"{SVG}path")
    assert path is not None
    assert path.get("class") == "curve dashed"


def test_a_falling_loss_falls_in_the_picture() -> None:
    path = curves(plot(rows()))["loss 0.5"].find(f"{SVG}path")
    assert path is not None
    heights = [float(pair.split()[1]) for pair in path.get("d", "")[1:].split("L")]
    assert heights == sorted(heights)
    assert len(heights) == 4


def test_a_run_of_one_epoch_and_no_run_at_all_are_drawn() -> None:
    assert len(curves(plot(rows("AP")[:1]))) == 1
    assert curves(plot([])) == {}
