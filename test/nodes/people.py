"""A person whose keypoints are known."""

from typing import Any

import numpy as np

from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import INDEX


def make_body(track_id: str = 'p1', **changes: Any) -> Body:
    """Return a person 3 m away who faces the camera; only trunk, face and left arm are known."""
    points = np.full((34, 3), np.nan, np.float32)
    for name, place in {
        'pelvis': (0.0, 0.0, 3.0), 'neck': (0.0, -0.5, 3.0), 'torso': (0.0, -0.25, 3.0),
        'left_hip': (0.1, 0.0, 3.0), 'right_hip': (-0.1, 0.0, 3.0),
        'left_shoulder': (0.2, -0.5, 3.0), 'right_shoulder': (-0.2, -0.5, 3.0),
        'left_eye': (0.03, -0.7, 2.9), 'right_eye': (-0.03, -0.7, 2.9),
        'nose': (0.0, -0.65, 2.9), 'left_elbow': (0.4, -0.4, 2.8), 'left_wrist': (0.6, -0.3, 2.6),
    }.items():
        points[INDEX[name]] = place
    known = np.isfinite(points).all(axis=1)
    pixels = (points[:, :2] / points[:, 2:] * 50 + (32, 24)).astype(np.float32)
    values = {
        'track_id': track_id,
        'score': 0.875,
        'box_px': np.array([10.0, 5.0, 40.0, 44.0], np.float32),
        'keypoints_px': pixels,
        'confidence': np.where(known, 0.75, 0.0).astype(np.float32),
        'keypoints_m': points,
    }
    return Body(**{**values, **changes})
