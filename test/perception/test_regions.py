import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.regions import (
    box_containment,
    box_iou,
    boxes_around,
    clip_boxes,
    crop_to_image,
    crop_to_image_matrices,
    rotate_points,
    suppress,
    upright_rotation,
    write_crops,
)

coordinates = st.floats(-2000, 2000)
regions = st.tuples(coordinates, coordinates, st.floats(1, 2000), st.floats(-7, 7))
boxes = st.lists(
    st.tuples(st.floats(0, 500), st.floats(0, 500), st.floats(1, 200), st.floats(1, 200)),
    max_size=12,
).map(lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows]).reshape(-1, 4))


@given(regions, st.tuples(st.floats(-50, 300), st.floats(-50, 300)))
def test_crop_and_back_is_identity(region, point):
    matrix = crop_to_image_matrices(np.array([region]), 224)[0]
    in_image = crop_to_image(np.array([[point]]), np.array([region]), 224)[0, 0]
    back = np.linalg.solve(matrix[:, :2], in_image - matrix[:, 2])
    np.testing.assert_allclose(back, point, atol=1e-3)


@given(regions)
def test_the_middle_of_the_crop_is_the_regions_centre(region):
    middle = crop_to_image(np.array([[[112, 112]]]), np.array([region]), 224)[0, 0]
    np.testing.assert_allclose(middle, region[:2], atol=1e-6)


@pytest.mark.parametrize(('direction', 'rotation'), [
    ((0, -1), 0), ((1, 0), np.pi / 2), ((-1, 0), -np.pi / 2), ((1, -1), np.pi / 4),
])
def test_rotation_is_clockwise_on_the_screen(direction, rotation):
    start = np.array([[100.0, 100.0]])
    np.testing.assert_allclose(
        upright_rotation(start, start + 50 * np.array([direction])), [rotation]
    )


def test_what_points_right_in_the_image_points_up_in_its_upright_crop():
    bottom, top = np.array([[100.0, 100.0]]), np.array([[140.0, 100.0]])
    region = np.array([[120, 100, 80, upright_rotation(bottom, top)[0]]])
    matrix = crop_to_image_matrices(region, 80)[0]
    bottom_crop, top_crop = (
        np.linalg.solve(matrix[:, :2], point[0] - matrix[:, 2]) for point in (bottom, top)
    )
    np.testing.assert_allclose(top_crop - bottom_crop, (0, -40), atol=1e-9)


@given(st.floats(-7, 7))
def test_turning_points_there_and_back(rotation):
    points = np.random.default_rng(1).normal(size=(1, 21, 3))
    angle = np.array([rotation])
    np.testing.assert_allclose(rotate_points(rotate_points(points, angle), -angle), points)
    np.testing.assert_array_equal(rotate_points(points, angle)[..., 2], points[..., 2])


def test_a_crop_of_the_whole_frame_is_the_frame():
    pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    blob = np.empty((1, 3, 64, 64), np.float32)
    write_crops(Frame(pixels, PixelOrder.RGB), np.array([[32, 32, 64, 0.0]]), blob)
    np.testing.assert_allclose(blob[0], pixels.transpose(2, 0, 1) / 255, atol=1e-6)


def test_a_quarter_turn_turns_the_crop():
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    blob = np.empty((1, 3, 64, 64), np.float32)
    write_crops(Frame(pixels, PixelOrder.RGB), np.array([[32, 32, 64, np.pi / 2]]), blob)
    turned = np.rot90(pixels)  # what was on the right is now on top
    np.testing.assert_allclose(blob[0], turned.transpose(2, 0, 1) / 255, atol=1.5 / 255)


def test_half_the_size_averages_neighbours():
    pixels = np.random.default_rng(4).integers(0, 256, (64, 64), np.uint8)
    blob = np.empty((1, 3, 32, 32), np.float32)
    write_crops(Frame(pixels, PixelOrder.MONO), np.array([[32, 32, 64, 0.0]]), blob)
    means = pixels.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(blob[0, 0], means / 255, atol=1 / 255)


