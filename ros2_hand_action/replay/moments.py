"""Which images of a clip are worth a picture, and what they show."""

from bisect import bisect_left
from collections import Counter
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.records import GestureEvent, Phase
from ros2_hand_action.replay.history import Event, all_events, owner_id, side
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame, Recording

_MOMENTS_PER_CLIP = 4
_STILLS_PER_REPORT = 120
_SHORTEST_STEP_S = 0.25
_HAND_SURROUNDINGS, _BODY_SURROUNDINGS = 6.0, 1.5
"""A picture is so many times as large as its hand or body, and at least _SMALLEST_CROP of the
image."""
_SMALLEST_CROP = 0.5
_FIRM_IMAGES = 8
"""What is in fewer images may be no hand or body."""


class Moment(NamedTuple):
    """An image for the report's front page; `owner_id` is the hand or body it is about."""

    title: str
    detail: str
    owner_id: str = ''


def choose_stills(clip: ClipRecording, *, step_s: float) -> set[int]:
    """Return numbers of images: one at every event, and at least one in every `step_s`."""
    frames = [(frame.stamp_ns, frame.index) for frame in clip.frames]
    step = max(int(step_s * clip.fps), 1)
    wanted = {index for _, index in frames[::step]}
    frames.sort()  # stamps may go back
    stamps_ns = [stamp_ns for stamp_ns, _ in frames]
    for event in all_events(clip):
        place = bisect_left(stamps_ns, event.stamp_ns)
        wanted.add(frames[min(place, len(frames) - 1)][1])
    return wanted


def still_step_s(recording: Recording) -> float:
    """Return the time between the stills of a report, so that it does not grow without end."""
    total_s = sum(len(clip.frames) / clip.fps for clip in recording.clips)
    return max(_SHORTEST_STEP_S, total_s / _STILLS_PER_REPORT)


def choose_moments(clip: ClipRecording) -> dict[int, Moment]:
    """Return image number -> moment: what started, else where most hands and bodies are."""
    name = clip.name.replace('_', ' ')
    frames = sorted((frame.stamp_ns, place) for place, frame in enumerate(clip.frames))
    stamps_ns = [stamp_ns for stamp_ns, _ in frames]
    started = [event for event in all_events(clip) if event.phase is Phase.STARTED]
    moments = {}
    for event in started[:_MOMENTS_PER_CLIP]:
        place = bisect_left(stamps_ns, event.stamp_ns)
        if place < len(stamps_ns):
            detail = f'{_describe(event)}, {name} at {clip.seconds(event.stamp_ns):.1f} s'
            moment = Moment(f'{event.label} begins', detail, owner_id(event))
            moments[clip.frames[frames[place][1]].index] = moment
    if moments or not stamps_ns:
        return moments
    best = clip.frames[_find_fullest(clip)]
    detail = f'{name} at {clip.seconds(best.stamp_ns):.1f} s'
    return {best.index: Moment(_title(best), detail)}


def crop_to(image: np.ndarray, moment: Moment, frame: RecordedFrame) -> np.ndarray:
    """Return the part of an image that shows a moment's hand or body; all without such."""
    for hand in frame.hands or ():
        if hand.track_id == moment.owner_id:
            return crop_around(image, hand.box_px, _HAND_SURROUNDINGS)
    for body in frame.bodies or ():
        if body.track_id == moment.owner_id:
            return crop_around(image, body.box_px, _BODY_SURROUNDINGS)
    return image


def crop_around(image: np.ndarray, box_px: np.ndarray, surroundings: float) -> np.ndarray:
    """Return the part of an image, of its shape, around a box.

    Parameters
    ----------
    image : np.ndarray
        (height, width, ...).
    box_px : np.ndarray
        (4,): xmin, ymin, xmax, ymax.
    surroundings : float
        Size of the part over that of the box.
    """
    height_px, width_px = image.shape[:2]
    xmin, ymin, xmax, ymax = np.nan_to_num(box_px).tolist()
    share = max((xmax - xmin) / width_px, (ymax - ymin) / height_px) * surroundings
    share = min(max(share, _SMALLEST_CROP), 1.0)
    width, height = round(width_px * share), round(height_px * share)
    left = min(max(round((xmin + xmax - width) / 2), 0), width_px - width)
    top = min(max(round((ymin + ymax - height) / 2), 0), height_px - height)
    return image[top : top + height, left : left + width]


def _describe(event: Event) -> str:
    if isinstance(event, GestureEvent):
        return f'{side(event.handedness)} hand {event.hand_id}'.strip()
    return f'person {event.body_id}' if event.body_id else 'whole image'


def _find_fullest(clip: ClipRecording) -> int:
    """Return the place of the image with most hands and bodies that are not there for a moment."""
    ids = [
        {hand.track_id for hand in frame.hands or ()}
        | {body.track_id for body in frame.bodies or ()}
        for frame in clip.frames
    ]
    seen = Counter(track_id for each in ids for track_id in each)
    counts = [
        sum(1 if seen[track_id] >= _FIRM_IMAGES else -1 for track_id in each) for each in ids
    ]
    return counts.index(max(counts))


def _title(frame: RecordedFrame) -> str:
    counts = [
        f'{len(found)} {name if len(found) == 1 else names}'
        for found, name, names in (
            (frame.hands or (), 'hand', 'hands'), (frame.bodies or (), 'person', 'people'),
        ) if found
    ]  # fmt: skip
    return f'{" and ".join(counts)} in view' if counts else 'nobody found'
