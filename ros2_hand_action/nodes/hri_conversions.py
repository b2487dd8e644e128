"""Bodies as messages of hri_msgs (REP-155); the messages' types are handed in.

hri_msgs is no dependency: where it is not installed nothing here runs.
"""

from typing import Any

import numpy as np
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from ros2_hand_action.msg import GestureEvent, Hand
from ros2_hand_action.perception.body_joints import find_joint_angles
from ros2_hand_action.perception.body_posture import Posture, find_posture
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import to_openpose

_GESTURES = {
    'thumbs_up': 'THUMB_UP', 'fist': 'CLOSED_FIST', 'stop': 'OPEN_PALM', 'two': 'VICTORY',
}
"""Label -> constant of hri_msgs/Gesture; the others are OTHER."""
_POSTURES = {Posture.LYING: 'LAYING'}
"""Posture -> constant of hri_msgs/BodyPosture, where that has another name."""
_HANDEDNESS = {Hand.UNKNOWN: 0, Hand.RIGHT: 1, Hand.LEFT: 2}
"""Values of hri_msgs/Gesture's handedness, the first of which is INDEPENDENT."""


def region_to_hri(hri: Any, body: Body, header: Header, size_px: tuple[int, int]) -> Any:
    """Return the box as NormalizedRegionOfInterest2D, 0 to 1 of the image's size."""
    scale = np.array(size_px * 2, np.float64)
    xmin, ymin, xmax, ymax = (body.box_px / scale).clip(0, 1).tolist()
    return hri.NormalizedRegionOfInterest2D(
        header=header, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax, c=float(body.score)
    )


def skeleton_to_hri(hri: Any, body: Body, header: Header, size_px: tuple[int, int]) -> Any:
    """Return the keypoints as Skeleton2D; c = 0 where unknown or outside the image."""
    places = to_openpose(body.keypoints_px).astype(np.float64) / size_px
    seen = ((places >= 0) & (places <= 1)).all(axis=1)  # False for NaN
    places[~seen] = 0
    confidence = np.where(seen, to_openpose(body.confidence), 0)
    points = [
        hri.NormalizedPointOfInterest2D(x=x, y=y, c=c)
        for (x, y), c in zip(places.tolist(), confidence.tolist())
    ]
    return hri.Skeleton2D(header=header, skeleton=points)


def joints_to_message(body: Body, header: Header) -> JointState:
    """Return the angles of the joints that are known as JOINT_ID, which need no hri_msgs."""
    angles = find_joint_angles(body.keypoints_m)
    return JointState(
        header=header,
        name=[f'{joint}_{body.track_id}' for joint in angles],
        position=list(angles.values()),
    )


def posture_to_hri(hri: Any, body: Body, header: Header, pitch_deg: float) -> Any:
    """Return the posture as BodyPosture; None where unknown, or where hri_msgs has none."""
    if not hasattr(hri, 'BodyPosture'):
        return None
    posture = find_posture(body.keypoints_m, pitch_deg=pitch_deg)
    if posture is None:
        return None
    name = _POSTURES.get(posture, posture.name)
    return hri.BodyPosture(header=header, posture=getattr(hri.BodyPosture, name))


def gesture_to_hri(hri: Any, event: GestureEvent) -> Any:
    """Return the gesture of an event as Gesture; older hri_msgs know fewer, and no sides."""
    name = _GESTURES.get(event.label, 'OTHER')
    message = hri.Gesture(
        header=event.header, gesture=getattr(hri.Gesture, name, hri.Gesture.OTHER)
    )
    if hasattr(message, 'handedness'):
        message.handedness = _HANDEDNESS.get(event.handedness, 0)
    return message


def crop_of(pixels: np.ndarray, body: Body) -> np.ndarray | None:
    """Return the part of an image that a body is in, a view; None where it is empty."""
    low = np.floor(body.box_px[:2]).astype(int)
    high = np.ceil(body.box_px[2:]).astype(int)
    crop = pixels[max(low[1], 0):max(high[1], 0), max(low[0], 0):max(high[0], 0)]
    return crop if crop.size else None
