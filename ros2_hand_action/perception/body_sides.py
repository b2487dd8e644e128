"""Which side of a person is which, where a network takes a front for a back for a while."""

import math

import numpy as np

from ros2_hand_action.perception.skeleton import LEFT_RIGHT, MIRROR

_SIDED = np.array(LEFT_RIGHT).ravel()
_CLEAR_RATIO = 0.8
"""A body fits the last one better as it is, or with its sides exchanged, where it is nearer by so
much."""
_HALFWAY_RATIO = 1.3
"""Else it lies between the two, as networks answer while they are in two minds, where the ways to
both together are no longer than so many times that from one to the other."""
_MEMORY_S = 0.3
_HOLD_S = 0.1
"""How long the last body says which side is which, and stands in for one that is halfway."""
_MOST_TRUST_S = 0.5
_DOUBT_S, _OLD_DOUBT_S, _OLD_S = 0.2, 0.5, 1.0
"""How much longer sides can have been seen as they are told than exchanged; and how much longer
exchanged before the network is believed: in the first image, and after a second from then on, as
the first look at a person is often the worst. By measurement: docs/body_pose.md."""
_TURN_PER_S = 2 * math.pi
_TWINS_APART = 0.5
"""A person who turns this fast, whose left and right are so many radii of the circle around the
body apart where seen from the front, is no confusion: seen from the side they cross, too."""


class BodySides:
    """Undoes sudden confusions of the left and right of one person."""

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._last_ns = self._first_ns = 0
        self._trust_s = 0.0

    def straighten(
        self,
        keypoints_px: np.ndarray,
        relative_m: np.ndarray,
        confidence: np.ndarray,
        *,
        radius_px: float,
        stamp_ns: int,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return keypoints (34, 2), their relative places (34, 3) and confidence (34,).

        The depths of a body that was taken for its back are useless: the last ones are kept.

        Parameters
        ----------
        radius_px : float
            Of the circle around the body.
        """
        seen = (keypoints_px, relative_m, confidence)
        age_s = (stamp_ns - self._last_ns) * 1e-9
        if self._last is None or not 0 < age_s <= _MEMORY_S:
            self._trust_s, self._first_ns = 0.0, stamp_ns
        else:
            as_is, exchanged = (gap / radius_px for gap in twin_gaps(keypoints_px, self._last[0]))
            is_jump = as_is > _most_turned(age_s)
            if as_is < _CLEAR_RATIO * exchanged:
                self._trust_s = min(self._trust_s + age_s, _MOST_TRUST_S)
            elif is_jump and exchanged < _CLEAR_RATIO * as_is:
                self._trust_s -= age_s
                if self._trust_s >= -self._doubt_s(stamp_ns):
                    seen = (keypoints_px[MIRROR], self._last[1], confidence[MIRROR])
                else:
                    self._trust_s = -self._trust_s
            elif is_jump and self._trust_s > 0 and age_s <= _HOLD_S:
                _, apart = twin_gaps(self._last[0], self._last[0])
                if as_is + exchanged < _HALFWAY_RATIO * apart / radius_px:
                    return self._last
        self._last, self._last_ns = seen, stamp_ns
        return seen

    def _doubt_s(self, stamp_ns: int) -> float:
        known = min((stamp_ns - self._first_ns) * 1e-9 / _OLD_S, 1.0)
        return _DOUBT_S + known * (_OLD_DOUBT_S - _DOUBT_S)


def twin_gaps(keypoints_px: np.ndarray, others_px: np.ndarray) -> tuple[float, float]:
    """Return how far left and right keypoints (34, 2) lie from others, as is and exchanged."""
    return tuple(  # type: ignore[return-value]
        float(np.nanmean(np.linalg.norm(points[_SIDED] - others_px[_SIDED], axis=1)))
        for points in (keypoints_px, keypoints_px[MIRROR])
    )


def _most_turned(age_s: float) -> float:
    """Return how far twins may have moved in a fast turn, in radii."""
    return 2 * _TWINS_APART * math.sin(min(_TURN_PER_S * age_s, math.pi) / 2)
