"""Clips of the last seconds, one for each track, sampled by time.

What is stored is up to the caller: poses, image crops, anything. 15, 30 and 60 images a second
and dropped images give a clip of the same moments: a stream that is faster than the clip's step
is thinned out, and what lies between two stored moments is interpolated or taken from the nearer.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from ros2_hand_action.errors import ConfigError

Item = TypeVar('Item')

_LEAST_STEP = 0.75
"""Items nearer than this part of a step are thinned out; below 1, so that jitter costs none."""


@dataclass(frozen=True)
class ClipOptions:
    """Which moments a clip consists of.

    Attributes
    ----------
    samples : int
        Moments in a clip, at least 2; the last is the newest image.
    step_ns : int
        Time from one to the next, at least 1.
    warm_up : float
        Share of the clip's time that must have been seen before there is a clip: above 0 to 1.
        What lies before the first item counts as equal to it.
    maximum_gap_ns : int
        A track that was not seen for longer starts anew, at least 1.
    max_tracks : int
        Clips that are kept at most, at least 1: of more tracks, the newest are left out.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    samples: int
    step_ns: int
    warm_up: float = 1.0
    maximum_gap_ns: int = 500_000_000
    max_tracks: int = 16

    def __post_init__(self) -> None:
        for name, least in (
            ('samples', 2), ('step_ns', 1), ('maximum_gap_ns', 1), ('max_tracks', 1)
        ):
            if not getattr(self, name) >= least:
                raise ConfigError(f'{name} is {getattr(self, name)!r}, must be at least {least}')
        if not 0 < self.warm_up <= 1:
            raise ConfigError(f'warm_up is {self.warm_up!r}, must be above 0 and at most 1')

    @property
    def length_ns(self) -> int:
        """Time from the first moment of a clip to its last."""
        return (self.samples - 1) * self.step_ns

    @property
    def capacity(self) -> int:
        """Most items that a buffer holds: with the size of an item, its memory."""
        return int(self.length_ns / (_LEAST_STEP * self.step_ns)) + 3


