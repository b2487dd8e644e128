"""Which body is which from image to image: ids that stay with the person."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.body_detection import REGION_SCALE
from ros2_hand_action.perception.body_sides import twin_gaps
from ros2_hand_action.perception.skeleton import MIRROR

_SAME_BODY_DISTANCE = 0.2
"""Two observations are one body if their keypoints lie nearer than this, on average, as they are
or with left and right exchanged, in radii of the circle around the body."""
_SAME_CIRCLE_DISTANCE, _SAME_CIRCLE_RATIO = 0.3, 1.25
"""So they are if the circles around them have middles so near and sizes so like: a network that
looks a little beside a person sees other limbs on the same one; by measurement:
docs/body_pose.md."""

_GATE = 0.5
_GATE_GROWTH_PER_S = 1.0
_GATE_LIMIT = 1.5
"""Farthest that an observation may lie from a track's predicted place, in radii: now, more with
each second that the track is lost, and at most."""

_SIZE_WEIGHT = 1.0
_OWN_BONUS = 0.5
"""Cost of a doubled size, and gain of having been seen in the track's own region, in radii."""

_VELOCITY_TAU_S = 0.2
_MAX_EXTRAPOLATION_S = 0.5


class BodyObservations(NamedTuple):
    """Bodies seen in one image.

    Attributes
    ----------
    keypoints_px : np.ndarray
        (n, 34, 2), as `perception.skeleton` orders them; NaN = never given.
    circles_px : np.ndarray
        (n, 2, 2): middle of the hips, and rim of the circle around the body.
    presence : np.ndarray
        (n,): probability that it is a body.
    sources : np.ndarray
        (n,): index of the active track in whose region it was seen, -1 where it is a new find.
    """

    keypoints_px: np.ndarray
    circles_px: np.ndarray
    presence: np.ndarray
    sources: np.ndarray

    @property
    def radii_px(self) -> np.ndarray:
        """Radii (n,) of the circles around the bodies."""
        radii: np.ndarray = np.linalg.norm(self.circles_px[:, 1] - self.circles_px[:, 0], axis=1)
        return np.maximum(radii, 1e-6)


@dataclass
class BodyTrack:
    """A person who is, or was a moment ago, in view.

    Attributes
    ----------
    track_id : str
    stamp_ns : int
        When the person was last seen.
    center_px, velocity_px_s : np.ndarray
        (2,): middle of the hips, and its speed.
    radius_px : float
        Of the circle around the body.
    keypoints_px : np.ndarray
        (34, 2): as the person was last seen.
    region_px : np.ndarray
        (4,): where the person is looked for in the next image; the tracker keeps it.
    is_lost : bool
        Not seen in the newest image.
    """

    track_id: str
    stamp_ns: int
    center_px: np.ndarray
    radius_px: float
    keypoints_px: np.ndarray
    region_px: np.ndarray = field(default_factory=lambda: np.zeros(4))
    velocity_px_s: np.ndarray = field(default_factory=lambda: np.zeros(2))
    is_lost: bool = False

    def predict_center_px(self, stamp_ns: int) -> np.ndarray:
        """Return where the middle of the hips will be, if the person goes on for a moment."""
        step_s = min((stamp_ns - self.stamp_ns) * 1e-9, _MAX_EXTRAPOLATION_S)
        place: np.ndarray = self.center_px + self.velocity_px_s * step_s
        return place

    def see(
        self, stamp_ns: int, center_px: np.ndarray, radius_px: float, keypoints_px: np.ndarray
    ) -> None:
        """Take in an observation."""
        step_s = (stamp_ns - self.stamp_ns) * 1e-9
        if step_s > 0:
            weight = 1 - math.exp(-step_s / _VELOCITY_TAU_S)
            velocity = (center_px - self.center_px) / step_s
            self.velocity_px_s = self.velocity_px_s + weight * (velocity - self.velocity_px_s)
        self.stamp_ns, self.center_px, self.radius_px = stamp_ns, center_px, radius_px
        self.keypoints_px = keypoints_px
        self.is_lost = False

    def jump(self, keypoints_px: np.ndarray) -> float:
        """Return how far keypoints (34, 2) lie from those last seen, whichever side is which."""
        return min(twin_gaps(keypoints_px, self.keypoints_px)) / self.radius_px


