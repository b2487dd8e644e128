"""Drawing what was found into an image, with OpenCV, legible from 320x240 to 1080p."""

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from ros2_hand_action.perception.drawing_text import (
    EVENT_COLOUR,
    Colour,
    Rectangle,
    Style,
    TextLayer,
    box_in_image,
    check_canvas,
)
from ros2_hand_action.perception.labels import HAND_BONES, NONE
from ros2_hand_action.perception.records import Gesture, GestureEvent, Hand, Handedness

# Blue, green, red. Chosen to differ in lightness too, so that they work for the colour blind.
PALM_COLOUR: Colour = (225, 225, 225)
FINGER_COLOURS: tuple[Colour, ...] = (
    (60, 110, 250),  # thumb: red-orange
    (50, 215, 255),  # index: yellow
    (110, 205, 70),  # middle: green
    (235, 170, 60),  # ring: blue
    (225, 110, 215),  # pinky: magenta
)
SHADOW: Colour = (25, 25, 25)
_SIDES = {Handedness.LEFT: 'L', Handedness.RIGHT: 'R', Handedness.UNKNOWN: '?'}
SUBPIXEL_BITS = 3
_LARGEST_PX = 1 << 14  # OpenCV's line drawing overflows far outside the image


def draw_overlay(
    image_bgr: np.ndarray,
    hands: Sequence[Hand],
    gestures: Iterable[Gesture] = (),
    active_events: Mapping[str, GestureEvent] | None = None,
    *,
    stamp_ns: int | None = None,
    texts: TextLayer | None = None,
) -> None:
    """Draw hands, their gestures and the events that last, in place.

    Parameters
    ----------
    image_bgr : np.ndarray
        uint8 (height, width, 3), blue, green, red; writable. It is drawn on.
    hands : Sequence[Hand]
        Unknown (NaN) landmarks are left out.
    gestures : Iterable[Gesture]
        Found by `Gesture.hand_id`.
    active_events : Mapping[str, GestureEvent], optional
        The event that lasts, by hand id; such hands stand out and show for how long it has.
    stamp_ns : int, optional
        Stamp of the image, until which an event is counted; by default until its own stamp.
    texts : TextLayer, optional
        Where labels are added; by default they are drawn at once.

    Raises
    ------
    ImageError
        If the image is not of that kind.
    """
    check_canvas(image_bgr)
    style = Style.of(image_bgr)
    gesture_by_hand = {gesture.hand_id: gesture for gesture in gestures}
    events = active_events or {}
    for hand in hands:
        _draw_skeleton(image_bgr, hand, style)
    layer = TextLayer(image_bgr) if texts is None else texts
    for hand in hands:
        event = events.get(hand.track_id)
        box = box_in_image(hand.box_px, image_bgr)
        _draw_box(image_bgr, box, EVENT_COLOUR if event else PALM_COLOUR, style)
        lines = _describe(hand, gesture_by_hand.get(hand.track_id), event, stamp_ns)
        layer.add_label(lines, box, stands_out=event is not None)
    if texts is None:
        layer.draw()


def _describe(
    hand: Hand, gesture: Gesture | None, event: GestureEvent | None, stamp_ns: int | None
) -> list[str]:
    """Return the lines of a hand's label; the first one names its gesture, if any."""
    name = f'{hand.track_id} {_SIDES[hand.handedness]}'.strip()
    if event is not None:
        duration_ns = event.duration_ns if stamp_ns is None else stamp_ns - event.start_ns
        return [f'{event.label} {max(duration_ns, 0) / 1e9:.1f} s', name]
    if gesture is not None and gesture.label != NONE:
        return [f'{gesture.label} {gesture.score:.0%}', name]
    return [name]


def _draw_skeleton(image: np.ndarray, hand: Hand, style: Style) -> None:
    xy = np.asarray(hand.landmarks_px, dtype=np.float64)[:, :2]
    known, points = to_opencv(xy)
    bones = [(a, b) for a, b in HAND_BONES if known[a] and known[b]]
    size_px = float(np.ptp(xy[known], axis=0).max()) if known.any() else 0.0
    line_px = max(1, min(style.line_px, round(size_px / 60)))  # so that small hands stay in sight
    for extra_px, shadow in ((2, True), (0, False)):
        for a, b in bones:
            colour = SHADOW if shadow else _bone_colour(a, b)
            width_px = line_px + extra_px
            cv2.line(image, points[a], points[b], colour, width_px, cv2.LINE_AA, SUBPIXEL_BITS)
    radius = round(line_px * 1.5 + size_px / 200) << SUBPIXEL_BITS
    for index in np.flatnonzero(known):
        colour = PALM_COLOUR if index == 0 else FINGER_COLOURS[(index - 1) // 4]
        cv2.circle(image, points[index], radius, colour, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def to_opencv(points_px: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return which points (n, 2) can be drawn, (n,), and all in OpenCV's fixed-point pixels."""
    xy = points_px - 0.5  # OpenCV: centres at 0
    known = np.all(np.abs(xy) < _LARGEST_PX, axis=1)  # False for NaN
    fixed = np.where(known[:, None], xy * (1 << SUBPIXEL_BITS), 0).round().astype(int)
    return known, [(x, y) for x, y in fixed.tolist()]


def _bone_colour(a: int, b: int) -> Colour:
    """Return a finger's colour, or the palm's for bones between fingers."""
    finger = (b - 1) // 4
    same_finger = a != 0 and (a - 1) // 4 == finger
    return FINGER_COLOURS[finger] if same_finger else PALM_COLOUR


def _draw_box(image: np.ndarray, box: Rectangle, colour: Colour, style: Style) -> None:
    """Draw the corners only, so that the hand stays in sight."""
    arm_px = max(4, min(box.xmax - box.xmin, box.ymax - box.ymin) // 5)
    corners = [
        (x, y, 1 if x == box.xmin else -1, 1 if y == box.ymin else -1)
        for x in (box.xmin, box.xmax)
        for y in (box.ymin, box.ymax)
    ]
    for colour_now, width_px in ((SHADOW, style.line_px + 2), (colour, style.line_px)):
        for x, y, right, down in corners:
            cv2.line(image, (x, y), (x + right * arm_px, y), colour_now, width_px, cv2.LINE_AA)
            cv2.line(image, (x, y), (x, y + down * arm_px), colour_now, width_px, cv2.LINE_AA)
