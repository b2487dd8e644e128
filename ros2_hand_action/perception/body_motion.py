"""Where an image changes: people who come into view move, so a search looks there first."""

from typing import NamedTuple

import cv2
import numpy as np

from ros2_hand_action.perception.frame import Frame

_MS = 1_000_000
_COLUMNS = 160
"""Pixels along the longer side of the small image that is compared."""
_CHANNEL = 1  # green, in either order
_STEP_NS, _LONGEST_STEP_NS = 120 * _MS, 1_000 * _MS
"""Images so far apart are compared: nearer, somebody who walks has hardly moved."""
_LEAST_CHANGE, _NOISES = 10, 6
"""Change of a pixel, 0 to 255, that counts: at least so much, and so many times the median, which
is 0.67 standard deviations of noise."""
_MOST_MEDIAN = 5
"""Where half of the image changes by more, the camera moves, or the light does."""
_JOIN = np.ones((7, 7), np.uint8)
_LEAST_PIXELS = 8
"""Of the small image: changes farther apart are two things, and fewer are nothing."""
_MARGIN = 0.2
"""Room around a body in which changes are that body's, in its longer side."""
_VIEW_SCALE = 1.6
"""Side of a view, over the longer side of what moves."""
_AGAIN_NS = 400 * _MS
"""A place that was looked at is left alone for so long: trees move, too."""


class _Look(NamedTuple):
    """A small image, and the boxes of the bodies (n, 4) that were known in it."""

    stamp_ns: int
    small: np.ndarray
    boxes_px: np.ndarray


class MotionViews:
    """Plans views of what moves in a stream and is no body that is tracked already.

    Where half of the image changes, as when the camera moves, there is no view.

    Parameters
    ----------
    least_fraction : float
        Side of the smallest view as a part of the image's longer side, above 0 to 1.
    """

    def __init__(self, *, least_fraction: float) -> None:
        self._least_fraction = least_fraction
        self._last: _Look | None = None
        self._tried: list[tuple[int, np.ndarray]] = []
        self._is_others_turn = False

    def reset(self) -> None:
        """Forget the images."""
        self._last = None
        self._tried.clear()
        self._is_others_turn = False

    def next_view(self, frame: Frame, boxes_px: np.ndarray) -> np.ndarray | None:
        """Return the view (1, 4) of the largest thing that moves, or None.

        Never for two images in a row, so that other views have their turn at any image rate.

        Parameters
        ----------
        frame : Frame
            The next image of the stream, of the same size as the last.
        boxes_px : np.ndarray
            (n, 4): xmin, ymin, xmax, ymax of the bodies that are tracked.
        """
        last, stamp_ns = self._last, frame.stamp_ns
        if self._is_others_turn or (last and stamp_ns - last.stamp_ns < _STEP_NS):
            self._is_others_turn = False
            return None
        scale = max(max(frame.width_px, frame.height_px) // _COLUMNS, 1)
        now = self._last = _Look(stamp_ns, _reduce(frame, scale), boxes_px)
        if last is None or stamp_ns - last.stamp_ns > _LONGEST_STEP_NS:
            return None
        known_px = np.concatenate([last.boxes_px, boxes_px])
        moving_px = scale * _find_moving(last.small, now.small, known_px / scale)
        view_px = self._choose(self._make_views(moving_px, frame), stamp_ns)
        self._is_others_turn = view_px is not None
        return view_px

    def _make_views(self, boxes_px: np.ndarray, frame: Frame) -> np.ndarray:
        """Return views (n, 4) of boxes (n, 4), without those that nearly fill the frame."""
        longer = max(frame.width_px, frame.height_px)
        sides = _VIEW_SCALE * (boxes_px[:, 2:] - boxes_px[:, :2]).max(axis=1)
        centers = (boxes_px[:, :2] + boxes_px[:, 2:]) / 2
        views = np.column_stack([
            centers, np.maximum(sides, self._least_fraction * longer), np.zeros(len(sides))
        ])
        kept: np.ndarray = views[sides < longer]
        return kept

    def _choose(self, views_px: np.ndarray, stamp_ns: int) -> np.ndarray | None:
        """Return the first of the views (n, 4) that was not looked at a moment ago, as (1, 4)."""
        self._tried = [entry for entry in self._tried if stamp_ns - entry[0] < _AGAIN_NS]
        for view in views_px:
            is_new = all(
                np.abs(view[:2] - tried[:2]).max() > tried[2] / 4 for _, tried in self._tried
            )
            if is_new:
                self._tried.append((stamp_ns, view))
                return view[None]
        return None


def _reduce(frame: Frame, scale: int) -> np.ndarray:
    """Return every so many-th pixel of one channel, blurred; no more than these are read."""
    grey = frame.pixels if frame.pixels.ndim == 2 else frame.pixels[..., _CHANNEL]
    return cv2.blur(np.ascontiguousarray(grey[scale // 2::scale, scale // 2::scale]), (3, 3))


def _find_moving(before: np.ndarray, now: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return boxes (n, 4) of what changed outside of known boxes (k, 4), most changes first."""
    change: np.ndarray = cv2.absdiff(before, now)
    median = float(np.median(change))
    if median > _MOST_MEDIAN:
        return np.empty((0, 4))
    moving = (change > max(_LEAST_CHANGE, _NOISES * median)).astype(np.uint8)
    margins = _MARGIN * (known[:, 2:] - known[:, :2]).max(axis=1, keepdims=True)
    grown = np.concatenate([known[:, :2] - margins, known[:, 2:] + margins + 1], axis=1)
    for left, top, right, bottom in np.maximum(grown, 0).astype(int).tolist():
        moving[top:bottom, left:right] = 0
    count, things, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(moving, _JOIN))
    pixels = np.bincount(things[moving > 0], minlength=count)
    order = np.argsort(-pixels, kind='stable')
    corners = boxes[order[pixels[order] >= _LEAST_PIXELS], :4].astype(np.float64)
    corners[:, 2:] += corners[:, :2]
    return corners
