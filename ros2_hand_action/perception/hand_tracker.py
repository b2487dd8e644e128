"""Hands in a stream of images: found, followed under their ids, smoothed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_finder import (
    HandFinder,
    are_covered,
    are_in_view,
    make_proposer,
)
from ros2_hand_action.perception.hand_landmarks import (
    HandLandmarker,
    HandLandmarks,
    hand_boxes,
    join,
    next_regions,
)
from ros2_hand_action.perception.hand_options import HandTrackerOptions
from ros2_hand_action.perception.hand_search import HandSearch
from ros2_hand_action.perception.records import Body, Hand, Handedness
from ros2_hand_action.perception.smoothing import OneEuroFilter
from ros2_hand_action.perception.stage_times import StageClock, StageTimes
from ros2_hand_action.perception.task import NetworkTask
from ros2_hand_action.perception.tracking import HandTracks, Observations, Track
from ros2_hand_action.perception.wrist_hints import NO_HINTS, WristHints, hints_of_bodies

_CANDIDATES = 3
"""Most palms of one image that the landmark network looks at: a bound on the time it takes."""

_HAND_LENGTH_M = 0.18
"""Scale of the smoothing of metric landmarks."""


class HandResult(NamedTuple):
    """The hands in one image, oldest track first, and where the time went."""

    hands: tuple[Hand, ...]
    times: StageTimes


class HandTracker(NetworkTask):
    """Finds and follows the hands in a stream of images.

    The detector runs only where a hand may be new or lost (see `HandSearch`); the next
    region of a tracked hand comes from its landmarks. A stamp that goes back, or another image
    size, resets the tracker.

    Parameters
    ----------
    palm, landmarks : InferenceSession
        The networks `palm_detection_*` or `egohands_ssd`, as the options say, and
        `hand_landmark_*`; closed with the tracker.
    options : HandTrackerOptions
    numbers : iterator of int, optional
        See `HandTracks`.
    """

    def __init__(
        self,
        *,
        palm: InferenceSession,
        landmarks: InferenceSession,
        options: HandTrackerOptions | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        super().__init__(palm, landmarks)
        options = options or HandTrackerOptions()
        self._palm_network = palm
        self._landmarker = HandLandmarker(landmarks)
        self._tracks = HandTracks(
            max_hands=options.max_hands, memory_ns=options.lost_memory_ns, numbers=numbers
        )
        self._smoothers: dict[str, _LandmarkSmoother] = {}
        self._last: tuple[int, int, int] | None = None
        self._is_wrists_turn, self._wrists_seen = False, 0
        self._use(options)

    def change_options(self, options: HandTrackerOptions) -> None:
        """Use other thresholds, intervals and smoothing of new hands from the next image on.

        Raises
        ------
        ConfigError
            If `model`, `max_hands` or `lost_memory_ns` differ: those need a new tracker.
        """
        for name in ('model', 'max_hands', 'lost_memory_ns'):
            if getattr(options, name) != getattr(self._options, name):
                raise ConfigError(f'{name} of a hand tracker cannot change while it runs')
        self._use(options)

    def process(self, frame: Frame, bodies: Sequence[Body] = ()) -> HandResult:
        """Find the hands in the next image of the stream.

        Parameters
        ----------
        frame : Frame
        bodies : sequence of Body
            Seen in this image or a moment ago: hands are looked for at their wrists, too.
        """
        clock = StageClock()
        self._check_continuity(frame)
        active = self._tracks.active
        followed, sources = self._follow(frame, active, clock)
        missing = [track for place, track in enumerate(active) if place not in sources]
        found = self._look_for_more(frame, followed, missing, bodies, clock)
        seen = followed
        if found is not None:
            seen = join(followed, found)
            sources = np.concatenate([sources, np.full(len(found.presence), -1)])
        return HandResult(self._update(frame, seen, sources), clock.read())

    def reset(self) -> None:
        """Forget all hands; their ids stay used."""
        self._tracks.clear()
        self._smoothers.clear()
        self._search.reset()
        self._is_wrists_turn, self._wrists_seen = False, 0

    def _use(self, options: HandTrackerOptions) -> None:
        self._options = options
        self._finder = HandFinder(
            make_proposer(options.model, self._palm_network, threshold=options.palm_threshold),
            self._landmarker,
            min_score=options.min_score,
            min_presence=options.presence_threshold,
        )
        self._search = HandSearch(
            interval_ns=options.search_interval_ns,
            lost_interval_ns=options.lost_search_interval_ns,
            tile_fraction=options.tile_fraction,
        )

    def _check_continuity(self, frame: Frame) -> None:
        """Reset where the image does not follow the last one."""
        now = (frame.stamp_ns, frame.width_px, frame.height_px)
        if self._last is not None and (now[0] < self._last[0] or now[1:] != self._last[1:]):
            self.reset()
        self._last = now

    def _follow(
        self, frame: Frame, active: list[Track], clock: StageClock
    ) -> tuple[HandLandmarks, np.ndarray]:
        """Look where the tracked hands should be.

        Returns
        -------
        followed, sources
            The hands that are still there, and which of the active tracks (n,) each is.
        """
        regions = [track.predict_region_px(frame.stamp_ns) for track in active]
        seen = self._landmarker.find(frame, np.reshape(regions, (-1, 4)), clock)
        is_there = seen.presence >= self._options.tracking_threshold
        is_there &= are_in_view(seen.landmarks_px, frame)
        return seen if is_there.all() else seen.take(is_there), np.nonzero(is_there)[0]

    def _look_for_more(
        self,
        frame: Frame,
        followed: HandLandmarks,
        missing: list[Track],
        bodies: Sequence[Body],
        clock: StageClock,
    ) -> HandLandmarks | None:
        """Search for hands that are not followed, where and when that is due."""
        view = None
        if len(followed.presence) < self._options.max_hands:
            view = self._search.next_view(
                frame,
                tracked=len(followed.presence),
                lost_regions_px=[t.region_px for t in [*missing, *self._tracks.lost[::-1]]],
                is_new_loss=bool(missing),
            )
        if view is None:
            return None
        known = next_regions(followed.landmarks_px)
        hints = NO_HINTS if missing else self._next_wrists(bodies, known)
        if len(hints.visibility):
            self._search.put_back(view)
            view = hints.views_px
        found = self._finder.find(
            frame, view, known_px=known, hints=hints, limit=_CANDIDATES, clock=clock
        )
        if len(found.scores):
            self._search.report_find()
        return found.landmarks

    def _next_wrists(self, bodies: Sequence[Body], known_px: np.ndarray) -> WristHints:
        """Return the wrists that this search is for: none in every second one.

        Wrists without a known hand (m, 4) take turns.
        """
        most = self._options.wrist_views
        self._is_wrists_turn = not self._is_wrists_turn
        if not (bodies and most and self._is_wrists_turn):
            return NO_HINTS
        hints = hints_of_bodies(bodies)
        hints = hints.take(~are_covered(hints.regions_px, known_px))
        count = len(hints.visibility)
        turn = (self._wrists_seen + np.arange(min(most, count))) % max(count, 1)
        self._wrists_seen += len(turn)
        return hints.take(turn)

    def _update(
        self, frame: Frame, seen: HandLandmarks, sources: np.ndarray
    ) -> tuple[Hand, ...]:
        """Give the hands their ids, smooth them and return their records."""
        observations = Observations(
            seen.landmarks_px, next_regions(seen.landmarks_px), seen.right, seen.presence, sources
        )
        pairs = self._tracks.update(frame.stamp_ns, observations)
        known = self._smoothers
        self._smoothers = {
            track.track_id: known.get(track.track_id) or self._make_smoother()
            for track, _ in pairs
        }
        return tuple(self._make_hand(frame, track, seen, index) for track, index in pairs)

    def _make_smoother(self) -> '_LandmarkSmoother':
        options = self._options
        return _LandmarkSmoother(options.smoothing_cutoff_hz, options.smoothing_speed_gain)

    def _make_hand(
        self, frame: Frame, track: Track, seen: HandLandmarks, index: int
    ) -> Hand:
        """Return the record of a tracked hand."""
        landmarks_px, landmarks_m = self._smoothers[track.track_id].smooth(
            seen.landmarks_px[index], seen.landmarks_m[index], track.size_px, frame.stamp_ns
        )
        return Hand(
            track_id=track.track_id,
            handedness=Handedness.RIGHT if track.right >= 0.5 else Handedness.LEFT,
            handedness_score=max(track.right, 1 - track.right),
            box_px=hand_boxes(landmarks_px[None], frame)[0].astype(np.float32),
            score=float(seen.presence[index]),
            presence=float(seen.presence[index]),
            landmarks_px=landmarks_px.astype(np.float32),
            landmarks_m=landmarks_m.astype(np.float32),
        )


class _LandmarkSmoother:
    """Smooths one hand's landmarks, in pixels relative to its size and in metres."""

    def __init__(self, min_cutoff_hz: float, speed_gain: float) -> None:
        self._filter = OneEuroFilter(min_cutoff_hz=min_cutoff_hz, speed_gain=speed_gain)

    def smooth(
        self, landmarks_px: np.ndarray, landmarks_m: np.ndarray, size_px: float, stamp_ns: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return both kinds of landmarks (21, 3), smoothed."""
        # both at once, in hand sizes: numpy's overhead per call is what this costs
        scales = np.array([[[max(size_px, 1.0)]], [[_HAND_LENGTH_M]]])
        both = self._filter(
            np.stack([landmarks_px, landmarks_m]), stamp_ns=stamp_ns, scale=scales
        )
        return both[0], both[1]
