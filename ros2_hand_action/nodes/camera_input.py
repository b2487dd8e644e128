"""The camera's calibration as it is published, or an assumption that is told."""

import time
from typing import Any

from sensor_msgs.msg import CameraInfo

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_conversions import camera_from_message
from ros2_hand_action.nodes.parameters import Change, NodeParameter
from ros2_hand_action.nodes.subscription import AdaptiveSubscription, Candidate, Delivery
from ros2_hand_action.perception.camera import DEFAULT_FOV_DEG, CameraModel

FIELD_OF_VIEW = NodeParameter(
    'field_of_view_deg', DEFAULT_FOV_DEG,
    'Horizontal field of view assumed where camera_info is absent or not calibrated (degrees)',
    low=1.0, high=179.0, change=Change.ANY_TIME,
)

_GRACE_S = 1.0
"""camera_info may come so much later than the first images without a warning."""
_REPEAT_S = 30.0


class CameraInput:
    """Keeps the newest camera_info and makes cameras of it.

    Parameters
    ----------
    node : HandActionNode
        Declares FIELD_OF_VIEW.
    """

    def __init__(self, node: HandActionNode) -> None:
        self._node = node
        self._message: CameraInfo | None = None
        self._key: tuple[Any, ...] = ()
        self._camera: CameraModel | None = None
        self._since_s = time.monotonic()
        self._subscription = AdaptiveSubscription(
            node,
            candidates=[Candidate(topics.CAMERA_INFO, CameraInfo)],
            callback=self._take,
            depth=1,
        )

    @property
    def description(self) -> str:
        """What distances stand on, for /diagnostics."""
        if self._camera is None:
            return 'no image yet'
        return 'assumed field of view' if self._camera.is_assumed else 'calibrated'

    def camera_for(self, width_px: int, height_px: int) -> CameraModel:
        """Return the camera that delivers images of this size, calibrated or assumed."""
        fov_deg = float(self._node.value('field_of_view_deg'))
        key = (_content(self._message), width_px, height_px, fov_deg)
        if self._camera is None or key != self._key:
            self._key, self._camera = key, self._make((width_px, height_px), fov_deg)
        if self._camera.is_assumed:
            self._warn()
        return self._camera

    def watch(self) -> None:
        """Follow the publishers."""
        self._subscription.adapt()

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()

    def _take(self, message: CameraInfo, _delivery: Delivery) -> None:
        self._message = message

    def _make(self, size: tuple[int, int], fov_deg: float) -> CameraModel:
        message = self._message or CameraInfo()
        try:
            return camera_from_message(message, size, fallback_fov_deg=fov_deg)
        except ConfigError as error:
            self._node.problems.exception(f'{self._subscription.topic!r} not used', error)
            return camera_from_message(CameraInfo(), size, fallback_fov_deg=fov_deg)

    def _warn(self) -> None:
        if self._message is None and time.monotonic() - self._since_s < _GRACE_S:
            return
        cause = 'nothing' if self._message is None else 'no usable calibration (K)'
        self._node.problems.warning(
            'no calibration',
            f'{cause} on {self._subscription.topic!r}: assumed a field of view of '
            f'{self._node.value("field_of_view_deg")} degrees, so distances are rough. Calibrate '
            'the camera, remap camera_info, or set field_of_view_deg',
            repeat_s=_REPEAT_S,
        )


def _content(message: CameraInfo | None) -> tuple[Any, ...]:
    """Return what a camera is made of, comparable: drivers send the same with every image."""
    if message is None:
        return ()
    roi = message.roi
    return (
        message.k.tobytes(), tuple(message.d), message.distortion_model, message.width,
        message.height, message.binning_x, message.binning_y,
        roi.x_offset, roi.y_offset, roi.width, roi.height,
    )
