"""Augmentation: a picture and all of its labels, moved, coloured and covered by chance.

Everything that moves is one affine map and one resampling, so that pixels are blurred once. The order: the map (with
its letterbox), colour, blur, patches. A sample, its size, the ranges and the state of the generator decide the
result to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number, whole
from posecore.arguments import size as checked_size
from posecore.errors import require
from posecore.train.samples import HIDDEN, PAD_BYTE, VISIBLE, Sample, box_of, located
from posecore.train.warps import letterbox_map, warped

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Chance = np.random.Generator
    Size = tuple[int, int]

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges from which each sample draws anew. A single number a means from -a to a; 0 leaves a thing out.

    Attributes:
        rotation_deg: turns to either side, up to 180.
        shear_deg: leans to either side, up to 60.
        zoom: (least, most) factor of the letterboxed size, drawn evenly on a logarithmic scale, 0.05 to 20.
        shift: of the input's width and height, in [0, 1]: both directions are drawn apart.
        flip: probability that the picture is mirrored, and left and right keypoints change places.
        brightness: of the whole range of bytes, in [0, 1].
        contrast, saturation: factors 1 - a to 1 + a, in [0, 1].
        hue_deg: turns of the colours, up to 180; nothing on grey pictures.
        grey: probability that colours go.
        blur: probability of a Gaussian blur.
        blur_px: its greatest standard deviation, in input pixels.
        patches: the most rectangles that cover something, each on a keypoint; keypoints beneath become hidden.
        patch: their sides' greatest share of the person's longer side, in (0, 1].
        mosaic: probability that four samples are put together; the feed finds the other three.

    Raises:
        TypeError, ValueError: a number that is out of its range.
    """

    rotation_deg: float = 30.0
    shear_deg: float = 5.0
    zoom: tuple[float, float] = (0.7, 1.6)
    shift: float = 0.1
    flip: float = 0.5
    brightness: float = 0.15
    contrast: float = 0.3
    saturation: float = 0.4
    hue_deg: float = 15.0
    grey: float = 0.05
    blur: float = 0.15
    blur_px: float = 1.5
    patches: int = 1
    patch: float = 0.25
    mosaic: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (
            *(("rotation_deg", 180), ("shear_deg", 60), ("shift", 1), ("flip", 1), ("brightness", 1)),
            *(("contrast", 1), ("saturation", 1), ("hue_deg", 180), ("grey", 1), ("blur", 1)),
            *(("blur_px", 100), ("mosaic", 1)),
        ):
            object.__setattr__(self, name, number(getattr(self, name), name, 0, most))
        object.__setattr__(self, "patch", number(self.patch, "patch", 1e-3, 1))
        whole(self.patches, "patches", 0, 100)
        zoom = tuple(self.zoom) if isinstance(self.zoom, (tuple, list)) else ()
        if len(zoom) != 2:
            raise TypeError(f"zoom: wanted (least, most), got {self.zoom!r}")
        least, most_zoom = (number(factor, "zoom", 0.05, 20) for factor in zoom)
        if least > most_zoom:
            raise ValueError(f"zoom: wanted (least, most), got {self.zoom!r}")
        object.__setattr__(self, "zoom", (least, most_zoom))


STILL = Augmentation(
    rotation_deg=0, shear_deg=0, zoom=(1, 1), shift=0, flip=0, brightness=0, contrast=0, saturation=0,
    hue_deg=0, grey=0, blur=0, patches=0,
)  # fmt: skip
"""Nothing by chance: `dataclasses.replace(STILL, flip=0.5)` flips alone."""


def augment(sample: Sample, size: Size, augmentation: Augmentation, rng: Chance) -> Sample:
    """The sample as chance would have it.

    Args:
        size: (width, height) of the result in pixels.
        augmentation: the ranges.
        rng: what is drawn from; the same state gives the same result.

    Returns:
        a sample of exactly that size. Labelled keypoints out of it are OUTSIDE, visible ones under a patch HIDDEN, as
        a person behind something is.
    """
    size = checked_size(size, "size")
    moved = _moved(sample, size, augmentation, rng)
    return _covered(_coloured(moved, augmentation, rng), augmentation, rng)


