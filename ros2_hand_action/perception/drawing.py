"""Drawing what was found into an image, with OpenCV, legible from 320x240 to 1080p."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.labels import HAND_BONES, NONE
from ros2_hand_action.perception.records import Gesture, GestureEvent, Hand, Handedness

Colour = tuple[int, int, int]

# Blue, green, red. Chosen to differ in lightness too, so that they work for the colour blind.
PALM_COLOUR: Colour = (225, 225, 225)
FINGER_COLOURS: tuple[Colour, ...] = (
    (60, 110, 250),  # thumb: red-orange
    (50, 215, 255),  # index: yellow
    (110, 205, 70),  # middle: green
    (235, 170, 60),  # ring: blue
    (225, 110, 215),  # pinky: magenta
)
EVENT_COLOUR: Colour = (90, 225, 110)
SHADOW: Colour = (25, 25, 25)
_TEXT: Colour = (250, 250, 250)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SIDES = {Handedness.LEFT: 'L', Handedness.RIGHT: 'R', Handedness.UNKNOWN: '?'}
SUBPIXEL_BITS = 3
_LARGEST_PX = 1 << 14  # OpenCV's line drawing overflows far outside the image


class _Rectangle(NamedTuple):
    xmin: int
    ymin: int
    xmax: int
    ymax: int

    def overlaps(self, other: '_Rectangle') -> bool:
        return (
            self.xmin < other.xmax
            and other.xmin < self.xmax
            and self.ymin < other.ymax
            and other.ymin < self.ymax
        )


class Style(NamedTuple):
    """Sizes that follow the image's size, in pixels."""

    line_px: int
    text_px: int
    font_scale: float
    font_line_px: int

    @classmethod
    def of(cls, image: np.ndarray) -> 'Style':
        """Return the sizes for an image."""
        side_px = min(image.shape[0], image.shape[1] * 3 // 4)
        text_px = round(float(np.clip(side_px / 32, 9, 30)))
        return cls(
            line_px=max(1, round(side_px / 240)),
            text_px=text_px,
            font_scale=text_px / 22.0,  # Hershey capitals are 22 px high at scale 1
            font_line_px=max(1, round(text_px / 11)),
        )


def draw_overlay(
    image_bgr: np.ndarray,
    hands: Sequence[Hand],
    gestures: Iterable[Gesture] = (),
    active_events: Mapping[str, GestureEvent] | None = None,
    *,
    stamp_ns: int | None = None,
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
    taken: list[_Rectangle] = []
    for hand in hands:
        event = events.get(hand.track_id)
        box = _box_in_image(hand, image_bgr)
        _draw_box(image_bgr, box, EVENT_COLOUR if event else PALM_COLOUR, style)
        lines = _describe(hand, gesture_by_hand.get(hand.track_id), event, stamp_ns)
        panel = TextPanel(lines, style)
        size = (panel.width_px, panel.height_px)
        place = _place_label(image_bgr, box, size, style.line_px + 2, taken)
        panel.draw(image_bgr, xmin=place.xmin, ymin=place.ymin, stands_out=bool(event))
        taken.append(place)


def check_canvas(image: np.ndarray) -> None:
    """Raise ImageError where an image is not one to draw into."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ImageError(
            f'can draw only into uint8 (height, width, 3) images, got {image.dtype} {image.shape}'
        )
    if not image.flags.writeable or not image.flags.c_contiguous:
        raise ImageError('cannot draw into a read-only or non-contiguous image: copy it first')


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


def _box_in_image(hand: Hand, image: np.ndarray) -> _Rectangle:
    height_px, width_px = image.shape[:2]
    limits = np.array([width_px, height_px, width_px, height_px]) - 1
    box = np.clip(np.nan_to_num(hand.box_px), 0, limits).round().astype(int)
    return _Rectangle(*(int(value) for value in box))


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


def _draw_box(image: np.ndarray, box: _Rectangle, colour: Colour, style: Style) -> None:
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


def draw_caption(image_bgr: np.ndarray, text: str, *, right: bool = False) -> None:
    """Write one line at the bottom left or right of an image, in place.

    Raises
    ------
    ImageError
        If the image is not uint8 (height, width, 3), writable and contiguous.
    """
    check_canvas(image_bgr)
    style = Style.of(image_bgr)
    panel = TextPanel([text], style)
    height_px, width_px = image_bgr.shape[:2]
    panel.draw(
        image_bgr,
        xmin=max(width_px - panel.width_px, 0) if right else 0,
        ymin=max(height_px - panel.height_px, 0),
        stands_out=False,
    )


class TextPanel:
    """Lines of text on a darkened ground."""

    def __init__(self, lines: Sequence[str], style: Style) -> None:
        # all that Hershey has
        self._texts = [line.encode('ascii', 'replace').decode() for line in lines]
        self._style = style
        self._margin_px = max(3, style.text_px // 2)
        self._line_height_px = style.text_px + self._margin_px
        widths = [
            cv2.getTextSize(text, _FONT, style.font_scale, style.font_line_px)[0][0]
            for text in self._texts
        ]
        self.width_px = max(widths) + 2 * self._margin_px
        self.height_px = self._line_height_px * len(self._texts) + self._margin_px

    def draw(self, image: np.ndarray, *, xmin: int, ymin: int, stands_out: bool) -> None:
        """Draw it with its top left corner there, cut off at the image's border."""
        style = self._style
        ground = image[ymin : ymin + self.height_px, xmin : xmin + self.width_px]
        ground //= 4
        if stands_out:
            ground[:, : style.line_px * 2] = EVENT_COLOUR
        for row, text in enumerate(self._texts):
            colour = EVENT_COLOUR if stands_out and row == 0 else _TEXT
            origin = (xmin + self._margin_px, ymin + (row + 1) * self._line_height_px)
            cv2.putText(
                image,
                text,
                origin,
                _FONT,
                style.font_scale,
                colour,
                style.font_line_px,
                cv2.LINE_AA,
            )


def _place_label(
    image: np.ndarray,
    box: _Rectangle,
    size: tuple[int, int],
    gap_px: int,
    taken: list[_Rectangle],
) -> _Rectangle:
    """Return the first free place above, below, right or left of the box, else above it."""
    height_px, width_px = image.shape[:2]
    width, height = min(size[0], width_px), min(size[1], height_px)
    corners = (
        (box.xmin, box.ymin - height - gap_px),
        (box.xmin, box.ymax + gap_px),
        (box.xmax + gap_px, box.ymin),
        (box.xmin - width - gap_px, box.ymin),
    )
    places = []
    for x, y in corners:
        xmin = min(max(x, 0), width_px - width)
        ymin = min(max(y, 0), height_px - height)
        places.append(_Rectangle(xmin, ymin, xmin + width, ymin + height))
    blocked = [*taken, box]
    free = (p for p in places if not any(p.overlaps(other) for other in blocked))
    return next(free, places[0])
