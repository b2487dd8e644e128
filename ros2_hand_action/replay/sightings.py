"""What single images of a recording showed, in short: ids and labels, no coordinates."""

from collections.abc import Iterator
from typing import NamedTuple

from ros2_hand_action.perception.records import Handedness
from ros2_hand_action.replay.expectations import Kind, Shown, Thing, Who
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame


class Label(NamedTuple):
    """A label in one image, and whose it is."""

    text: str
    side: Handedness
    hand_id: str
    body_id: str

    def fits(self, wanted: Shown) -> bool:
        """Return whether this is what is looked for."""
        return self.text == wanted.label and is_by(
            wanted.who, side=self.side, hand_id=self.hand_id, body_id=self.body_id
        )


class Sighting(NamedTuple):
    """One image; what was not looked for is not in `ids` or `labels`."""

    stamp_ns: int
    ids: dict[Thing, tuple[str, ...]]
    labels: dict[Kind, tuple[Label, ...]]

    def answers(self, what: Thing | Kind) -> bool:
        """Return whether it was looked for that."""
        return what in self.ids or what in self.labels


def list_sightings(clip: ClipRecording) -> list[Sighting]:
    """Return all images of a clip, in order; reads each once."""
    return [
        Sighting(frame.stamp_ns, dict(_list_ids(frame)), dict(_list_labels(frame)))
        for frame in clip.frames
    ]


def is_by(who: Who, *, side: Handedness, hand_id: str, body_id: str) -> bool:
    """Return whether something of this hand and body is of whom is looked for."""
    return (
        who.side in (Handedness.UNKNOWN, side)
        and who.hand_id in ('', hand_id)
        and who.body_id in ('', body_id)
    )


def _list_ids(frame: RecordedFrame) -> Iterator[tuple[Thing, tuple[str, ...]]]:
    if frame.hands is not None:
        yield Thing.HAND, tuple(hand.track_id for hand in frame.hands)
    if frame.bodies is not None:
        yield Thing.BODY, tuple(body.track_id for body in frame.bodies)


def _list_labels(frame: RecordedFrame) -> Iterator[tuple[Kind, tuple[Label, ...]]]:
    if frame.gestures is not None:
        yield Kind.GESTURE, tuple(
            Label(each.label, each.handedness, each.hand_id, frame.body_ids.get(each.hand_id, ''))
            for each in frame.gestures
        )
    if frame.actions is not None:
        yield Kind.ACTION, tuple(
            Label(each.label, Handedness.UNKNOWN, '', each.body_id) for each in frame.actions
        )
