"""Texts in images, on panels that do not cover each other."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ros2_hand_action.errors import ImageError

Colour = tuple[int, int, int]
"""Blue, green, red."""

EVENT_COLOUR: Colour = (90, 225, 110)
_TEXT: Colour = (250, 250, 250)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Rectangle(NamedTuple):
    """Part of an image, in whole pixels."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int

    def overlaps(self, other: 'Rectangle') -> bool:
        """Return whether they have a pixel in common."""
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


class TextLayer:
    """The texts of one image: drawn last, and none over another while there is a free place.

    Parameters
    ----------
    image_bgr : np.ndarray
        uint8 (height, width, 3), blue, green, red; writable. It is drawn on.

    Raises
    ------
    ImageError
        If the image is not of that kind.
    """

    def __init__(self, image_bgr: np.ndarray) -> None:
        check_canvas(image_bgr)
        self._image = image_bgr
        self._style = Style.of(image_bgr)
        self._captions: list[tuple[_TextPanel, bool]] = []
        self._labels: list[tuple[_TextPanel, Rectangle, bool]] = []

    def add_label(self, lines: Sequence[str], box: Rectangle, *, stands_out: bool) -> None:
        """Add what is to be read near a box; those that stand out get the best places."""
        self._labels.append((_TextPanel(lines, self._style), box, stands_out))

    def add_caption(self, text: str, *, right: bool = False) -> None:
        """Add a line at the bottom left or right."""
        self._captions.append((_TextPanel([text], self._style), right))

    def draw(self) -> None:
        """Draw everything that was added."""
        taken: list[Rectangle] = []
        for panel, right in self._captions:
            place = self._inside(panel, self._image.shape[1] if right else 0, self._image.shape[0])
            self._put(panel, _first_free(self._slide(place), taken) or place, taken)
        for panel, box, stands_out in sorted(self._labels, key=lambda label: not label[2]):
            self._put(panel, self._place(panel, box, taken), taken, stands_out=stands_out)

    def _put(
        self, panel: '_TextPanel', place: Rectangle, taken: list[Rectangle],
        *, stands_out: bool = False,
    ) -> None:
        panel.draw(self._image, xmin=place.xmin, ymin=place.ymin, stands_out=stands_out)
        taken.append(place)

    def _place(self, panel: '_TextPanel', box: Rectangle, taken: list[Rectangle]) -> Rectangle:
        """Return the first free place above, below, right or left of the box, else anywhere."""
        gap_px = self._style.line_px + 2
        middle = (box.xmin + box.xmax - panel.width_px) // 2
        places = [
            self._inside(panel, middle, box.ymin - panel.height_px - gap_px),
            self._inside(panel, middle, box.ymax + gap_px),
            self._inside(panel, box.xmax + gap_px, box.ymin),
            self._inside(panel, box.xmin - panel.width_px - gap_px, box.ymin),
        ]
        return (
            _first_free(places, [*taken, box])
            or _first_free(places, taken)
            or _first_free(self._slide(places[0]), taken)
            or places[0]
        )

    def _inside(self, panel: '_TextPanel', xmin: int, ymin: int) -> Rectangle:
        """Return the panel's place nearest to this corner that lies in the image."""
        height_px, width_px = self._image.shape[:2]
        width, height = min(panel.width_px, width_px), min(panel.height_px, height_px)
        xmin, ymin = min(max(xmin, 0), width_px - width), min(max(ymin, 0), height_px - height)
        return Rectangle(xmin, ymin, xmin + width, ymin + height)

    def _slide(self, place: Rectangle) -> Iterable[Rectangle]:
        """Yield the place moved up and down, ever farther."""
        step_px = max(self._style.text_px, 1)
        for shift_px in range(0, self._image.shape[0], step_px):
            for moved_px in (-shift_px, shift_px):
                ymin, ymax = place.ymin + moved_px, place.ymax + moved_px
                if ymin >= 0 and ymax <= self._image.shape[0]:
                    yield place._replace(ymin=ymin, ymax=ymax)


def _first_free(places: Iterable[Rectangle], taken: Sequence[Rectangle]) -> Rectangle | None:
    return next((p for p in places if not any(p.overlaps(other) for other in taken)), None)


def check_canvas(image: np.ndarray) -> None:
    """Raise ImageError where an image is not one to draw into."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ImageError(
            f'can draw only into uint8 (height, width, 3) images, got {image.dtype} {image.shape}'
        )
    if not image.flags.writeable or not image.flags.c_contiguous:
        raise ImageError('cannot draw into a read-only or non-contiguous image: copy it first')


def box_in_image(box_px: np.ndarray, image: np.ndarray) -> Rectangle:
    """Return the part of a box (xmin, ymin, xmax, ymax) that lies in the image."""
    height_px, width_px = image.shape[:2]
    limits = np.array([width_px, height_px, width_px, height_px]) - 1
    box = np.clip(np.nan_to_num(box_px), 0, limits).round().astype(int)
    return Rectangle(*(int(value) for value in box))


class _TextPanel:
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
