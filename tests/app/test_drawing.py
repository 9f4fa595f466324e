"""What a drawing promises: colours by side, faintness, robustness, and that it leaves the picture alone."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from fake_estimator import FakeGeometry, made_heads, person_at

from posecore.drawing import MAP_COLORS, SIDE_COLORS, blank, draw, draw_heatmaps, draw_offsets
from posecore.heads import Heads
from posecore.poses import Poses
from posecore.skeletons import COCO17

pytestmark = pytest.mark.usefixtures("cv2")
GREY = 110


def grey(width: int = 400, height: int = 600) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def person(score: float = 0.9, **fields: Any) -> Poses:
    poses = person_at((200, 300), size=200, image_size=(400, 600), score=score)
    return poses.replace(**fields) if fields else poses


def color_at(image: np.ndarray, xy: Any) -> tuple[int, ...]:
    x, y = np.rint(xy).astype(int)
    return tuple(int(v) for v in image[y, x])


@pytest.mark.parametrize(
    ("keypoint", "side"), [("left_wrist", "left"), ("right_knee", "right"), ("nose", "middle")]
)
def test_a_point_has_the_colour_of_its_side(keypoint: str, side: str) -> None:
    poses = person()
    drawn = draw(grey(), poses)
    assert color_at(drawn, poses.xy[0, COCO17.index(keypoint)]) == SIDE_COLORS[side]


def test_a_limb_has_the_colour_of_its_side_and_one_across_the_body_is_in_the_middle() -> None:
    poses = person()
    drawn = draw(grey(), poses)
    xy = {name: poses.xy[0, k] for k, name in enumerate(COCO17.keypoints)}
    assert color_at(drawn, (xy["left_hip"] + xy["left_knee"]) / 2) == SIDE_COLORS["left"]
    assert color_at(drawn, (xy["right_hip"] + xy["right_knee"]) / 2) == SIDE_COLORS["right"]
    assert color_at(drawn, (xy["left_shoulder"] + xy["right_shoulder"]) / 2) == SIDE_COLORS["middle"]


def test_left_and_right_differ_in_hue_for_people_who_see_red_and_green_alike() -> None:
    left, right = (np.array(SIDE_COLORS[side], float) for side in ("left", "right"))
    # What is left to them is blue against yellow, the mean of red and green.
    assert (right[2] - right[:2].mean()) - (left[2] - left[:2].mean()) > 150


def test_below_the_confidence_a_keypoint_is_faint_but_there() -> None:
    poses = person(score=0.2)
    at = poses.xy[0, COCO17.index("left_ankle")]
    sure = np.array(color_at(draw(grey(), poses, confidence=0.1), at), float)
    faint = np.array(color_at(draw(grey(), poses, confidence=0.5), at), float)
    share = (faint - GREY) / (sure - GREY)
    assert np.all((share > 0.2) & (share < 0.5))


def test_one_unsure_end_makes_the_limb_faint() -> None:
    poses = person()
    scores = poses.scores.copy()
    knee, ankle = COCO17.index("left_knee"), COCO17.index("left_ankle")
    scores[0, ankle] = 0.1
    drawn = draw(grey(), poses.replace(scores=scores), confidence=0.5)
    middle = color_at(drawn, poses.xy[0, [knee, ankle]].mean(axis=0))
    assert middle != SIDE_COLORS["left"]
    assert middle != (GREY,) * 3
    assert color_at(drawn, poses.xy[0, knee]) == SIDE_COLORS["left"]


def test_what_is_not_visible_is_not_drawn() -> None:
    nothing = person(visible=np.zeros((1, 17), bool))
    assert np.array_equal(draw(grey(), nothing, names=True), grey())


def test_nobody_is_no_stroke() -> None:
    assert np.array_equal(draw(grey(), Poses.empty(COCO17), names=True), grey())


@pytest.mark.parametrize("far", [1e6, -1e6, 3e38, -3e38])
def test_points_far_outside_of_the_picture_do_no_harm(far: float) -> None:
    poses = person()
    xy = poses.xy.copy()
    xy[0, COCO17.index("left_ankle")] = far
    xy[0, COCO17.index("nose")] = far, -far
    track_ids = np.array([7])
    drawn = draw(grey(), poses.replace(xy=xy, track_ids=track_ids), names=True)
    assert color_at(drawn, poses.xy[0, COCO17.index("right_ankle")]) == SIDE_COLORS["right"]
    away = person_at((far / 2, far / 2), size=100, image_size=(400, 600))
    assert np.array_equal(draw(grey(), away), grey())


def test_a_line_that_leaves_the_picture_keeps_its_direction() -> None:
    poses = person()
    xy = poses.xy.copy()
    hip, knee = COCO17.index("left_hip"), COCO17.index("left_knee")
    xy[0, knee] = xy[0, hip] + (100_000, 50_000)
    drawn = draw(grey(), poses.replace(xy=xy))
    assert color_at(drawn, xy[0, hip] + (80, 40)) == SIDE_COLORS["left"]


def test_the_picture_stays_as_it_was_unless_told_otherwise() -> None:
    image = grey()
    drawn = draw(image, person())
    assert np.array_equal(image, grey())
    same = draw(image, person(), copy=False)
    assert same is image
    assert np.array_equal(image, drawn)


def test_strokes_grow_with_the_picture() -> None:
    def strokes(scale: int) -> float:
        poses = person_at((200 * scale, 300 * scale), size=200 * scale, image_size=(400 * scale, 600 * scale))
        drawn = draw(grey(400 * scale, 600 * scale), poses)
        return float((drawn != GREY).any(axis=2).mean())

    # Strokes of one width would cover half as much of a picture twice as high.
    assert strokes(4) > 0.65 * strokes(2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (20, 30), (2000, 100)])
def test_pictures_of_any_shape_can_be_drawn_on(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    poses = person(track_ids=np.array([3]))
    assert draw(image, poses, names=True).shape == image.shape
    heads = made_heads(poses, FakeGeometry(0.5), (600, 400))
    assert draw_heatmaps(image, heads, FakeGeometry(0.5), skeleton=COCO17).shape == image.shape
    assert draw_offsets(image, heads, FakeGeometry(0.5), poses).shape == image.shape


def test_names_and_numbers_are_written_only_where_asked() -> None:
    plain, named = draw(grey(), person()), draw(grey(), person(), names=True)
    numbered = draw(grey(), person(track_ids=np.array([12])))
    assert not np.array_equal(plain, named)
    assert not np.array_equal(plain, numbered)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([[0]], "image: wanted a NumPy array uint8 of shape (H, W, 3), got list"),
        (np.zeros((4, 4, 3)), "image: wanted dtype uint8, got float64"),
        (np.zeros((4, 4), np.uint8), "image: wanted shape (H, W, 3), got (4, 4)"),
        (np.zeros((0, 4, 3), np.uint8), "image: wanted shape (H, W, 3), got (0, 4, 3)"),
    ],
)
def test_what_is_no_picture_is_refused(image: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        draw(image, Poses.empty(COCO17))
    assert str(error.value) == message


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence: wanted a number from 0 to 1, got 1.5"):
        draw(grey(), Poses.empty(COCO17), confidence=1.5)
    frozen = grey()
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="copy=True"):
        draw(frozen, Poses.empty(COCO17), copy=False)


@dataclass(frozen=True)
class Letterbox:
    """A picture of 400 x 600 in an input whose left 64 pixels are padding."""

    def to_image(self, xy: Any) -> Any:
        return (np.asarray(xy) - (64, 0) + 0.5) * 2 - 0.5

    def to_input(self, xy: Any) -> Any:
        return (np.asarray(xy) + 0.5) / 2 - 0.5 + (64, 0)


def heads_with(cell: tuple[int, int], *, scores: str = "logits", layout: str = "hwc") -> Heads:
    heatmaps = np.full((20, 24, 17), -9 if scores == "logits" else 0, np.float32)
    heatmaps[(*cell, COCO17.index("left_wrist"))] = 9 if scores == "logits" else 1
    if layout == "chw":
        heatmaps = np.ascontiguousarray(heatmaps.transpose(2, 0, 1))
    return Heads(heatmaps, stride_px=16, scores=scores, layout=layout)  # type: ignore[arg-type]


@pytest.mark.parametrize("scores", ["logits", "probabilities"])
@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_a_map_lies_where_its_cells_are_in_the_picture(scores: str, layout: str) -> None:
    drawn = draw_heatmaps(
        grey(),
        heads_with((10, 12), scores=scores, layout=layout),
        Letterbox(),
        ["left_wrist"],
        skeleton=COCO17,
    )
    # Cell (row 10, column 12) is the input pixel (192, 160), so the picture's (256.5, 320.5).
    yellow = drawn[200:, :, 0].astype(int) - drawn[200:, :, 2]
    row, column = np.unravel_index(np.argmax(yellow), yellow.shape)
    assert abs(column - 256.5) < 4
    assert abs(row + 200 - 320.5) < 4
    assert yellow.max() > 0.5 * (MAP_COLORS[0][0] - MAP_COLORS[0][2])


@pytest.mark.parametrize("logit", [-2.0, 0.0, 0.5, 2.0])
def test_a_logit_is_drawn_as_the_probability_that_it_means(logit: float) -> None:
    def drawn(value: float, scores: Any) -> np.ndarray:
        heads = Heads(np.full((20, 24, 17), value, np.float32), stride_px=16, scores=scores)
        return draw_heatmaps(grey(), heads, Letterbox(), ["left_wrist"], skeleton=COCO17).astype(int)

    meant = drawn(1 / (1 + math.exp(-logit)), "probabilities")
    assert np.abs(drawn(logit, "logits") - meant).max() <= 1
    # And that is neither nothing nor everything.
    for other in (0, 1):
        assert np.abs(meant - drawn(other, "probabilities")).max() > 8


def test_where_no_map_is_sure_the_picture_is_only_darker() -> None:
    drawn = draw_heatmaps(grey(), heads_with((10, 12), scores="probabilities"), Letterbox(), [9])
    corner = drawn[-50:, -50:].astype(int)
    assert corner.max() - corner.min() <= 1
    assert 0.4 * GREY < corner.mean() < 0.8 * GREY


@pytest.mark.parametrize(
    ("keypoints", "message"),
    [
        ([17], "keypoints: wanted channels 0..16, got 17"),
        ([], "keypoints: wanted 1 to 7 keypoints, got 0"),
        (["nose"], "keypoints: wanted channels where no skeleton is given, got the name 'nose'"),
    ],
)
def test_a_keypoint_that_is_not_there_is_refused(keypoints: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        draw_heatmaps(grey(), heads_with((1, 1)), Letterbox(), keypoints)


def test_the_walk_shows_the_displacement_and_the_short_offset() -> None:
    """From the nose 96 px down by the displacement, then 32 px to the right by the short offset."""
    nose, left_eye = COCO17.index("nose"), COCO17.index("left_eye")
    shape = (30, 30)
    short, forward, backward = (np.zeros((*shape, channels), np.float32) for channels in (34, 32, 32))
    forward[:, :, 0] = 96
    short[:, :16, 17 + left_eye] = 32
    heads = Heads(np.zeros((*shape, 17), np.float32), short, forward, backward, stride_px=16, scores="logits")
    xy = np.zeros((1, 17, 2), np.float32)
    xy[0, nose], xy[0, left_eye] = (200, 100), (280, 196)
    visible = np.zeros((1, 17), bool)
    visible[0, [nose, left_eye]] = True
    scores = np.where(visible, 0.9, 0).astype(np.float32)
    scores[0, nose] = 1
    poses = Poses(xy, scores, visible=visible, skeleton=COCO17)
    drawn = draw_offsets(np.zeros((400, 400, 3), np.uint8), heads, FakeGeometry(1.0), poses)
    assert color_at(drawn, (200, 150)) == pytest.approx((255, 225, 60), rel=0.2)
    assert color_at(drawn, (220, 196)) == pytest.approx((255, 60, 200), rel=0.2)
    assert color_at(drawn, (330, 196)) == (0, 0, 0)


def test_heads_without_offsets_show_their_keypoints_alone() -> None:
    poses = person()
    drawn = draw_offsets(grey(), heads_with((5, 5)), Letterbox(), poses)
    assert color_at(drawn, poses.xy[0, COCO17.index("left_ankle")]) == SIDE_COLORS["left"]


def test_a_blank_picture_is_as_large_as_the_networks_input() -> None:
    assert blank(heads_with((0, 0))).shape == (19 * 16 + 1, 23 * 16 + 1, 3)
