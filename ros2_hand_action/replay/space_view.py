"""Bodies in metres, seen from the front, the side and above: three projections in one picture."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ros2_hand_action.perception.body_drawing import LIMB_COLOURS, limb_side
from ros2_hand_action.perception.drawing import SUBPIXEL_BITS, to_opencv
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import LIMBS

_GROUND, _FRAME, _GRID, _TEXT = (24, 24, 24), (40, 38, 36), (66, 63, 60), (200, 200, 200)
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.38
_BORDER_PX, _TITLE_PX = 34, 22

Range = Mapping[str, tuple[float, float]]
"""Axis x, y or z of the camera's optical frame -> lowest and highest metre that is shown."""


class _Axis(NamedTuple):
    """A direction of a projection: an axis of the camera's frame, or against it."""

    name: str
    place: int
    sign: int


_RIGHT, _UP, _AWAY = _Axis('x', 0, 1), _Axis('y', 1, -1), _Axis('z', 2, 1)
_VIEWS = (
    ('front: right, up (m)', _RIGHT, _UP),
    ('side: distance, up (m)', _AWAY, _UP),
    ('top: right, distance (m)', _RIGHT, _AWAY),
)


class SpaceView:
    """Draws bodies in three projections below each other, each to one scale.

    Parameters
    ----------
    range_m : Range
    width_px, height_px : int
        Of the picture.
    """

    def __init__(self, range_m: Range, *, width_px: int, height_px: int) -> None:
        self._ground = np.full((height_px, width_px, 3), _GROUND, np.uint8)
        part_px = height_px // len(_VIEWS)
        self._views = [
            _View(range_m, title, across, along, (row * part_px, width_px, part_px))
            for row, (title, across, along) in enumerate(_VIEWS)
        ]
        for view in self._views:
            view.draw_ground(self._ground)

    def draw(self, bodies: Sequence[Body]) -> np.ndarray:
        """Return a picture of bodies: uint8 (height, width, 3), blue, green, red."""
        image = self._ground.copy()
        for body in bodies:
            for view in self._views:
                view.draw_body(image, body)
        return image


class _View:
    """One projection, in a box of the picture."""

    def __init__(
        self,
        range_m: Range,
        title: str,
        across: _Axis,
        along: _Axis,
        place_px: tuple[int, int, int],
    ) -> None:
        top_px, width_px, height_px = place_px
        self._title, self._across, self._along = title, across, along
        self._left_px, self._top_px = _BORDER_PX, top_px + _TITLE_PX
        self._width_px = width_px - _BORDER_PX - 8
        self._height_px = height_px - _TITLE_PX - 20
        (left_m, right_m), (low_m, high_m) = _limits(range_m, across), _limits(range_m, along)
        self._scale = min(
            self._width_px / (right_m - left_m), self._height_px / (high_m - low_m)
        )  # pixels per metre
        self._middle_m = ((left_m + right_m) / 2, (low_m + high_m) / 2)

    def draw_ground(self, image: np.ndarray) -> None:
        """Draw the title, a line at every metre, and its number."""
        _write(image, self._title, (self._left_px, self._top_px - 7))
        self._box(image)[:] = _FRAME
        half_m = self._width_px / 2 / self._scale, self._height_px / 2 / self._scale
        for metre in _whole_metres(self._middle_m[0], half_m[0]):
            x = round(self._to_px(np.array([[metre, self._middle_m[1]]]))[0, 0])
            self._box(image)[:, x - self._left_px : x - self._left_px + 1] = _GRID
            _write(image, f'{metre}', (x - 4, self._top_px + self._height_px + 13))
        for metre in _whole_metres(self._middle_m[1], half_m[1]):
            y = round(self._to_px(np.array([[self._middle_m[0], metre]]))[0, 1])
            self._box(image)[y - self._top_px : y - self._top_px + 1] = _GRID
            _write(image, f'{metre:3d}', (4, y + 4))

    def draw_body(self, image: np.ndarray, body: Body) -> None:
        """Draw the known limbs, cut off at the box."""
        axes = (self._across, self._along)
        points_m = np.stack([axis.sign * body.keypoints_m[:, axis.place] for axis in axes], axis=1)
        points_px = self._to_px(points_m) - (self._left_px, self._top_px)
        known, points = to_opencv(points_px)
        box = np.ascontiguousarray(self._box(image))
        for a, b in LIMBS:
            if known[a] and known[b]:
                colour = LIMB_COLOURS[limb_side(a, b)]
                cv2.line(box, points[a], points[b], colour, 2, cv2.LINE_AA, SUBPIXEL_BITS)
        self._box(image)[:] = box

    def _box(self, image: np.ndarray) -> np.ndarray:
        rows = slice(self._top_px, self._top_px + self._height_px)
        return image[rows, self._left_px : self._left_px + self._width_px]

    def _to_px(self, points_m: np.ndarray) -> np.ndarray:
        """Return (n, 2) pixels of the picture of (n, 2) metres to the right and up."""
        centre = (self._left_px + self._width_px / 2, self._top_px + self._height_px / 2)
        return (points_m - self._middle_m) * (self._scale, -self._scale) + centre


def _limits(range_m: Range, axis: _Axis) -> tuple[float, float]:
    low, high = (axis.sign * value for value in range_m[axis.name][:: axis.sign])
    return low, high


def _whole_metres(middle_m: float, half_m: float) -> range:
    return range(int(np.ceil(middle_m - half_m)), int(np.floor(middle_m + half_m)) + 1)


def _write(image: np.ndarray, text: str, origin: tuple[int, int]) -> None:
    cv2.putText(image, text, origin, _FONT, _FONT_SCALE, _TEXT, 1, cv2.LINE_AA)