def mosaic(samples: Sequence[Sample], size: Size, augmentation: Augmentation, rng: Chance) -> Sample:
    """Four samples, each moved by chance into one of four tiles that meet near the middle.

    Args:
        samples: four of one skeleton and one number of channels.
        size, augmentation, rng: as for `augment`.

    Returns:
        one sample with the people of all four. What reaches over its tile's border is cut off there, and so is OUTSIDE
        of the whole.
    """
    width, height = checked_size(size, "size")
    if len(samples) != 4:
        raise ValueError(f"samples: wanted four, got {len(samples)}")
    first = samples[0]
    if any(s.skeleton != first.skeleton or s.image.shape[2] != first.image.shape[2] for s in samples):
        raise ValueError("samples: wanted one skeleton and one number of channels")
    middle_x, middle_y = (
        min(max(round(side * rng.uniform(0.35, 0.65)), 1), max(side - 1, 1)) for side in (width, height)
    )
    image = np.full((height, width, first.image.shape[2]), PAD_BYTE, np.uint8)
    parts = []
    for place, sample in enumerate(samples):
        left, top = (place % 2) * middle_x, (place // 2) * middle_y
        tile = (width - middle_x if place % 2 else middle_x), (height - middle_y if place // 2 else middle_y)
        if min(tile) < 1:  # an input of one pixel a side has no four tiles
            continue
        part = _moved(sample, tile, augmentation, rng)
        image[top : top + tile[1], left : left + tile[0]] = part.image
        parts.append(_beside(part, left, top, tile))
    joined: dict[str, Any] = {
        field: np.concatenate([getattr(part, field) for part in parts])
        for field in ("xy", "visibility", "boxes", "ignored")
    }
    name = " + ".join(sample.name for sample in samples)
    whole_picture = Sample(image=image, name=name, skeleton=first.skeleton, **joined)
    return _covered(_coloured(whole_picture, augmentation, rng), augmentation, rng)


def flipped(sample: Sample) -> Sample:
    """The mirrored sample: x becomes width - 1 - x, and left and right keypoints change places. Twice is itself."""
    width = sample.size[0]
    mirror = np.array([[-1.0, 0, width - 1], [0, 1, 0]])
    moved = warped(sample, mirror, sample.size, mirror=True)
    frame = sample.frame
    if frame is not None:
        frame = (width - 1 - frame[0] - (frame[2] - 1), *frame[1:])
    return replace(moved, image=np.ascontiguousarray(sample.image[:, ::-1]), frame=frame)


def _moved(sample: Sample, size: Size, ranges: Augmentation, rng: Chance) -> Sample:
    matrix = letterbox_map(sample, size)
    fixed = _fixed_point(sample, matrix, size, rng)
    degrees = rng.uniform(-ranges.rotation_deg, ranges.rotation_deg)
    shear = rng.uniform(-ranges.shear_deg, ranges.shear_deg)
    zoom = math.exp(rng.uniform(math.log(ranges.zoom[0]), math.log(ranges.zoom[1])))
    shift = rng.uniform(-ranges.shift, ranges.shift, 2) * size
    mirror = bool(rng.random() < ranges.flip)
    angle, lean = math.radians(degrees), math.tan(math.radians(shear))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = zoom * turn @ np.array([[1, lean], [0, 1]])
    matrix = np.hstack([linear @ matrix[:, :2], (linear @ (matrix[:, 2] - fixed) + fixed + shift)[:, None]])
    if mirror:
        matrix = np.array([[-1.0, 0], [0, 1]]) @ matrix
        matrix[0, 2] += size[0] - 1
    return warped(sample, matrix, size, mirror=mirror)


def _fixed_point(sample: Sample, matrix: Any, size: Size, rng: Chance) -> Any:
    """What rotation and zoom leave where it is: the middle of somebody, so that zooming in does not lose everyone."""
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    person = int(rng.integers(1 << 31))
    if not len(sample) or sample.frame is not None:
        return middle
    x, y, width, height = box_of(sample, person % len(sample))
    if not math.isfinite(x):
        return middle
    at = matrix[:, :2] @ (x + width / 2, y + height / 2) + matrix[:, 2]
    return np.clip(at, 0, 2 * middle)


def _coloured(sample: Sample, ranges: Augmentation, rng: Chance) -> Sample:
    light = rng.uniform(-ranges.brightness, ranges.brightness) * 255
    contrast = 1 + rng.uniform(-ranges.contrast, ranges.contrast)
    saturation = 1 + rng.uniform(-ranges.saturation, ranges.saturation)
    hue = math.radians(rng.uniform(-ranges.hue_deg, ranges.hue_deg))
    colourless = rng.random() < ranges.grey
    blurred, sigma = rng.random() < ranges.blur, rng.uniform(0, ranges.blur_px)
    image = sample.image
    cv2: Any = require("cv2", extra="train", purpose="Colouring pictures")
    still = light == 0 and contrast == 1
    if image.shape[2] == 1:
        if not still:
            bytes_ = (np.arange(256) - PAD_BYTE) * contrast + PAD_BYTE + light
            table = np.clip(np.rint(bytes_), 0, 255).astype(np.uint8)
            image = table[image]
    elif not (still and saturation == 1 and hue == 0 and not colourless):
        image = cv2.transform(image, _colours(light, contrast, 0.0 if colourless else saturation, hue))
    if blurred and sigma > 0.1:
        image = cv2.GaussianBlur(image, (0, 0), sigma).reshape(image.shape)
    return sample if image is sample.image else replace(sample, image=image)


def _colours(light: float, contrast: float, saturation: float, hue: float) -> npt.NDArray[np.float64]:
    """(3, 4): brightness, contrast around grey, saturation around the luma, and a turn around the grey axis, in one."""
    third, root = 1 / 3, math.sqrt(1 / 3)
    cosine, sine = math.cos(hue), math.sin(hue)
    # Rodrigues' rotation about (1, 1, 1): grey stays grey.
    across = np.array([[0, -root, root], [root, 0, -root], [-root, root, 0]])
    turn = cosine * np.eye(3) + sine * across + (1 - cosine) * np.full((3, 3), third)
    fade = saturation * np.eye(3) + (1 - saturation) * np.tile(_LUMA, (3, 1))
    matrix = contrast * fade @ turn
    return np.hstack([matrix, np.full((3, 1), PAD_BYTE * (1 - contrast) + light)])


def _covered(sample: Sample, ranges: Augmentation, rng: Chance) -> Sample:
    """Rectangles over keypoints, each filled with one colour or with another part of the picture."""
    count = int(rng.integers(ranges.patches + 1)) if ranges.patches else 0
    people, keypoints = np.nonzero(located(sample.visibility))
    if not count or not len(people):
        return sample
    image, visibility = sample.image.copy(), sample.visibility.copy()
    width, height = sample.size
    for _ in range(count):
        chosen = int(rng.integers(len(people)))
        person = people[chosen]
        shares, colour = rng.uniform(0.3, 1, 2), rng.integers(256, size=image.shape[2])
        corner, textured = rng.random(2), rng.random() < 0.5
        longer = min(float(box_of(sample, int(person))[2:].max()), max(width, height))
        sides = np.maximum(np.rint(shares * ranges.patch * longer), 1).astype(int)
        at = sample.xy[person, keypoints[chosen]] + rng.uniform(-0.4, 0.4, 2) * sides
        left, top = (int(v) for v in np.rint(at - sides / 2))
        right, bottom = min(left + int(sides[0]), width), min(top + int(sides[1]), height)
        left, top = max(left, 0), max(top, 0)
        if right <= left or bottom <= top:
            continue
        across, down = right - left, bottom - top
        if textured:
            column, row = int(corner[0] * (width - across)), int(corner[1] * (height - down))
            image[top:bottom, left:right] = sample.image[row : row + down, column : column + across]
        else:
            image[top:bottom, left:right] = colour
        x, y = sample.xy[:, :, 0], sample.xy[:, :, 1]
        beneath = (x > left - 0.5) & (x < right - 0.5) & (y > top - 0.5) & (y < bottom - 0.5)
        visibility[beneath & (visibility == VISIBLE)] = HIDDEN
    return replace(sample, image=image, visibility=visibility)


def _beside(part: Sample, left: int, top: int, tile: Size) -> Sample:
    """A tile's labels in pixels of the whole. Its regions end at its border, as its people do."""
    shift = np.array([left, top], np.float32)
    boxes = part.boxes.copy()
    boxes[:, :2] += shift
    xy = np.where(located(part.visibility)[:, :, None], part.xy + shift, np.float32(0))
    border = np.array([tile[0] - 0.5, tile[1] - 0.5], np.float32)
    ignored = np.clip(part.ignored, np.float32(-0.5), border) + shift
    return replace(part, boxes=boxes, xy=xy, ignored=ignored)
