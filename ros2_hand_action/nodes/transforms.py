"""Bodies and hands as frames of TF."""

from collections.abc import Iterable

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from ros2_hand_action.perception.body_axes import find_body_axes, quaternion
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.hand_place import find_hand_axes, find_wrist_m
from ros2_hand_action.perception.records import Body, Hand
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS

BODY, HAND = 'body', 'hand'
_PELVIS = INDEX['pelvis']


def body_transforms(bodies: Iterable[Body], header: Header) -> TFMessage:
    """Return the frames of bodies: `body_ID` at mid-hips and `JOINT_ID` at each known keypoint.

    All are children of the image's frame, stamped as the image. Axes are the trunk's: x forward
    out of the chest, y to the person's left, z up. Where the trunk is not known there is no
    `body_ID`, and joints have the axes of the image's frame.
    """
    return TFMessage(
        transforms=[frame for body in bodies for frame in _frames_of(body, header)]
    )


def hand_transforms(hands: Iterable[Hand], header: Header, camera: CameraModel) -> TFMessage:
    """Return the frames of hands: `hand_ID` at each wrist whose place can be told.

    Children of the image's frame, stamped as the image; x from the wrist to the middle knuckle,
    z out of the back of the hand.
    """
    frames = []
    for hand in hands:
        wrist, axes = find_wrist_m(hand, camera), find_hand_axes(hand)
        if wrist is not None and axes is not None:
            child = f'{HAND}_{hand.track_id}'
            frames.append(_make_transform(header, child, wrist, _turn_message(axes)))
    return TFMessage(transforms=frames)


def _make_transform(
    header: Header, child: str, place_m: np.ndarray, turn: Quaternion
) -> TransformStamped:
    """Return a frame at a place (3,) in the header's frame."""
    x, y, z = place_m.tolist()
    return TransformStamped(
        header=header,
        child_frame_id=child,
        transform=Transform(translation=Vector3(x=x, y=y, z=z), rotation=turn),
    )


def _turn_message(axes: np.ndarray | None) -> Quaternion:
    """Return a rotation matrix (3, 3) as a message; no turn for None."""
    x, y, z, w = quaternion(axes) if axes is not None else (0.0, 0.0, 0.0, 1.0)
    return Quaternion(x=x, y=y, z=z, w=w)


def _frames_of(body: Body, header: Header) -> list[TransformStamped]:
    places = body.keypoints_m
    axes = find_body_axes(places)
    turn = _turn_message(axes)
    frames = [
        _make_transform(header, f'{KEYPOINTS[index]}_{body.track_id}', places[index], turn)
        for index in np.flatnonzero(np.isfinite(places).all(axis=1))
    ]
    if axes is not None:  # then the pelvis is known
        frames.insert(0, _make_transform(header, f'{BODY}_{body.track_id}', places[_PELVIS], turn))
    return frames
