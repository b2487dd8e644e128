"""Messages to the records of bodies and back, cameras and depth images."""

import numpy as np
from geometry_msgs.msg import Point, Vector3
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.msg import BodyPose, BodyPoseArray, PointingArray
from ros2_hand_action.msg import Pointing as PointingMessage
from ros2_hand_action.nodes.conversions import box_from_message
from ros2_hand_action.perception.boxes import touched_pixels
from ros2_hand_action.perception.camera import CameraModel, make_camera
from ros2_hand_action.perception.depth import DepthImage, decode_depth
from ros2_hand_action.perception.pointing import Pointing
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import KEYPOINTS

_FARTHEST = 1e6
"""Pixels or metres that no keypoint reaches: larger numbers would spoil sums with others."""


def bodies_to_message(
    bodies: tuple[Body, ...], header: Header, *, width_px: int, height_px: int
) -> BodyPoseArray:
    """Return the bodies of one image as a message."""
    message = BodyPoseArray(header=header, image_width=width_px, image_height=height_px)
    message.bodies = [
        BodyPose(
            id=body.track_id,
            score=float(body.score),
            box=_region(body.box_px),
            keypoints_px=[Point(x=x, y=y, z=np.nan) for x, y in body.keypoints_px.tolist()],
            confidence=body.confidence,
            keypoints=[Point(x=x, y=y, z=z) for x, y, z in body.keypoints_m.tolist()],
        )
        for body in bodies
    ]
    return message


def bodies_from_message(message: BodyPoseArray) -> tuple[Body, ...]:
    """Return the bodies of a message; raises HandActionError where one has no id."""
    return tuple(_body_from_message(body) for body in message.bodies)


def pointings_to_message(pointings: list[Pointing], header: Header) -> PointingArray:
    """Return the rays of the arms of all people in one image as a message."""
    message = PointingArray(header=header)
    message.pointings = [
        PointingMessage(
            body_id=pointing.body_id,
            arm=pointing.arm.value,
            origin=_point(pointing.origin_m),
            direction=Vector3(**dict(zip('xyz', pointing.direction.tolist()))),
            confidence=float(pointing.confidence),
            target=_point(pointing.target_m),
        )
        for pointing in pointings
    ]
    return message


def camera_from_message(
    message: CameraInfo, image_size: tuple[int, int], *, fallback_fov_deg: float
) -> CameraModel:
    """Return the camera that delivers images of this size.

    Raises
    ------
    ConfigError
        If the message cannot be used; says which field.
    """
    roi = message.roi
    return make_camera(
        image_size=image_size,
        k=message.k.tolist(),
        d=list(message.d),
        distortion_model=message.distortion_model,
        calibrated_size=(message.width, message.height),
        binning=(message.binning_x, message.binning_y),
        roi=(roi.x_offset, roi.y_offset, roi.width, roi.height),
        fallback_fov_deg=fallback_fov_deg,
    )


def depth_from_message(message: Image, stamp_ns: int) -> DepthImage:
    """Return the depth image of a message; raises ImageError where it is none."""
    pixels = decode_depth(
        memoryview(message.data),
        encoding=message.encoding,
        width_px=message.width,
        height_px=message.height,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
    )
    return DepthImage(pixels, stamp_ns)


def _body_from_message(message: BodyPose) -> Body:
    if not message.id:
        raise HandActionError('body has no id: the sender must give each body one')
    return Body(
        track_id=message.id,
        score=message.score,
        box_px=box_from_message(message.box),
        keypoints_px=_coordinates(message.keypoints_px)[:, :2],
        confidence=np.array(message.confidence, np.float32),
        keypoints_m=_coordinates(message.keypoints),
    )


def _region(box_px: np.ndarray) -> RegionOfInterest:
    x, y, width, height = touched_pixels(box_px)
    return RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height)


def _point(place: np.ndarray) -> Point:
    return Point(**dict(zip('xyz', place.tolist())))


def _coordinates(points: list[Point]) -> np.ndarray:
    """Return float32 (34, 3); what no body can have, as infinity, is NaN: unknown."""
    values = np.array([(point.x, point.y, point.z) for point in points], np.float64)
    values[~(np.abs(values) < _FARTHEST)] = np.nan
    return values.astype(np.float32).reshape(len(KEYPOINTS), 3)
