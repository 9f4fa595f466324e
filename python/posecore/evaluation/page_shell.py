"""One HTML file that needs nothing else: styles, scripts and data in it, and a policy that forbids the network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from importlib.resources import files

from posecore.evaluation.markup import Markup, escape, json_block, palette_css, plain, tag


def document(
    title: str,
    body: Iterable[Markup],
    *,
    styles: Iterable[str] = (),
    scripts: Iterable[str] = (),
    data: Mapping[str, object] | None = None,
    alone: bool = False,
) -> bytes:
    """A whole page as UTF-8, the same bytes for the same content.

    Args:
        title: of the page; untrusted.
        body: the elements of the page.
        styles, scripts: names of files in `pages/`.
        alone: False puts the palette, page.css and page.js before these.
        data: element id to a value that JSON can hold; scripts read it with `content(id)`.

    Raises:
        ValueError: `data` holds a number that is not finite.
    """
    first = "" if alone else palette_css()
    css = first + "".join(_asset(name) for name in (*(() if alone else ("page.css",)), *styles))
    script = "".join(_asset(name) for name in (*(() if alone else ("page.js",)), *scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Only this script runs, nothing is fetched, nothing is sent. Styles in attributes place bars.
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    head = (
        tag("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup('<meta name="color-scheme" content="light dark">'),
        Markup('<meta name="referrer" content="no-referrer">'),
        Markup('<link rel="icon" href="data:,">'),
        tag("title", plain(title)),
        Markup(f"<style>\n{css}</style>"),
    )
    blocks = [json_block(name, value) for name, value in (data or {}).items()]
    page = tag(
        "html",
        tag("head", *(("\n", part) for part in head), "\n"),
        "\n",
        tag("body", *((part, "\n") for part in body), *((block, "\n") for block in blocks), _script(script)),
        "\n",
        lang="en",
    )
    return f"<!doctype html>\n{page}\n".encode()


def _script(text: str) -> Markup:
    return Markup(f"<script>{text}</script>")


def _asset(name: str) -> str:
    text = (files("posecore.evaluation") / "pages" / name).read_text(encoding="utf-8")
    # The policy names the script by its bytes as a browser sees them, with plain line ends.
    return text.replace("\r\n", "\n")
