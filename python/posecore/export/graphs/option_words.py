"""Options of operators as people read them, and the few that say most in one line, whatever the format calls them."""

from __future__ import annotations

from collections.abc import Mapping

from posecore.export.graphs.model_graph import Option

_KERNELS = ("kernel", "kernel_size", "kernel_shape", "pool_size", "ksize")
_STRIDES = ("strides", "stride_h", "stride_w")
_DILATIONS = ("dilations", "dilation_rate", "dilation_h", "dilation_w", "dilation")
_PLAIN = ("padding", "auto_pad", "activation", "pool")
_NAMED = (
    *("axis", "group", "groups", "block_size", "alpha", "scale", "bias", "chip"),
    *("max_detections", "score_threshold", "nms_radius", "stride"),
)
_UNSAID = ("NONE", "linear", "NOTSET", "")


def option_text(value: object) -> str:
    """One value; "" for one that is not there."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        words = any(isinstance(item, str) for item in value)
        return (", " if words else " ").join(option_text(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.7g}"
    return str(value)


def summary_of(options: Mapping[str, Option]) -> str:
    """What tells an operator from others of its kind, such as "3x3 stride 2 SAME RELU6"; "" where nothing does."""
    words = []
    kernel = _sides(options, _KERNELS)
    if kernel:
        words.append("x".join(map(str, kernel if len(kernel) > 1 else kernel * 2)))
    for name, keys in (("stride", _STRIDES), ("dilation", _DILATIONS)):
        sides = sorted(set(_sides(options, keys)))
        if sides and sides != [1]:
            words.append(f"{name} {'x'.join(map(str, sides))}")
    for key in _PLAIN:
        value = options.get(key)
        if isinstance(value, str) and value not in _UNSAID:
            words.append(value)
    words += [
        f"{key} {option_text(options[key])}"
        for key in _NAMED
        if key in options and options[key] not in (1, "") and not isinstance(options[key], bool)
    ]
    return " ".join(words)


def _sides(options: Mapping[str, Option], keys: tuple[str, ...]) -> list[int]:
    """Height and width of a window, out of one number, two, or one for each axis of a picture."""
    found: list[int] = []
    for key in keys:
        value = options.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            found.append(value)
        elif isinstance(value, tuple):
            numbers = [item for item in value if isinstance(item, int)]
            # (1, h, w, 1) or (1, 1, h, w)
            at = 1 if len(numbers) == 4 and numbers[3] == 1 else 2
            found += numbers[at : at + 2] if len(numbers) == 4 else numbers[:2]
    return found
