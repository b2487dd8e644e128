"""Bodies and hands as frames of TF."""

from collections.abc import Iterable

from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.frames import NamedFrame, body_frames, hand_frames
from ros2_hand_action.perception.records import Body, Hand


def body_transforms(bodies: Iterable[Body], header: Header) -> TFMessage:
    """Return the frames of bodies, as `body_frames` has them.

    All are children of the image's frame, stamped as the image.
    """
    return _message(body_frames(bodies), header)


def hand_transforms(hands: Iterable[Hand], header: Header, camera: CameraModel) -> TFMessage:
    """Return the frames of hands, as `hand_frames` has them.

    All are children of the image's frame, stamped as the image.
    """
    return _message(hand_frames(hands, camera), header)


def _message(frames: Iterable[NamedFrame], header: Header) -> TFMessage:
    return TFMessage(transforms=[
        TransformStamped(
            header=header,
            child_frame_id=frame.name,
            transform=Transform(
                translation=Vector3(**dict(zip('xyz', frame.place_m))),
                rotation=Quaternion(**dict(zip('xyzw', frame.turn))),
            ),
        )
        for frame in frames
    ])
