"""The options of TFLite's own operators by name, as TensorFlow's `schema.fbs` numbers them."""

from __future__ import annotations

import struct

from posecore.runtime.flatbuffer import Damaged
from posecore.runtime.tflite_operators import DTYPES, Operator

_PADDING = ("SAME", "VALID")
_ACTIVATION = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
_MIRROR = ("REFLECT", "SYMMETRIC")
_CODES = {"padding": _PADDING, "activation": _ACTIVATION, "mode": _MIRROR, "type": DTYPES}

# Type of the union BuiltinOptions: its fields as NAME:KIND, or NAME:KIND=DEFAULT. i an int, b a truth value, f a float,
# I a list of ints, the others codes of one byte; "-" is a field that nobody uses.
_TABLES = {
    1: "padding:padding stride_w:i stride_h:i activation:activation dilation_w:i=1 dilation_h:i=1",
    2: "padding:padding stride_w:i stride_h:i depth_multiplier:i activation:activation dilation_w:i=1 dilation_h:i=1",
    5: "padding:padding stride_w:i stride_h:i filter_width:i filter_height:i activation:activation",
    8: "activation:activation - keep_num_dims:b asymmetric_quantize_inputs:b",
    9: "beta:f",
    10: "axis:i activation:activation",
    11: "activation:activation",
    12: "activation:activation",
    15: "- - align_corners:b half_pixel_centers:b",
    17: "new_shape:I",
    19: "block_size:i",
    21: "activation:activation",
    23: "axis:i batch_dims:i",
    27: "keep_dims:b",
    28: "activation:activation",
    29: "activation:activation",
    30: "squeeze_dims:I",
    32: "begin_mask:i end_mask:i ellipsis_mask:i new_axis_mask:i shrink_axis_mask:i",
    35: "num_splits:i",
    37: "in_data_type:type out_data_type:type",
    40: "output_type:type",
    49: "padding:padding stride_w:i stride_h:i activation:activation",
    59: "values_count:i axis:i",
    64: "num:i axis:i",
    74: "align_corners:b half_pixel_centers:b",
    75: "alpha:f",
    77: "mode:mode",
    94: "block_size:i",
    101: "adj_x:b adj_y:b",
}
_UNSAID = {"activation": "NONE", "dilation_w": 1, "dilation_h": 1}


def options_of(operator: Operator) -> dict[str, object]:
    """Options by name; those that say nothing (no activation, a dilation of 1) are left out."""
    table = operator.options
    fields = _TABLES.get(operator.options_type, "")
    found: dict[str, object] = {}
    if table is None:
        return found
    for number, entry in enumerate(fields.split()):
        if entry == "-":
            continue
        name, _, kind = entry.partition(":")
        kind, _, default = kind.partition("=")
        value: object
        try:
            if kind == "i":
                value = table.integer(number, "i", int(default or 0))
            elif kind == "b":
                value = bool(table.integer(number, "B"))
            elif kind == "f":
                at = table.where(number)
                value = 0.0 if at is None else float(struct.unpack_from("<f", table.buffer.data, at)[0])
            elif kind == "I":
                value = table.numbers(number, "i") or ()
            else:
                code = table.integer(number, "b")
                words = _CODES[kind]
                value = words[code] if 0 <= code < len(words) else f"code {code}"
        except Damaged:
            value = "damaged"
        if value is not False and value != () and _UNSAID.get(name) != value:
            found[name] = value
    return found
