"""The limbs that an annotation file's category names for its keypoints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from posecore.evaluation.inspection_json import member, value_at

if TYPE_CHECKING:
    from posecore.skeletons import Pair

_KEY = re.compile(r'"categories"\s*:\s*')


def category_limbs(truth: str | dict[str, Any], names: tuple[str, ...]) -> tuple[Pair, ...]:
    """Pairs of keypoints, 0..K - 1, of the first category with these keypoint names; () where it has none or
    they are no pairs of whole numbers from 1 on, as COCO counts them.

    Args:
        truth: the text of the file, or what it holds.
    """
    categories = truth.get("categories") if isinstance(truth, dict) else _categories(truth)
    for category in categories if isinstance(categories, list) else ():
        if isinstance(category, dict) and category.get("keypoints") == list(names):
            limbs = category.get("skeleton")
            return _pairs(limbs if isinstance(limbs, list) else [], len(names))
    return ()


def _categories(text: str) -> Any:
    keys = list(_KEY.finditer(text))
    try:
        # Almost always the key comes once, and the people before it need not be read again.
        start = keys[0].end() if len(keys) == 1 else (member(text, 0, "categories") or (-1, 0))[0]
        return value_at(text, start)[0] if start >= 0 else None
    except ValueError:
        return None


def _pairs(limbs: list[Any], count: int) -> tuple[Pair, ...]:
    found = []
    for limb in limbs:
        ends = limb if isinstance(limb, list) else []
        if len(ends) != 2 or any(type(end) is not int or not 1 <= end <= count for end in ends):
            return ()
        found.append((ends[0] - 1, ends[1] - 1))
    return tuple(found)
