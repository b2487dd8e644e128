"""Gesture and action events of a recording alike, as expectations see them."""

from typing import NamedTuple

from ros2_hand_action.perception.records import Handedness, Phase
from ros2_hand_action.replay.expectations import Kind, Moment
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.sightings import is_by


class Happening(NamedTuple):
    """An event of a gesture or an action; `number` tells those apart that are equal."""

    stamp_ns: int
    number: int
    kind: Kind
    label: str
    phase: Phase
    side: Handedness
    hand_id: str
    body_id: str

    def fits(self, wanted: Moment) -> bool:
        """Return whether this is what is looked for, at whatever time."""
        return (
            wanted.kind in (None, self.kind)
            and wanted.label == self.label
            and wanted.phase in (None, self.phase)
            and is_by(wanted.who, side=self.side, hand_id=self.hand_id, body_id=self.body_id)
        )

    def describe(self, *, with_ids: bool = True) -> str:
        """Return it in the words of an expectation, with the ids in brackets."""
        side = '' if self.side is Handedness.UNKNOWN else f' {self.side.name.lower()} hand'
        ids = ', '.join(filter(None, (self.hand_id, self.body_id)))
        text = f'{self.kind.value} {quote(self.label)} {self.phase.name}{side}'
        return f'{text} ({ids})' if ids and with_ids else text


def list_happenings(clip: ClipRecording) -> list[Happening]:
    """Return all events of a clip in order of their stamps."""
    happenings = [
        Happening(
            event.stamp_ns, number, Kind.GESTURE, event.label, event.phase, event.handedness,
            event.hand_id, event.body_id,
        )
        for number, event in enumerate(recorded.event for recorded in clip.events)
    ] + [
        Happening(
            event.stamp_ns, number, Kind.ACTION, event.label, event.phase, Handedness.UNKNOWN,
            '', event.body_id,
        )
        for number, event in enumerate(recorded.event for recorded in clip.action_events)
    ]  # fmt: skip
    return sorted(happenings, key=lambda happening: happening.stamp_ns)


def quote(label: str) -> str:
    """Return a label as an expectation has it: in quotation marks unless it is a plain word."""
    return label if label.isidentifier() else f'"{label}"'