class BodyTracks:
    """The people in view and those just lost, with ids 'p1', 'p2', ... that are never reused.

    Parameters
    ----------
    max_bodies : int
        Most people that are tracked at a time.
    memory_ns : int
        How long a lost person is remembered.
    numbers : iterator of int, optional
        Of the ids, from 1 unless told: tracks that follow others go on counting.
    """

    def __init__(
        self, *, max_bodies: int, memory_ns: int, numbers: Iterator[int] | None = None
    ) -> None:
        self._max_bodies = max_bodies
        self._memory_ns = memory_ns
        self._numbers = numbers or count(1)
        self._tracks: list[BodyTrack] = []

    @property
    def active(self) -> list[BodyTrack]:
        """Tracks seen in the newest image, oldest first."""
        return [track for track in self._tracks if not track.is_lost]

    @property
    def lost(self) -> list[BodyTrack]:
        """Tracks not seen in the newest image but remembered, oldest first."""
        return [track for track in self._tracks if track.is_lost]

    def clear(self) -> None:
        """Forget all people; their ids stay used."""
        self._tracks.clear()

    def update(self, stamp_ns: int, seen: BodyObservations) -> list[tuple[BodyTrack, int]]:
        """Take in what was seen in an image.

        Returns
        -------
        list of (BodyTrack, int)
            The tracks that were seen, oldest first, each with the index of its observation.
            Observations of a body that another one shows better have no track.
        """
        active = self.active
        self._tracks = [
            track for track in self._tracks
            if not track.is_lost or stamp_ns - track.stamp_ns <= self._memory_ns
        ]
        kept = [
            _choose(members, seen, active) for members in group_same_bodies(seen).values()
        ]
        pairs = self._assign(stamp_ns, seen, kept, active)
        for track in self._tracks:
            track.is_lost = True
        radii = seen.radii_px
        for track, index in pairs:
            track.see(
                stamp_ns, seen.circles_px[index, 0], float(radii[index]), seen.keypoints_px[index]
            )
        taken = {index for _, index in pairs}
        for index in kept:
            if index not in taken and len(pairs) < self._max_bodies:
                track = BodyTrack(
                    f'p{next(self._numbers)}', stamp_ns, seen.circles_px[index, 0],
                    float(radii[index]), seen.keypoints_px[index],
                )
                self._tracks.append(track)
                pairs.append((track, index))
        order = {id(track): place for place, track in enumerate(self._tracks)}
        return sorted(pairs, key=lambda pair: order[id(pair[0])])

    def _assign(
        self,
        stamp_ns: int,
        seen: BodyObservations,
        kept: Sequence[int],
        active: list[BodyTrack],
    ) -> list[tuple[BodyTrack, int]]:
        """Pair tracks with observations, cheapest pair first."""
        costs = []
        radii = seen.radii_px
        for index in kept:
            owner = active[seen.sources[index]] if seen.sources[index] >= 0 else None
            for track in self._tracks:
                cost = _cost(track, stamp_ns, seen.circles_px[index, 0], float(radii[index]))
                if track is owner:
                    costs.append((min(cost, _GATE_LIMIT) - _OWN_BONUS, track, index))
                elif math.isfinite(cost):
                    costs.append((cost, track, index))
        pairs: list[tuple[BodyTrack, int]] = []
        for _, track, index in sorted(costs, key=lambda item: item[0]):
            if all(track is not other and index != used for other, used in pairs):
                pairs.append((track, index))
        return pairs[:self._max_bodies]


def group_same_bodies(seen: BodyObservations) -> dict[int, list[int]]:
    """Return the observation to keep of each body -> all observations of that body.

    A track's own observation is kept before a new find, and the surer before the less sure.
    """
    gaps = np.minimum(*(
        np.nanmean(np.linalg.norm(points[:, None] - seen.keypoints_px[None], axis=-1), axis=-1)
        for points in (seen.keypoints_px, seen.keypoints_px[:, MIRROR])
    ))
    radii = np.maximum(seen.radii_px[:, None], seen.radii_px[None])
    ratios = radii / np.minimum(seen.radii_px[:, None], seen.radii_px[None])
    middles = seen.circles_px[:, 0]
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=-1)
    same = (gaps < _SAME_BODY_DISTANCE * radii) | (
        (apart < _SAME_CIRCLE_DISTANCE * radii) & (ratios < _SAME_CIRCLE_RATIO)
    )
    groups: dict[int, list[int]] = {}
    for index in np.lexsort((-seen.presence, seen.sources < 0)).tolist():
        double = next((kept for kept in groups if same[kept, index]), index)
        groups.setdefault(double, []).append(index)
    return groups


def _choose(
    members: Sequence[int], seen: BodyObservations, active: Sequence[BodyTrack]
) -> int:
    """Return which observation of a body to keep: of several tracks' own the one that goes on.

    Where one track jumps to the body of another, or one that was never there to a person, only
    the other's own observation looks like the last one.
    """
    own = [index for index in members if seen.sources[index] >= 0]
    if len(own) < 2:
        return members[0]
    return min(own, key=lambda i: active[int(seen.sources[i])].jump(seen.keypoints_px[i]))


def covered(regions_px: np.ndarray, tracks: Sequence[BodyTrack]) -> np.ndarray:
    """Return which regions (n, 4) lie on people who are tracked."""
    centers = np.reshape([track.center_px for track in tracks], (-1, 2))
    radii = np.array([track.radius_px for track in tracks])
    gaps = np.linalg.norm(regions_px[:, None, :2] - centers[None], axis=2)
    sizes = np.maximum(regions_px[:, None, 2] / (2 * REGION_SCALE), radii[None])
    near: np.ndarray = (gaps < _SAME_BODY_DISTANCE * sizes).any(axis=1)
    return near


def _cost(track: BodyTrack, stamp_ns: int, center_px: np.ndarray, radius_px: float) -> float:
    """Return how badly an observation fits a track, in radii; inf where it cannot be."""
    radius = max(track.radius_px, radius_px)
    distance = math.dist(track.predict_center_px(stamp_ns), center_px) / radius
    lost_s = (stamp_ns - track.stamp_ns) * 1e-9 if track.is_lost else 0.0
    if distance > min(_GATE + _GATE_GROWTH_PER_S * lost_s, _GATE_LIMIT):
        return math.inf
    return distance + _SIZE_WEIGHT * abs(math.log2(radius_px / track.radius_px))
