"""The page of a graph in a browser: no errors, nothing asked of the network; boxes are chosen, found and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation import chromium
from export import tiny_graphs as tiny
from posecore.export.graphs.differences import differences
from posecore.export.graphs.inspected_model import InspectedModel
from posecore.export.graphs.model_file import model_graph
from posecore.export.graphs.purpose import purpose_of
from posecore.inspect_page import page_html
from runtime import tiny_tflite

pytestmark = pytest.mark.skipif(chromium.find() is None, reason="there is no Chromium on this machine")

HOSTILE = "</script><script>window.bad = 1</script><img src=x onerror=alert(1)>\u202egpj"


def model(data: bytes, name: str, size: tuple[int, int] | None = None) -> InspectedModel:
    graph = model_graph(data, name, size=size)
    return InspectedModel(graph, purpose_of(graph))


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    with chromium.Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of one model and of two."""
    folder = tmp_path_factory.mktemp("pages")
    kinds = (tiny_tflite.INT8, tiny_tflite.UINT8)
    first, second = (model(bytes(tiny_tflite.quantised(kind)), f"{kind}.tflite") for kind in kinds)
    long = [
        tiny.keras_layer("InputLayer", "image", [], batch_shape=[None, 64, 48, 3]),
        *(
            tiny.keras_layer(
                "Conv2D", f"conv{k}", [f"conv{k - 1}" if k else "image"], filters=8, kernel_size=[1, 1]
            )
            for k in range(60)
        ),
    ]
    models = {
        "decoder": [model(bytes(tiny_tflite.with_decoder()), "net.tflite")],
        "long": [model(tiny.keras_archive(tiny.keras_config(long, [["conv59", 0, 0]])), "long.keras")],
        "two": [first, second],
    }
    found = {"two": differences(first.graph, second.graph)}
    paths = {}
    for name, listed in models.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_bytes(page_html(listed, found.get(name), version="0"))
    return paths


def is_quiet(browser: chromium.Browser) -> bool:
    return browser.messages == [] and browser.requests == []


def click(browser: chromium.Browser, box: int, graph: int = 0) -> None:
    browser.run(
        f"document.querySelectorAll('.graph')[{graph}].querySelectorAll('.node')[{box}]"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )


def chosen(browser: chromium.Browser, graph: int = 0) -> str:
    return str(browser.run(f"document.querySelectorAll('.chosen')[{graph}].textContent"))


@pytest.mark.parametrize("name", ["decoder", "long", "two"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_quietly_and_fits(
    browser: chromium.Browser, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    browser.open(pages[name], width=width, scheme=scheme)
    assert browser.run("document.documentElement.scrollWidth") == width
    dark = browser.run("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert is_quiet(browser), browser.messages


def test_a_click_tells_what_a_box_is(browser: chromium.Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["decoder"])
    # The picture, three convolutions, the decoder.
    click(browser, 4)
    said = chosen(browser)
    assert said.startswith("PosenetDecoderOp")
    assert "At most 7 people" in said
    assert "max_detections7" in said
    assert browser.run("document.querySelectorAll('.lines path.lit').length") == 7
    browser.run("document.querySelector('.chosen li button').click()")
    assert chosen(browser).startswith("CONV_2D")
    assert is_quiet(browser), browser.messages


def test_the_keyboard_walks_along_the_lines(browser: chromium.Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["decoder"])
    click(browser, 0)
    walk: dict[str, str] = {}
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowUp"):
        browser.run(
            f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))"
        )
        walk[key] = browser.run("document.activeElement.getAttribute('aria-label')")
    assert walk["ArrowRight"].startswith("CONV_2D")
    assert walk["ArrowDown"].startswith("PosenetDecoderOp")
    assert walk["ArrowUp"].startswith("CONV_2D")


def test_search_lights_what_it_finds(browser: chromium.Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["long"])
    browser.run(
        "(() => { const i = document.querySelector('input[type=search]'); i.value = 'CONV4'; "
        "i.dispatchEvent(new Event('input')); })()"
    )
    assert browser.run("document.querySelector('.hits').textContent") == "11 found"
    assert browser.run("document.querySelectorAll('.node.hit').length") == 11
    browser.run(
        "document.querySelector('input[type=search]').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    )
    assert "conv4" in chosen(browser)
    browser.run(
        "document.querySelector('input[type=search]').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    )
    assert "conv40" in chosen(browser)
    inside = """(() => {
      const view = document.querySelector('.view').getBoundingClientRect();
      const box = document.querySelector('.node.on').getBoundingClientRect();
      return box.top >= view.top && box.bottom <= view.bottom;
    })()"""
    assert browser.run(inside)


def test_it_zooms_to_the_whole_and_back(browser: chromium.Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["long"])
    fits = """(() => {
      const view = document.querySelector('.view'), svg = view.querySelector('svg').getBoundingClientRect();
      return svg.width <= view.clientWidth && svg.height <= view.clientHeight;
    })()"""
    assert not browser.run(fits)
    browser.run("document.querySelector('[data-action=whole]').click()")
    assert browser.run(fits)
    width = "document.querySelector('.node rect').getBoundingClientRect().width"
    browser.run("document.querySelector('[data-action=one]').click()")
    assert browser.run(width) == pytest.approx(216, abs=1)
    browser.run("document.querySelector('[data-action=in]').click()")
    assert browser.run(width) > 270


def test_a_row_of_the_table_shows_its_box(browser: chromium.Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["long"])
    browser.run("document.querySelectorAll('[data-show]')[59].click()")
    assert "conv59" in chosen(browser)


def test_two_graphs_follow_each_other(browser: chromium.Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["two"])
    # The one convolution of the first is the second step of the second.
    click(browser, 1, graph=0)
    assert chosen(browser, 0).startswith("CONV_2D")
    assert chosen(browser, 1).startswith("CONV_2D")
    assert browser.run("document.querySelectorAll('.graph')[1].querySelector('.node.on').dataset.node") == "2"
    assert browser.run("document.querySelectorAll('.node.added').length") == 2
    browser.run("document.querySelector('[data-action=next]').click()")
    assert chosen(browser, 1).startswith("QUANTIZE")
    assert is_quiet(browser), browser.messages


def test_hostile_names_are_shown_and_do_nothing(browser: chromium.Browser, tmp_path: Path) -> None:
    nodes = [tiny.onnx_node(HOSTILE, ["x"], [HOSTILE], note=HOSTILE)]
    data = tiny.onnx_model(nodes, {"x": [1, 3, 8, 8]}, [HOSTILE], {})
    path = tmp_path / "page.html"
    both: list[Any] = [model(data, f"{HOSTILE}.onnx"), model(data, "other.onnx")]
    for models, found in ((both[:1], None), (both, differences(both[0].graph, both[1].graph))):
        path.write_bytes(page_html(models, found, version="0"))
        browser.open(path)
        click(browser, 1)
        assert "onerror" in chosen(browser)
        assert browser.run("document.querySelectorAll('img, [onerror]').length") == 0
        assert browser.run("window.bad") is None
        assert is_quiet(browser), browser.messages


def test_the_same_model_gives_the_same_page() -> None:
    found = model(json.dumps(tiny.tfjs_model()).encode(), "model.json")
    assert page_html([found], version="0") == page_html([found], version="0")
