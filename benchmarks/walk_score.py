"""How much of the time in which somebody walks in a video is named so."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.records import ActionEvent, Body, Phase

WALK = 'walk'
_SECOND_NS = 1_000_000_000
_NO_BODY, _NO_ACTION = 'not found', 'no action yet'

WALKS_S = {
    'walking_woman': ((2.0, 6.2),),  # a man on a roof is above her; he jumps down later
    # One step backwards at a time, with pauses.
    'walking_man': ((0.55, 2.1), (2.9, 4.7), (5.3, 6.6), (7.3, 9.0), (10.1, 12.4)),
}
"""When the person lowest in the image walks, as somebody who watched the video noted."""


class Moment(NamedTuple):
    """One image of a video.

    Attributes
    ----------
    time_s : float
        In the video.
    stamp_ns : int
        As in the events.
    walker : str
        Id of the body that walks, '' where it was not found.
    label : str
        What was named of it; '' for nothing.
    is_answered : bool
        Whether the image was looked at.
    """

    time_s: float
    stamp_ns: int
    walker: str = ''
    label: str = ''
    is_answered: bool = True


def find_walker(bodies: Sequence[Body], height_px: int) -> str:
    """Return the id of the body lowest in the image, '' where none reaches its lower half."""
    low = [body for body in bodies if body.box_px[3] > height_px / 2]  # not the man on the roof
    return max(low, key=lambda body: body.box_px[3]).track_id if low else ''


def score_walk(
    name: str, moments: Sequence[Moment], events: Iterable[ActionEvent]
) -> str:
    """Return lines on the share of the time in which the person walks that is named so.

    By the events every image counts, also one that was left out; by the labels those that were
    looked at.
    """
    spans = _find_spans(events)
    walker, counts, lasts = '', dict.fromkeys((WALK, _NO_BODY, _NO_ACTION, 'else'), 0), []
    while_still = []
    for moment in moments:
        walker = moment.walker or walker
        lasting = any(
            body_id == walker and first <= moment.stamp_ns < last for body_id, first, last in spans
        )
        if not any(first <= moment.time_s <= last for first, last in WALKS_S[name]):
            while_still.append(lasting)
            continue
        lasts.append(lasting)
        if moment.is_answered:
            found = moment.label or (_NO_ACTION if moment.walker else _NO_BODY)
            counts[found if found in counts else 'else'] += 1
    total = sum(counts.values())
    return (
        f'  {len(lasts)} images in which the person walks: the event walk lasts in '
        f'{100 * np.mean(lasts):.0f} %; of {total} that were looked at {WALK} is the label of '
        f'{100 * counts.pop(WALK) / total:.0f} %, {counts}\n'
        f'  {len(while_still)} others: the event walk lasts in {100 * np.mean(while_still):.0f} %'
    )


def _find_spans(events: Iterable[ActionEvent]) -> list[tuple[str, int, float]]:
    """Return (body id, first stamp, stamp of the end) of every walk."""
    spans: list[tuple[str, int, float]] = []
    open_since: dict[str, int] = {}
    for event in events:
        if event.label == WALK and event.phase is Phase.STARTED:
            open_since[event.body_id] = event.stamp_ns
        elif event.label == WALK and event.phase is Phase.ENDED:
            spans.append((event.body_id, open_since.pop(event.body_id), event.stamp_ns))
    return spans + [(body_id, first, np.inf) for body_id, first in open_since.items()]