class Clip(Generic[Item]):
    """The items of one track that its clip needs, and the moments at which to look at them.

    Attributes
    ----------
    items : tuple
        Oldest first.
    stamps_ns : np.ndarray
        int64 (k,): when each was seen, ascending.
    times_ns : np.ndarray
        int64 (samples,): the clip's moments; the last is that of the newest item.
    """

    def __init__(
        self, items: tuple[Item, ...], stamps_ns: np.ndarray, times_ns: np.ndarray
    ) -> None:
        self.items = items
        self.stamps_ns = stamps_ns
        self.times_ns = times_ns

    @property
    def start_ns(self) -> int:
        """Stamp of the oldest image in the clip."""
        return int(max(self.stamps_ns[0], self.times_ns[0]))

    @property
    def end_ns(self) -> int:
        """Stamp of the newest image in the clip."""
        return int(self.stamps_ns[-1])

    def nearest(self) -> list[Item]:
        """Return the item nearest to each of the clip's moments; of two, the later one."""
        after = np.clip(np.searchsorted(self.stamps_ns, self.times_ns), 0, len(self.items) - 1)
        before = np.maximum(after - 1, 0)
        gap_before = np.abs(self.times_ns - self.stamps_ns[before])
        gap_after = np.abs(self.stamps_ns[after] - self.times_ns)
        return [self.items[i] for i in np.where(gap_before < gap_after, before, after)]

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Return values (k, ...) of the items at the clip's moments, float (samples, ...).

        Between two items it is a straight line; before the first it is the first. NaN next to
        a moment makes it NaN there, unless the moment is that of a known item.
        """
        after = np.clip(np.searchsorted(self.stamps_ns, self.times_ns), 0, len(values) - 1)
        before = np.maximum(after - 1, 0)
        span = np.maximum(self.stamps_ns[after] - self.stamps_ns[before], 1)
        weight = np.clip((self.times_ns - self.stamps_ns[before]) / span, 0, 1)
        weight = weight.reshape(-1, *(1,) * (values.ndim - 1))
        # A weight of 0 or 1 must not let NaN of the other neighbour in.
        early = np.where(weight < 1, (1 - weight) * values[before], 0)
        late = np.where(weight > 0, weight * values[after], 0)
        sampled: np.ndarray = early + late
        return sampled


class ClipBuffer(Generic[Item]):
    """The items of one track; memory is bounded by `ClipOptions.capacity`."""

    def __init__(self, options: ClipOptions) -> None:
        self._options = options
        self._kept: deque[tuple[int, Item]] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def end_ns(self) -> int | None:
        """Stamp of the newest item, None where there is none."""
        return self._kept[-1][0] if self._kept else None

    def add(self, stamp_ns: int, item: Item) -> None:
        """Take the newest item; one of the last stamp again replaces it.

        The buffer starts anew where the stamp goes back or the gap is too long.
        """
        end_ns = self.end_ns
        if end_ns is not None:
            if not 0 <= stamp_ns - end_ns <= self._options.maximum_gap_ns:
                self._kept.clear()
            elif stamp_ns == end_ns or self._is_dense():
                self._kept.pop()
        self._kept.append((stamp_ns, item))
        # One item before the clip's first moment stays, to interpolate from.
        start_ns = stamp_ns - self._options.length_ns
        while len(self._kept) > 1 and self._kept[1][0] <= start_ns:
            self._kept.popleft()

    def clip(self) -> Clip[Item] | None:
        """Return the clip that ends with the newest item, None while it is not full enough."""
        if not self._kept:
            return None
        options, (end_ns, _) = self._options, self._kept[-1]
        if end_ns - self._kept[0][0] < options.warm_up * options.length_ns:
            return None
        stamps_ns = np.array([stamp_ns for stamp_ns, _ in self._kept], np.int64)
        times_ns = end_ns - options.step_ns * np.arange(options.samples - 1, -1, -1, np.int64)
        return Clip(tuple(item for _, item in self._kept), stamps_ns, times_ns)

    def _is_dense(self) -> bool:
        """Return whether the newest item lies too near to the one before it to stay."""
        if len(self._kept) < 2:
            return False
        gap_ns = self._kept[-1][0] - self._kept[-2][0]
        return gap_ns < _LEAST_STEP * self._options.step_ns


class TrackClips(Generic[Item]):
    """A clip buffer for each track in view.

    A track that is lost, or not seen for too long, is forgotten; a stamp that goes back resets
    everything. Memory is bounded by `ClipOptions.max_tracks` times `ClipOptions.capacity`.
    """

    def __init__(self, options: ClipOptions) -> None:
        self._options = options
        self._buffers: dict[str, ClipBuffer[Item]] = {}
        self._stamp_ns: int | None = None

    def __len__(self) -> int:
        return len(self._buffers)

    def update(self, items: Mapping[str, Item], *, stamp_ns: int) -> dict[str, Clip[Item]]:
        """Add what one image shows of each track (id -> item).

        Returns
        -------
        dict
            The clips, by id, of the tracks in `items` whose clip is full enough.
        """
        if self._stamp_ns is not None and stamp_ns < self._stamp_ns:
            self.reset()
        self._stamp_ns = stamp_ns
        self._forget_lost(stamp_ns)
        clips = {}
        for track_id, item in items.items():
            if track_id not in self._buffers:
                if len(self._buffers) >= self._options.max_tracks:
                    continue
                self._buffers[track_id] = ClipBuffer(self._options)
            self._buffers[track_id].add(stamp_ns, item)
            clip = self._buffers[track_id].clip()
            if clip is not None:
                clips[track_id] = clip
        return clips

    def reset(self) -> None:
        """Forget all tracks."""
        self._buffers.clear()
        self._stamp_ns = None

    def _forget_lost(self, stamp_ns: int) -> None:
        oldest_ns = stamp_ns - self._options.maximum_gap_ns
        self._buffers = {
            track_id: buffer for track_id, buffer in self._buffers.items()
            if (buffer.end_ns or 0) >= oldest_ns
        }
