"""One tracked person: what is remembered from image to image, and the body it makes."""

import numpy as np

from ros2_hand_action.perception.body_detection import circle_regions
from ros2_hand_action.perception.body_network import SeenBodies
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_sides import BodySides
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.depth import DepthImage, correct_by_depth
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.lifting import lift
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.regions import clip_boxes
from ros2_hand_action.perception.smoothing import OneEuroFilter

_REGION_CUTOFF_HZ, _REGION_SPEED_GAIN = 0.01, 10.0
"""Smoothing of the region, as MediaPipe's `pose_landmark_filtering.pbtxt`."""
_REST_DISTANCE, _REST_NS = 0.01, 500_000_000
"""A region that has moved less than this part of the circle's diameter for so long stays where it
is: one that wanders makes the network's answers wander."""
_DEPTH_CUTOFF_RATIO, _DEPTH_SPEED_GAIN = 0.8, 2.0
"""Smoothing of the depths from joint to joint, which networks see worst: cut-off over that of the
options."""
_PIXEL_SPEED_GAIN = 3.0
_HEIGHT_WEIGHT = 0.1
_LEAST_HEIGHT_M, _MOST_HEIGHT_M = 0.7, 2.3


class Person:
    """Smooths, places and sizes one person; made anew for each track.

    Parameters
    ----------
    options : BodyPoseOptions
    """

    def __init__(self, options: BodyPoseOptions) -> None:
        cutoff_hz = options.smoothing_cutoff_hz
        self._region = OneEuroFilter(
            min_cutoff_hz=_REGION_CUTOFF_HZ, speed_gain=_REGION_SPEED_GAIN, speed_of_raw=True
        )
        self._relative = OneEuroFilter(
            min_cutoff_hz=_DEPTH_CUTOFF_RATIO * cutoff_hz, speed_gain=_DEPTH_SPEED_GAIN
        )
        self._pixels = OneEuroFilter(min_cutoff_hz=cutoff_hz, speed_gain=_PIXEL_SPEED_GAIN)
        self._metres = OneEuroFilter(
            min_cutoff_hz=cutoff_hz, speed_gain=options.smoothing_speed_gain
        )
        self._rest_px = np.full((2, 2), np.nan)
        self._rest_since_ns = 0
        self._height_m = options.person_height_m
        self._is_measured = False
        self._sides = BodySides()

    def see(
        self,
        seen: SeenBodies,
        index: int,
        *,
        track_id: str,
        frame: Frame,
        camera: CameraModel,
        depth: DepthImage | None,
    ) -> Body:
        """Return the person's body in the newest image."""
        stamp_ns = frame.stamp_ns
        radius_px = float(np.linalg.norm(np.diff(seen.circles_px[index], axis=0)))
        keypoints_px, relative_m, confidence = self._sides.straighten(
            seen.keypoints_px[index], seen.relative_m[index], seen.confidence[index],
            radius_px=max(radius_px, 1.0), stamp_ns=stamp_ns,
        )
        relative_m = self._relative(relative_m, stamp_ns=stamp_ns)
        placed_m = seen.placed_m[index]
        if np.isnan(placed_m).all():
            rays = camera.unproject(keypoints_px)
            placed_m = lift(relative_m, rays, confidence, height_m=self._height_m)
        if depth is not None:
            placed_m = self._measure(placed_m, keypoints_px, confidence, depth, camera)
        points_m = self._metres(placed_m, stamp_ns=stamp_ns)
        points_px = self._pixels(keypoints_px, stamp_ns=stamp_ns, scale=max(radius_px, 1.0))
        return _make_body(
            track_id, float(seen.presence[index]), points_px, points_m, confidence, frame
        )

    def next_region(self, circle_px: np.ndarray, stamp_ns: int) -> np.ndarray:
        """Return the region (4,) for the next image after a body in this circle (2, 2)."""
        diameter_px = 2 * float(np.linalg.norm(circle_px[1] - circle_px[0]))
        steady = self._region(circle_px, stamp_ns=stamp_ns, scale=max(diameter_px, 1.0))
        moved_px = np.linalg.norm(steady - self._rest_px, axis=1).max()
        if not moved_px < _REST_DISTANCE * diameter_px:
            self._rest_px, self._rest_since_ns = steady, stamp_ns
        if stamp_ns - self._rest_since_ns >= _REST_NS:
            steady = self._rest_px
        return circle_regions(steady[None, 0], steady[None, 1])[0]

    def _measure(
        self,
        placed_m: np.ndarray,
        keypoints_px: np.ndarray,
        confidence: np.ndarray,
        depth: DepthImage,
        camera: CameraModel,
    ) -> np.ndarray:
        """Take distances from the depth image, and learn the person's height from them."""
        corrected, factor = correct_by_depth(
            placed_m, keypoints_px, confidence, depth,
            image_size=(camera.width_px, camera.height_px), focal_px=float(camera.matrix[0, 0]),
        )
        height_m = self._height_m * factor
        if _LEAST_HEIGHT_M <= height_m <= _MOST_HEIGHT_M:
            weight = _HEIGHT_WEIGHT if self._is_measured else 1.0
            self._height_m += weight * (height_m - self._height_m)
            self._is_measured = True
        return corrected


def _make_body(
    track_id: str,
    score: float,
    points_px: np.ndarray,
    points_m: np.ndarray,
    confidence: np.ndarray,
    frame: Frame,
) -> Body:
    """Return the record; what is not known is NaN in all of its fields."""
    known = (confidence > 0) & np.isfinite(points_px).all(axis=1)
    points_px, points_m = points_px.astype(np.float32), points_m.astype(np.float32)
    points_px[~known], points_m[~known] = np.nan, np.nan
    box = np.zeros((1, 4), np.float32)
    if known.any():
        low, high = points_px[known].min(axis=0), points_px[known].max(axis=0)
        box = clip_boxes(np.concatenate([low, high])[None], frame).astype(np.float32)
    return Body(
        track_id=track_id,
        score=score,
        box_px=box[0],
        keypoints_px=points_px,
        confidence=np.where(known, confidence, 0).astype(np.float32),
        keypoints_m=points_m,
    )
