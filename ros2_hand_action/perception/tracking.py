"""Which hand is which from image to image: ids that stay with the hand."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.hand_landmarks import palm_centers
from ros2_hand_action.perception.regions import box_iou, boxes_around

_GATE = 1.2
_GATE_GROWTH_PER_S = 2.0
_GATE_LIMIT = 2.0
"""Farthest that an observation may lie from a track's predicted place, in hand sizes: now, more
with each second that the track is lost, and at most."""

_SIZE_WEIGHT = 0.5
_HANDEDNESS_WEIGHT = 1.0
_OWN_BONUS = 0.5
"""Cost of a doubled size and of the other handedness, and gain of having been seen in the track's
own region, in hand sizes of distance."""

_SAME_PALM_DISTANCE = 0.25
_SAME_BOX_IOU = 0.6
"""Two observations are one hand if their palms are nearer than this many hand sizes, or their
boxes overlap more than this."""

_MAX_EXTRAPOLATION_S = 0.15
_VELOCITY_TAU_S = 0.1
_HANDEDNESS_TAU_S = 1.0


class Observations(NamedTuple):
    """Hands seen in one image.

    Attributes
    ----------
    landmarks_px : np.ndarray
        (n, 21, 2 or 3).
    regions_px : np.ndarray
        (n, 4): the regions in which the hands should be looked for next.
    right : np.ndarray
        (n,): probability that it is a right hand.
    presence : np.ndarray
        (n,): probability that it is a hand.
    sources : np.ndarray
        (n,): index of the active track in whose region it was seen, -1 where it is a new find.
    """

    landmarks_px: np.ndarray
    regions_px: np.ndarray
    right: np.ndarray
    presence: np.ndarray
    sources: np.ndarray


@dataclass
class Track:
    """A hand that is, or was a moment ago, in view.

    Attributes
    ----------
    track_id : str
    stamp_ns : int
        When it was last seen.
    center_px, velocity_px_s : np.ndarray
        (2,): place of the palm, and its speed.
    region_px : np.ndarray
        (4,): where it would be looked for, had it not moved since.
    right : float
        Probability of being a right hand, over the last images.
    is_lost : bool
        Not seen in the newest image.
    """

    track_id: str
    stamp_ns: int
    center_px: np.ndarray
    region_px: np.ndarray
    right: float
    velocity_px_s: np.ndarray = field(default_factory=lambda: np.zeros(2))
    is_lost: bool = False
    images: int = 1

    @property
    def size_px(self) -> float:
        """Length of the hand: half of its region's side."""
        return float(self.region_px[2]) / 2

    def predict_shift_px(self, stamp_ns: int) -> np.ndarray:
        """Return how far the hand will have moved, (2,), if it goes on for a moment."""
        step_s = (stamp_ns - self.stamp_ns) * 1e-9
        return self.velocity_px_s * min(max(step_s, 0.0), _MAX_EXTRAPOLATION_S)

    def predict_region_px(self, stamp_ns: int) -> np.ndarray:
        """Return the region (4,) in which the hand will be."""
        region = self.region_px.copy()
        region[:2] += self.predict_shift_px(stamp_ns)
        return region

    def see(self, stamp_ns: int, center_px: np.ndarray, region_px: np.ndarray, right: float
            ) -> None:
        """Take in an observation."""
        step_s = (stamp_ns - self.stamp_ns) * 1e-9
        if step_s > 0:
            velocity = (center_px - self.center_px) / step_s
            weight = 1 - math.exp(-step_s / _VELOCITY_TAU_S)
            self.velocity_px_s = self.velocity_px_s + weight * (velocity - self.velocity_px_s)
        self.images += 1
        weight = max(1 / self.images, 1 - math.exp(-max(step_s, 0.0) / _HANDEDNESS_TAU_S))
        self.right += weight * (right - self.right)
        self.stamp_ns, self.center_px, self.region_px = stamp_ns, center_px, region_px
        self.is_lost = False


