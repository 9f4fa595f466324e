"""Text from files and names on its way to a terminal."""

from __future__ import annotations


def printable(value: object) -> str:
    """`value` as one line in which nothing steers a terminal or turns the text around it.

    Control characters, line ends, marks of direction and lone surrogates become question marks.
    """
    return "".join(c if c.isprintable() else "?" for c in str(value))


def printable_lines(value: object) -> str:
    """`printable` for each line of a text; only line feeds end a line."""
    return "\n".join(map(printable, str(value).split("\n")))
