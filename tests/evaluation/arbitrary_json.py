"""Any JSON, any spelling of it, and files that are nearly COCO's."""

from __future__ import annotations

import json
import math
import struct

from hypothesis import strategies as st

KEYS = (
    *("id", "image_id", "category_id", "iscrowd", "num_keypoints", "area", "bbox", "score", "keypoints"),
    *(
        "images",
        "annotations",
        "categories",
        "width",
        "height",
        "file_name",
        "crowdIndex",
        "name",
        "info",
        "",
    ),
)
SPACES = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n "])


def spellings(value: float) -> st.SearchStrategy[str]:
    """Ways to write a finite double that all mean it."""
    exact = f"{value:.1074f}".rstrip("0") + "0" if abs(value) < 1e15 else repr(value)
    mantissa, _, exponent = f"{value:.17e}".partition("e")
    forms = [repr(value), f"{value:.17g}", f"{value:.25e}", f"{mantissa}E{exponent}", exact]
    return st.sampled_from([form for form in forms if float(form) == value])


DOUBLES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-2000, 2000).map(lambda value: round(value, 3)),
    st.floats(-2000, 2000, width=32),
    st.integers(0, 2**64 - 1)
    .map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0])
    .filter(math.isfinite),
)
NUMBERS = st.one_of(
    st.integers(-3, 3).map(str),
    st.integers().map(str),
    st.sampled_from(
        ["1.0", "2.00", "1e0", "10e-1", "-0", "0.0e5", "9223372036854775807.0", "9223372036854775808"]
    ),
    st.sampled_from(
        ["NaN", "Infinity", "-Infinity", "1e400", "-1e-400", "1.5", "256", "254.99999999999999999999"]
    ),
    DOUBLES.flatmap(spellings),
)
TEXTS = st.one_of(
    st.text(max_size=6).map(json.dumps),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(['"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00\\ud83dx"', '"\\/\\u0000"']),
)


def spelled(key: str) -> st.SearchStrategy[str]:
    escaped = '"' + "".join(f"\\u{ord(letter):04x}" for letter in key) + '"'
    return st.sampled_from([json.dumps(key)] * 9 + [escaped])


def listed(values: st.SearchStrategy[str], **sizes: int) -> st.SearchStrategy[str]:
    return st.tuples(SPACES, st.lists(values, **sizes)).map(
        lambda parts: f"[{parts[0]}{(parts[0] + ',').join(parts[1])}{parts[0]}]"
    )


def members(pairs: st.SearchStrategy[list[tuple[str, str]]]) -> st.SearchStrategy[str]:
    return st.tuples(SPACES, pairs).map(
        lambda parts: "{" + ",".join(f"{parts[0]}{key}{parts[0]}:{value}" for key, value in parts[1]) + "}"
    )


ANY = st.recursive(
    st.one_of(st.sampled_from(["null", "true", "false"]), NUMBERS, TEXTS),
    lambda inner: st.one_of(
        listed(inner, max_size=4),
        members(st.lists(st.tuples(st.sampled_from(KEYS).flatmap(spelled), inner), max_size=4)),
    ),
    max_leaves=8,
)


def record(**fields: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An object with most of these fields, shuffled, and now and then one that is anything or comes twice."""

    @st.composite
    def drawn(draw: st.DrawFn) -> list[tuple[str, str]]:
        keys = list(draw(st.permutations(list(fields))))
        for change in draw(st.lists(st.sampled_from(["drop", "again", "any", "odd"]), max_size=1)):
            key = draw(st.sampled_from(keys))
            if change == "drop":
                keys.remove(key)
            elif change == "again":
                keys.append(key)
            else:
                odd = key if change == "odd" else draw(st.sampled_from(KEYS))
                pairs = [(draw(spelled(k)), draw(ANY if k == odd else fields[k])) for k in keys]
                return [*pairs, (draw(spelled(odd)), draw(ANY))] if change == "any" else pairs
        return [(draw(spelled(key)), draw(fields[key])) for key in keys]

    return members(drawn())


SMALL = st.integers(0, 3).map(str)
POINTS = st.lists(
    st.tuples(DOUBLES.flatmap(spellings), DOUBLES.flatmap(spellings), SMALL), min_size=2, max_size=2
).map(lambda points: "[" + ", ".join(number for point in points for number in point) + "]")
REALS = DOUBLES.flatmap(spellings)


def image(number: int) -> st.SearchStrategy[str]:
    return record(id=st.just(str(number)), width=SMALL, file_name=TEXTS, crowdIndex=REALS)


IMAGES = st.tuples(image(2), image(0), image(3), image(1)).map(lambda images: f"[{','.join(images)}]")
PEOPLE = listed(
    record(
        id=st.integers(0, 10**6).map(str),
        image_id=SMALL,
        category_id=st.sampled_from(["1", "1.0", "2"]),
        keypoints=POINTS,
        segmentation=ANY,
        iscrowd=st.sampled_from(["0", "1", "true"]),
        area=DOUBLES.map(abs).flatmap(spellings),
        bbox=st.just("[1, 2.5, 3, 4e0]"),
    ),
    min_size=1,
    max_size=3,
)
CATEGORIES = listed(record(id=st.just("1"), name=TEXTS, keypoints=listed(TEXTS, max_size=2)), max_size=1)
ANNOTATIONS = record(images=IMAGES, annotations=PEOPLE, categories=CATEGORIES, info=ANY)
RESULTS = listed(
    record(image_id=st.sampled_from(["1", "2"]), category_id=SMALL, keypoints=POINTS, score=REALS), max_size=3
)

VALID = json.dumps(
    {
        "info": {"text": "é\n"},
        "images": [{"id": 2, "width": 640, "height": 480, "file_name": "ü.jpg"}, {"id": 1, "crowdIndex": 0.5}],
        "annotations": [
            {"id": 0, "image_id": 1, "category_id": 1, "iscrowd": 0, "num_keypoints": 1, "area": 12.5,
             "bbox": [1, 2, 3.5, 4], "segmentation": [[1, 2.5, 3e1]], "keypoints": [1, 2.25, 2, 0, 0, 0]},
            {"id": 7, "image_id": 2, "category_id": 1, "iscrowd": True, "keypoints": [0, 0, 0, -1.5e-3, 1e2, 1]},
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": ["a", "b"]}],
    },
    ensure_ascii=False,
).encode()  # fmt: skip
VALID_RESULTS = b'[{"image_id": 1, "category_id": 1, "keypoints": [1, 2.5, 0.5, 3e0, -4, 1], "score": 0.25}]'
BYTES = st.one_of(
    st.binary(min_size=1, max_size=3),
    st.sampled_from([b"[", b"]", b"{", b"}", b",", b":", b'"', b"0", b"-", b"e"]),
)
CHANGES = st.sampled_from(["put", "insert", "delete", "copy"])
MUTATIONS = st.lists(st.tuples(st.integers(0, 10**4), CHANGES, BYTES), max_size=2)


def mutated(data: bytes, mutations: list[tuple[int, str, bytes]]) -> bytes:
    for number, how, what in mutations:
        at = number % len(data)
        if how == "put":
            data = data[:at] + what + data[at + len(what) :]
        elif how == "insert":
            data = data[:at] + what + data[at:]
        elif how == "delete":
            data = data[:at] + data[at + len(what) :]
        else:
            data = data[:at] + data[at : at + 40] + data[at:]
    return data