class HandTracks:
    """The hands in view and those just lost, with ids 'h1', 'h2', ... that are never reused.

    Parameters
    ----------
    max_hands : int
        Most hands that are tracked at a time.
    memory_ns : int
        How long a lost hand is remembered.
    numbers : iterator of int, optional
        Of the ids, from 1 unless told: tracks that follow others go on counting.
    """

    def __init__(
        self, *, max_hands: int, memory_ns: int, numbers: Iterator[int] | None = None
    ) -> None:
        self._max_hands = max_hands
        self._memory_ns = memory_ns
        self._numbers = numbers or count(1)
        self._tracks: list[Track] = []

    @property
    def active(self) -> list[Track]:
        """Tracks seen in the newest image, oldest first."""
        return [track for track in self._tracks if not track.is_lost]

    @property
    def lost(self) -> list[Track]:
        """Tracks not seen in the newest image but remembered, oldest first."""
        return [track for track in self._tracks if track.is_lost]

    def clear(self) -> None:
        """Forget all hands; their ids stay used."""
        self._tracks.clear()

    def update(self, stamp_ns: int, seen: Observations) -> list[tuple[Track, int]]:
        """Take in what was seen in an image.

        Returns
        -------
        list of (Track, int)
            The tracks that were seen, oldest first, each with the index of its observation.
            Observations of a hand that another one shows better have no track.
        """
        active = self.active
        self._forget(stamp_ns)
        keep, own = merge_duplicates(seen, active)
        centers = palm_centers(seen.landmarks_px)
        owners = [[active[source].track_id for source in sources] for sources in own]
        pairs = self._assign(stamp_ns, seen, centers, keep, owners)
        for track in self._tracks:
            track.is_lost = True
        for track, index in pairs:
            track.see(stamp_ns, centers[index], seen.regions_px[index], float(seen.right[index]))
        taken = {index for _, index in pairs}
        for index in keep:
            if index not in taken and len(pairs) < self._max_hands:
                pairs.append((self._start(stamp_ns, seen, centers, index), index))
        return sorted(pairs, key=lambda pair: self._tracks.index(pair[0]))

    def _forget(self, stamp_ns: int) -> None:
        """Drop tracks that were lost too long ago."""
        self._tracks = [
            track for track in self._tracks
            if not track.is_lost or stamp_ns - track.stamp_ns <= self._memory_ns
        ]

    def _start(
        self, stamp_ns: int, seen: Observations, centers: np.ndarray, index: int
    ) -> Track:
        """Begin a track."""
        track = Track(
            f'h{next(self._numbers)}', stamp_ns, centers[index], seen.regions_px[index],
            float(seen.right[index]),
        )
        self._tracks.append(track)
        return track

    def _assign(
        self,
        stamp_ns: int,
        seen: Observations,
        centers: np.ndarray,
        keep: list[int],
        owners: list[list[str]],
    ) -> list[tuple[Track, int]]:
        """Pair tracks with observations, cheapest pair first."""
        costs = []
        for index, ids in zip(keep, owners, strict=True):
            for track in self._tracks:
                cost = _cost(
                    track, stamp_ns, centers[index], float(seen.regions_px[index, 2]) / 2,
                    float(seen.right[index]),
                )
                if track.track_id in ids:
                    costs.append((min(cost, _GATE_LIMIT) - _OWN_BONUS, track, index))
                elif math.isfinite(cost):
                    costs.append((cost, track, index))
        pairs: list[tuple[Track, int]] = []
        for _, track, index in sorted(costs, key=lambda item: item[0]):
            if all(track is not other and index != used for other, used in pairs):
                pairs.append((track, index))
        return pairs[:self._max_hands]


def merge_duplicates(
    seen: Observations, active: list[Track]
) -> tuple[list[int], list[list[int]]]:
    """Keep one observation of each hand.

    Returns
    -------
    keep, sources
        Indices of the observations to keep, and for each the indices of the active tracks in
        whose regions the hand was seen.
    """
    same = same_hand(seen.landmarks_px, seen.regions_px)
    # A track's own observation is as good as a new find, and steadier; older tracks go first.
    order = sorted(
        range(len(seen.right)),
        key=lambda index: (seen.sources[index] < 0, -seen.presence[index]),
    )
    keep: list[int] = []
    sources: list[list[int]] = []
    for index in order:
        source = [int(seen.sources[index])] if seen.sources[index] >= 0 else []
        double = next((place for place, kept in enumerate(keep) if same[kept, index]), None)
        if double is None:
            keep.append(index)
            sources.append(source)
        else:
            sources[double].extend(source)
    return keep, sources


def same_hand(landmarks_px: np.ndarray, regions_px: np.ndarray) -> np.ndarray:
    """Return the bool matrix (n, n) of which observations show one and the same hand."""
    if len(landmarks_px) < 2:
        return np.ones((len(landmarks_px),) * 2, bool)
    centers = palm_centers(landmarks_px)
    gaps = np.linalg.norm(centers[:, None] - centers[None], axis=-1)
    sizes = np.maximum(regions_px[:, None, 2], regions_px[None, :, 2]) / 2
    boxes = boxes_around(landmarks_px)
    near: np.ndarray = gaps < _SAME_PALM_DISTANCE * sizes
    return near | (box_iou(boxes, boxes) > _SAME_BOX_IOU)


def _cost(
    track: Track, stamp_ns: int, center_px: np.ndarray, size_px: float, right: float
) -> float:
    """Return how badly an observation fits a track, in hand sizes; inf where it cannot be."""
    size = max(track.size_px, size_px, 1e-6)
    expected = track.center_px + track.predict_shift_px(stamp_ns)
    distance = math.dist(expected, center_px) / size
    lost_s = (stamp_ns - track.stamp_ns) * 1e-9 if track.is_lost else 0.0
    if distance > min(_GATE + _GATE_GROWTH_PER_S * lost_s, _GATE_LIMIT):
        return math.inf
    growth = abs(math.log2(max(size_px, 1e-6) / max(track.size_px, 1e-6)))
    return distance + _SIZE_WEIGHT * growth + _HANDEDNESS_WEIGHT * abs(track.right - right)