def test_orders_of_pixels_agree():
    rgb = np.random.default_rng(5).integers(0, 256, (50, 70, 3), np.uint8)
    gray = np.repeat(rgb[..., :1], 3, axis=2)
    region = np.array([[35, 25, 60, 0.3]])

    def crop(pixels, order):
        blob = np.empty((1, 3, 32, 32), np.float32)
        write_crops(Frame(pixels, order), region, blob)
        return blob

    np.testing.assert_array_equal(
        crop(rgb, PixelOrder.RGB), crop(rgb[..., ::-1].copy(), PixelOrder.BGR)
    )
    np.testing.assert_array_equal(
        crop(gray, PixelOrder.RGB), crop(gray[..., 0].copy(), PixelOrder.MONO)
    )


def test_rows_with_padding_and_read_only_buffers_serve():
    padded = np.random.default_rng(6).integers(0, 256, (48, 100, 3), np.uint8)
    padded.flags.writeable = False
    view = padded[:, :64]
    region = np.array([[32, 24, 60, 0.2]])
    blobs = np.empty((2, 1, 3, 32, 32), np.float32)
    write_crops(Frame(view, PixelOrder.BGR), region, blobs[0])
    write_crops(Frame(view.copy(), PixelOrder.BGR), region, blobs[1])
    np.testing.assert_array_equal(blobs[0], blobs[1])


def test_outside_the_image_is_black():
    frame = Frame(np.full((20, 20, 3), 255, np.uint8), PixelOrder.BGR)
    blob = np.empty((1, 3, 16, 16), np.float32)
    write_crops(frame, np.array([[-100, -100, 30, 0.0]]), blob)
    assert not blob.any()


@pytest.mark.parametrize('region', [(5, 5, 0, 0), (5, 5, -3, 0), (1e6, 1e6, 1, 0)])
def test_degenerate_regions_give_a_finite_crop(region):
    frame = Frame(np.full((20, 20, 3), 255, np.uint8), PixelOrder.BGR)
    blob = np.empty((1, 3, 16, 16), np.float32)
    write_crops(frame, np.array([region], float), blob)
    assert np.isfinite(blob).all()


def test_iou_of_known_boxes():
    first = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], float)
    second = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], float)
    np.testing.assert_allclose(box_iou(first, second), [[1, 1 / 3, 0], [0, 0, 0]])


def test_containment_is_relative_to_the_smaller_box():
    large, small = np.array([[0, 0, 10, 10.0]]), np.array([[5, 5, 9, 15], [2, 2, 4, 4.0]])
    np.testing.assert_allclose(box_containment(large, small), [[0.5, 1]])
    np.testing.assert_allclose(box_containment(small, large), [[0.5], [1]])


@given(boxes, st.floats(0.1, 0.9))
def test_suppression_keeps_the_best_and_no_overlaps(found, max_iou):
    scores = np.random.default_rng(len(found)).random(len(found))
    same = box_iou(found, found) > max_iou
    kept = suppress(same, scores)
    assert (np.diff(scores[kept]) <= 0).all()
    assert not same[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)].any()
    for index in set(range(len(found))) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[index]]
        assert same[index, better].any()


def test_boxes_around_points_clipped():
    points = np.array([[[-5, 3, 9], [20, 50, 9], [8, 8, 9]]], float)
    np.testing.assert_array_equal(boxes_around(points), [[-5, 3, 20, 50]])
    frame = Frame(np.zeros((30, 15), np.uint8), PixelOrder.MONO)
    np.testing.assert_array_equal(clip_boxes(boxes_around(points), frame), [[0, 3, 15, 30]])


def test_warping_agrees_with_the_matrices():
    """A dot painted at a place is found at the same place through the crop."""
    pixels = np.zeros((200, 300), np.uint8)
    cv2.circle(pixels, (180, 70), 6, 255, -1)
    region = np.array([[170, 90, 120, 0.7]])
    blob = np.empty((1, 3, 224, 224), np.float32)
    write_crops(Frame(pixels, PixelOrder.MONO), region, blob)
    rows, columns = np.nonzero(blob[0, 0] > 0.5)
    middle = np.array([[[columns.mean() + 0.5, rows.mean() + 0.5]]])
    np.testing.assert_allclose(
        crop_to_image(middle, region, 224)[0, 0], (180.5, 70.5), atol=0.3
    )
