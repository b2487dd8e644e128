"""Drawing bodies into an image, with OpenCV."""

from collections.abc import Sequence

import cv2
import numpy as np

from ros2_hand_action.perception.drawing import (
    PALM_COLOUR,
    SHADOW,
    SUBPIXEL_BITS,
    Colour,
    Style,
    TextPanel,
    check_canvas,
    to_opencv,
)
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import KEYPOINTS, LIMBS

LEFT_COLOUR: Colour = (60, 150, 250)  # orange
RIGHT_COLOUR: Colour = (235, 170, 60)  # blue


def draw_bodies(image_bgr: np.ndarray, bodies: Sequence[Body]) -> None:
    """Draw the known limbs and the ids of bodies, in place; left is orange, right is blue.

    Raises
    ------
    ImageError
        If the image is not uint8 (height, width, 3), writable and contiguous.
    """
    check_canvas(image_bgr)
    style = Style.of(image_bgr)
    for body in bodies:
        known, points = to_opencv(body.keypoints_px.astype(np.float64))
        limbs = [(a, b) for a, b in LIMBS if known[a] and known[b]]
        for extra_px, is_shadow in ((2, True), (0, False)):
            for a, b in limbs:
                colour = SHADOW if is_shadow else _colour(a, b)
                cv2.line(
                    image_bgr, points[a], points[b], colour, style.line_px + extra_px,
                    cv2.LINE_AA, SUBPIXEL_BITS,
                )
        if known.any():
            _draw_name(image_bgr, body, style)


def _colour(first: int, second: int) -> Colour:
    """Return the colour of a limb's side, that of the farther end of the skeleton."""
    for index in (second, first):
        if KEYPOINTS[index].startswith('left'):
            return LEFT_COLOUR
        if KEYPOINTS[index].startswith('right'):
            return RIGHT_COLOUR
    return PALM_COLOUR


def _draw_name(image: np.ndarray, body: Body, style: Style) -> None:
    """Write the id above the body, inside the image."""
    panel = TextPanel([body.track_id], style)
    height_px, width_px = image.shape[:2]
    xmin, ymin, xmax, _ = np.nan_to_num(body.box_px).tolist()
    left = round((xmin + xmax - panel.width_px) / 2)
    panel.draw(
        image,
        xmin=max(min(left, width_px - panel.width_px), 0),
        ymin=max(min(round(ymin) - panel.height_px, height_px - panel.height_px), 0),
        stands_out=False,
    )
