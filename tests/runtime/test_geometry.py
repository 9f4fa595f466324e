"""Where a picture's points lie in the network's input: exact, invertible, and half-pixel centred."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from posecore.runtime.geometry import Geometry

cv2 = pytest.importorskip("cv2", reason='resizing needs OpenCV: pip install "posecore[app]"')

sides = st.one_of(
    st.integers(1, 8192), st.just(1), st.sampled_from([480, 640, 720, 1280, 1920, 2160, 3840, 7680])
)
sizes = st.tuples(sides, sides)
inputs = st.tuples(st.integers(1, 1025), st.integers(1, 1025))


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    image_size = draw(sizes)
    kind = draw(st.sampled_from(["letterbox", "stretch", "coral", "long_side"]))
    if kind == "letterbox":
        return Geometry.letterbox(image_size, draw(inputs))
    if kind == "long_side":
        return Geometry.long_side(image_size, draw(st.integers(1, 1025)), multiple=16, plus=1)
    return Geometry.stretch(image_size, draw(inputs), sampling="nearest" if kind == "coral" else "smooth")


@given(geometries(), st.data())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_point_comes_back_to_where_it_was(dtype: type, geometry: Geometry, data: st.DataObject) -> None:
    width, height = geometry.image_size
    fractions = np.array(
        data.draw(st.lists(st.tuples(st.floats(-0.2, 1.2), st.floats(-0.2, 1.2)), min_size=1))
    )
    points = (fractions * (width, height)).astype(dtype)
    there = geometry.to_input(points)
    back = geometry.to_image(there)
    assert back.dtype == there.dtype == dtype
    # A millionth of the input's extent is what float32 can say there; scaled up, it stays below 0.01 px in a
    # picture that is shrunk at most 25 times.
    shrunk = 1 / min(geometry.scale)
    allowed = 0.01 if shrunk <= 25 else 0.01 * shrunk / 25
    assert np.abs(back - points).max() < allowed


@given(geometries())
def test_borders_of_the_picture_are_borders_of_the_resized_picture(geometry: Geometry) -> None:
    width, height = geometry.image_size
    left, top = geometry.offset
    corners = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]])
    expected = (
        np.array([[left, top], [left + geometry.resized_size[0], top + geometry.resized_size[1]]]) - 0.5
    )
    np.testing.assert_allclose(geometry.to_input(corners), expected, atol=1e-8)


@given(geometries())
def test_the_resized_picture_lies_inside_the_input(geometry: Geometry) -> None:
    for offset, inside, whole in zip(
        geometry.offset, geometry.resized_size, geometry.input_size, strict=True
    ):
        assert inside >= 1
        assert 0 <= offset <= offset + inside <= whole


@given(sizes, inputs)
def test_a_letterbox_keeps_the_aspect_and_fills_one_side(
    image_size: tuple[int, int], size: tuple[int, int]
) -> None:
    geometry = Geometry.letterbox(image_size, size)
    assert geometry.resized_size[0] == size[0] or geometry.resized_size[1] == size[1]
    scale = min(size[0] / image_size[0], size[1] / image_size[1])
    for resized, side in zip(geometry.resized_size, image_size, strict=True):
        assert resized == 1 or abs(resized - side * scale) <= 0.5 + 1e-9
    margins = [whole - inside - offset for whole, inside, offset in zip(
        geometry.input_size, geometry.resized_size, geometry.offset, strict=True
    )]  # fmt: skip
    assert all(0 <= after - before <= 1 for before, after in zip(geometry.offset, margins, strict=True))


@given(sizes, st.integers(17, 1025))
def test_a_long_side_is_exactly_what_was_asked_for_in_an_input_of_16_n_plus_1(
    image_size: tuple[int, int], size: int
) -> None:
    geometry = Geometry.long_side(image_size, size, multiple=16, plus=1)
    assert max(geometry.resized_size) == size
    for padded, inside in zip(geometry.input_size, geometry.resized_size, strict=True):
        assert padded % 16 == 1
        assert padded - inside < 16


@pytest.mark.parametrize(
    ("image_size", "size", "input_size", "resized_size"),
    [
        ((640, 480), 353, (353, 273), (353, 265)),
        ((480, 640), 353, (273, 353), (265, 353)),
        ((1920, 1080), 481, (481, 273), (481, 271)),
        ((1, 1), 353, (353, 353), (353, 353)),
        ((4000, 1), 353, (353, 1), (353, 1)),
        ((640, 480), 350, (353, 273), (350, 262)),
    ],
)
def test_sizes_that_follow_a_picture(
    image_size: tuple[int, int], size: int, input_size: tuple[int, int], resized_size: tuple[int, int]
) -> None:
    geometry = Geometry.long_side(image_size, size, multiple=16, plus=1)
    assert geometry.input_size == input_size
    assert geometry.resized_size == resized_size


def test_half_pixel_centres_by_hand() -> None:
    geometry = Geometry.letterbox((640, 480), (321, 321))
    assert geometry.resized_size == (321, 241)
    assert geometry.offset == (0, 40)
    x, y = geometry.to_input(np.array([10.0, 20.0]))
    assert x == pytest.approx(10.5 * 321 / 640 - 0.5)
    assert y == pytest.approx(20.5 * 241 / 480 - 0.5 + 40)


def test_nobody_stays_nobody() -> None:
    empty = np.zeros((0, 17, 2), np.float32)
    assert Geometry.letterbox((640, 480), (353, 353)).to_image(empty).shape == (0, 17, 2)


def blob(size: tuple[int, int], at: tuple[float, float], sigma: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    value = 255 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(value)[:, :, None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry.letterbox((640, 480), (353, 353)),
        Geometry.letterbox((641, 479), (161, 353)),
        Geometry.letterbox((200, 150), (481, 353)),
        Geometry.long_side((1920, 1080), 353, multiple=16, plus=1),
        Geometry.long_side((1081, 1921), 129, multiple=16, plus=1),
        Geometry.stretch((640, 480), (353, 481)),
        Geometry.stretch((1280, 721), (193, 353)),
        Geometry.stretch((500, 400), (500, 100)),
    ],
    ids=str,
)
def test_what_is_drawn_at_a_point_lands_where_the_point_is_said_to_land(geometry: Geometry) -> None:
    at = (0.37 * geometry.image_size[0], 0.61 * geometry.image_size[1])
    picture = blob(geometry.image_size, at, sigma=0.05 * min(geometry.image_size))
    resized = geometry.resample(picture)
    assert resized.shape == (geometry.resized_size[1], geometry.resized_size[0], 3)
    assert resized.dtype == np.uint8
    mass = resized[:, :, 0].astype(float)
    rows, columns = np.indices(mass.shape)
    centre = np.array([(mass * columns).sum(), (mass * rows).sum()]) / mass.sum() + geometry.offset
    np.testing.assert_allclose(centre, geometry.to_input(np.array(at)), atol=0.05)


@pytest.mark.parametrize(
    "size",
    [
        *[(1280, 720), (3840, 2160), (641, 361), (799, 601)],
        *[(4000, 1), (1, 4000), (2000, 31)],
    ],
)
def test_shrinking_skips_no_pixel(size: tuple[int, int]) -> None:
    """Of a fine checkerboard, the average remains, not a pattern of its own."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    picture = np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[:, :, None], 3, axis=2)
    geometry = Geometry.long_side(size, max(size) // 8, multiple=16, plus=1)
    resized = geometry.resample(picture)
    assert abs(resized.astype(float).mean() - 127.5) < 3
    assert resized.astype(float).std() < 30


@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1)
)
def test_nearest_is_the_nearest_of_pil_bit_for_bit(
    width: int, height: int, to_width: int, to_height: int, seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    geometry = Geometry.stretch((width, height), (to_width, to_height), sampling="nearest")
    expected = np.asarray(Image.fromarray(picture).resize((to_width, to_height), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(geometry.resample(picture), expected)


@pytest.mark.parametrize(
    "size",
    [(1920, 1280), (481, 353), (200, 150)],
)
def test_nearest_is_pils_nearest_at_corals_size(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    geometry = Geometry.stretch(size, (481, 353), sampling="nearest")
    expected = np.asarray(Image.fromarray(picture).resize((481, 353), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(geometry.resample(picture), expected)


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    picture = np.zeros((30, 40, 3), np.uint8)
    assert Geometry.letterbox((40, 30), (40, 50)).resample(picture) is picture


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Geometry.letterbox((0, 5), (9, 9)),
            "image_size: wanted a positive width and height, got 0x5",
        ),
        (lambda: Geometry.stretch((5, 5), (9, 0)), "input_size: wanted a positive width and height, got 9x0"),
        (
            lambda: Geometry((5, 5), (9, 9), (9, 9), (1, 0)),
            "resized_size: wanted a picture inside the input of 9x9, got 9x9 at (1, 0)",
        ),
        (
            lambda: Geometry((5, 5), (9, 9), (9, 9), sampling="cubic"),  # type: ignore[arg-type]
            'sampling: wanted "smooth" or "nearest", got \'cubic\'',
        ),
        (
            lambda: Geometry.stretch((5, 5), (9, 9)).to_image(np.zeros(3)),
            "xy: wanted shape (..., 2), got (3,)",
        ),
    ],
)
def test_impossible_geometry_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
        make()  # type: ignore[operator]
    assert str(caught.value) == message


@pytest.mark.parametrize(("points", "got"), [(np.zeros((4, 2), int), "int64"), ([[1.0, 2.0]], "list")])
def test_points_are_floating_point_arrays(points: object, got: str) -> None:
    with pytest.raises(TypeError) as caught:
        Geometry.stretch((5, 5), (9, 9)).to_input(points)  # type: ignore[arg-type]
    assert str(caught.value) == f"xy: wanted a floating-point NumPy array of shape (..., 2), got {got}"
