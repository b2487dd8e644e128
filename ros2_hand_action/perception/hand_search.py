"""Where and when a stream is searched for hands that are not tracked yet."""

import math

import numpy as np

from ros2_hand_action.perception.frame import Frame

_WHOLE_SCALES = (1.0, 1.5)
"""Sizes of the views of the whole frame in a stream; the second finds hands that fill it."""

_TILE_SCALES = (1.0, 0.75)
"""Sizes of the tiles of every other round."""

_LOST_VIEW_SCALE = 3.0
"""Side of the view around a lost hand, in sides of its region."""


def whole_frame_view(frame: Frame, scale: float = 1.0) -> np.ndarray:
    """Return the one view (1, 4) that holds the whole frame, letterboxed.

    A `scale` above 1 shows it smaller, with a black margin: hands that fill the frame are too
    large for the palm detector otherwise.
    """
    side = scale * max(frame.width_px, frame.height_px)
    return np.array([[frame.width_px / 2, frame.height_px / 2, side, 0.0]])


def tile_views(frame: Frame, fraction: float, *, overlap: float = 0.3) -> np.ndarray:
    """Return overlapping square views (n, 4) that cover the frame.

    Parameters
    ----------
    frame : Frame
    fraction : float
        Side of a tile as a part of the frame's longer side, above 0 to 1.
    overlap : float
        Least part of a tile that its neighbour covers too, 0 to less than 1.
    """
    side = max(fraction * max(frame.width_px, frame.height_px), 1.0)
    columns = _places(frame.width_px, side, overlap)
    rows = _places(frame.height_px, side, overlap)
    return np.array([[x, y, side, 0.0] for y in rows for x in columns])


def _places(length: float, side: float, overlap: float) -> np.ndarray:
    """Return centres of tiles along one axis; one centred tile where it covers the axis."""
    if length <= side:
        return np.array([length / 2])
    count = 1 + math.ceil((length - side) / (side * (1 - overlap)) - 1e-9)
    return np.linspace(side / 2, length - side / 2, count)


def _view_around(region_px: np.ndarray) -> np.ndarray:
    """Return an upright view (1, 4) with the region in its middle."""
    x, y, side, _ = region_px
    return np.array([[x, y, _LOST_VIEW_SCALE * side, 0.0]])


class HandSearch:
    """Plans at most one view of the palm detector for each image of a stream.

    While no hand is tracked, every image is searched. While some are, but fewer than may be,
    images are searched at a bounded rate; after a find, the rest of the round follows at once,
    since hands come in pairs. When a track is lost, the place where it was is searched at once.

    Views go in turn: the whole frame at one of two sizes, then two tiles, and so on. Rounds with
    tiles of `tile_fraction` and of three quarters of it take turns.

    Parameters
    ----------
    interval_ns : int
        Time between searches while hands are tracked.
    lost_interval_ns : int
        The same while a hand was lost a moment ago.
    tile_fraction : float
        Side of a tile as a part of the frame's longer side, above 0 to 1; 1 is no tiles.
    """

    def __init__(self, *, interval_ns: int, lost_interval_ns: int, tile_fraction: float) -> None:
        self._interval_ns = interval_ns
        self._lost_interval_ns = lost_interval_ns
        self._tile_fraction = tile_fraction
        self._rounds = 0
        self._waiting: list[np.ndarray] = []
        self._lost_turn = 0
        self._at_once = 0
        self._stamp_ns: int | None = None

    def reset(self) -> None:
        """Begin anew: the next image is searched."""
        self._rounds = self._lost_turn = self._at_once = 0
        self._waiting.clear()
        self._stamp_ns = None

    def report_find(self) -> None:
        """Take note of a new hand: the rest of the round follows at once."""
        self._at_once = len(self._waiting)

    def put_back(self, view_px: np.ndarray) -> None:
        """Keep a view (1, 4) for the next search, as this one goes elsewhere."""
        self._waiting.insert(0, view_px)

    def next_view(
        self, frame: Frame, *, tracked: int, lost_regions_px: list[np.ndarray], is_new_loss: bool
    ) -> np.ndarray | None:
        """Return the view (1, 4) in which to look for palms now, or None.

        Parameters
        ----------
        frame : Frame
        tracked : int
            Number of hands seen in this image.
        lost_regions_px : list of np.ndarray
            Regions (4,) of hands that were lost a moment ago, newest first.
        is_new_loss : bool
            Whether the first of them was lost in this very image.
        """
        if not (is_new_loss or self._is_due(frame.stamp_ns, tracked, bool(lost_regions_px))):
            return None
        self._stamp_ns = frame.stamp_ns
        self._at_once = max(self._at_once - 1, 0)
        if is_new_loss:
            self._lost_turn = 0
        if lost_regions_px:
            self._lost_turn += 1
            if self._lost_turn % 2:  # in turn with the other views
                return _view_around(
                    lost_regions_px[self._lost_turn // 2 % len(lost_regions_px)]
                )
        if not self._waiting:
            self._waiting = self._plan_round(frame)
            self._rounds += 1
        return self._waiting.pop(0)

    def _plan_round(self, frame: Frame) -> list[np.ndarray]:
        """Return the views (1, 4) of the next round."""
        wholes = [whole_frame_view(frame, scale) for scale in _WHOLE_SCALES]
        if self._tile_fraction >= 1:
            return wholes
        tiles = tile_views(frame, self._tile_fraction * _TILE_SCALES[self._rounds % 2])
        views = []
        for place in range(0, len(tiles), 2):
            views.append(wholes[place // 2 % 2])
            views += [tile[None] for tile in tiles[place:place + 2]]
        return views

    def _is_due(self, stamp_ns: int, tracked: int, is_lost: bool) -> bool:
        """Return whether it is time for a search."""
        if self._stamp_ns is None or tracked == 0 or self._at_once:
            return True
        interval_ns = self._lost_interval_ns if is_lost else self._interval_ns
        passed_ns = stamp_ns - self._stamp_ns
        return passed_ns <= 0 or passed_ns >= interval_ns
