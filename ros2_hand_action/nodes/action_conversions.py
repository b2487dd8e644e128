"""Messages to the records of actions and back."""

from collections.abc import Sequence

import numpy as np
from std_msgs.msg import Header

from ros2_hand_action.msg import Action as ActionMessage
from ros2_hand_action.msg import ActionArray
from ros2_hand_action.msg import ActionEvent as ActionEventMessage
from ros2_hand_action.nodes.conversions import (
    duration_from_ns,
    read_phase,
    stamp_from_ns,
    stamp_to_ns,
)
from ros2_hand_action.perception.records import Action, ActionEvent


def actions_to_message(
    actions: Sequence[Action], header: Header, labels: Sequence[str]
) -> ActionArray:
    """Return the actions that the newest image shows as a message."""
    message = ActionArray(header=header, labels=list(labels))
    message.actions = [
        ActionMessage(
            body_id=action.body_id,
            label=action.label,
            score=action.score,
            probabilities=action.probabilities,
            clip_start=stamp_from_ns(action.clip_start_ns),
            clip_end=stamp_from_ns(action.clip_end_ns),
        )
        for action in actions
    ]
    return message


def actions_from_message(message: ActionArray) -> tuple[Action, ...]:
    """Return the actions of a message; raises HandActionError on a stamp that is no time."""
    return tuple(
        Action(
            body_id=action.body_id,
            label=action.label,
            score=action.score,
            probabilities=np.array(action.probabilities, np.float32),
            clip_start_ns=stamp_to_ns(action.clip_start),
            clip_end_ns=stamp_to_ns(action.clip_end),
        )
        for action in message.actions
    )


def action_event_to_message(event: ActionEvent, frame_id: str) -> ActionEventMessage:
    """Return an event as a message with the stamp of the image that caused it."""
    return ActionEventMessage(
        header=Header(stamp=stamp_from_ns(event.stamp_ns), frame_id=frame_id),
        phase=event.phase.value,
        label=event.label,
        body_id=event.body_id,
        score=event.score,
        start=stamp_from_ns(event.start_ns),
        duration=duration_from_ns(event.duration_ns),
    )


def action_event_from_message(message: ActionEventMessage) -> ActionEvent:
    """Return the event of a message; raises HandActionError on a value out of its set."""
    return ActionEvent(
        phase=read_phase(message.phase),
        label=message.label,
        body_id=message.body_id,
        score=message.score,
        start_ns=stamp_to_ns(message.start),
        stamp_ns=stamp_to_ns(message.header.stamp),
    )
