"""Scores the body pose task against ground truth."""

import dataclasses
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_pose import BodyPoseTracker, create_body_pose_tracker
from ros2_hand_action.perception.camera import CameraModel, make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.pose_metrics import PoseScores, score_poses
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.training.pose_dataset import PoseDataset, PoseEntry

_ROOTS = (('pelvis',), ('left_hip', 'right_hip'))
_STILL_STEP_NS = 33_333_333
_UNSMOOTHED_HZ = 1e6


def evaluate_poses(
    dataset: PoseDataset,
    options: BodyPoseOptions,
    session_options: SessionOptions,
    progress: Iterable[PoseEntry] | None = None,
) -> PoseScores:
    """Estimate the poses of all pictures and compare them with the truth.

    A sequence is followed in the order of its stamps. A single picture is looked at twice, so
    that the second look has the region that the first one found.

    Parameters
    ----------
    progress : iterable of PoseEntry, optional
        The dataset's entries wrapped in a progress bar.

    Raises
    ------
    DatasetError
        If a picture cannot be read, or the joints hold neither pelvis nor both hips.
    """
    roots = _find_roots(dataset.joints)
    places = [INDEX[name] for name in dataset.joints]
    poses: list[np.ndarray | None] = []
    with _Trackers(options, session_options) as trackers:
        for entry in dataset.entries if progress is None else progress:
            body = _choose(trackers.look(entry), entry.joints_m, places)
            poses.append(None if body is None else body.keypoints_m[places].astype(np.float64))
    truths = [entry.joints_m for entry in dataset.entries]
    return score_poses(dataset.joints, poses, truths, roots)


class _Trackers:
    """One tracker for each sequence, height and kind of entry."""

    def __init__(self, options: BodyPoseOptions, session_options: SessionOptions) -> None:
        self._options = options
        self._session_options = session_options
        self._trackers: dict[tuple[str, float], BodyPoseTracker] = {}
        self._answers: dict[tuple[str, float, str, int], tuple[Body, ...]] = {}

    def __enter__(self) -> '_Trackers':
        return self

    def __exit__(self, *_: object) -> None:
        for tracker in self._trackers.values():
            tracker.close()

    def look(self, entry: PoseEntry) -> tuple[Body, ...]:
        """Return the bodies in an entry's picture."""
        height = self._options.person_height_m if entry.height_m is None else entry.height_m
        key = (entry.sequence, height, str(entry.image), entry.stamp_ns)
        if key not in self._answers:  # the same picture holds several people
            self._answers = {
                known: bodies for known, bodies in self._answers.items() if known[2] == key[2]
            }
            self._answers[key] = self._estimate(entry, height)
        return self._answers[key]

    def _estimate(self, entry: PoseEntry, height_m: float) -> tuple[Body, ...]:
        pixels = cv2.imread(str(entry.image), cv2.IMREAD_COLOR)
        if pixels is None:
            raise DatasetError(f'cannot read the picture {str(entry.image)!r}')
        camera = make_camera(
            image_size=(pixels.shape[1], pixels.shape[0]), k=entry.k, d=entry.d,
            distortion_model=entry.distortion_model,
        )
        tracker = self._tracker(entry.sequence, height_m)
        frame = Frame(pixels, PixelOrder.BGR, entry.stamp_ns)
        if entry.sequence:
            return tracker.process(frame, camera).bodies
        return _look_twice(tracker, frame, camera)

    def _tracker(self, sequence: str, height_m: float) -> BodyPoseTracker:
        key = (sequence, height_m)
        if key not in self._trackers:
            options = dataclasses.replace(self._options, person_height_m=height_m)
            if not sequence:
                options = dataclasses.replace(options, smoothing_cutoff_hz=_UNSMOOTHED_HZ)
            self._trackers[key] = create_body_pose_tracker(options, self._session_options)
        return self._trackers[key]


def _look_twice(
    tracker: BodyPoseTracker, frame: Frame, camera: CameraModel
) -> tuple[Body, ...]:
    tracker.reset()
    tracker.process(dataclasses.replace(frame, stamp_ns=0), camera)
    return tracker.process(dataclasses.replace(frame, stamp_ns=_STILL_STEP_NS), camera).bodies


def _choose(
    bodies: Sequence[Body], truth_m: np.ndarray, places: Sequence[int]
) -> Body | None:
    """Return the body that lies nearest to the truth as the camera sees it, None if none."""

    def direction_gap(body: Body) -> float:
        gaps = _directions(body.keypoints_m[list(places)]) - _directions(truth_m)
        distances = np.linalg.norm(gaps, axis=1)
        known = np.isfinite(distances)
        return float(distances[known].mean()) if known.any() else np.inf

    found = [body for body in bodies if np.isfinite(direction_gap(body))]
    return min(found, key=direction_gap, default=None)


def _directions(points_m: np.ndarray) -> np.ndarray:
    ahead: np.ndarray = points_m[:, :2] / points_m[:, 2:]
    return ahead


def _find_roots(joints: Sequence[str]) -> list[int]:
    for names in _ROOTS:
        if all(name in joints for name in names):
            return [joints.index(name) for name in names]
    raise DatasetError(f'the joints {tuple(joints)!r} hold neither pelvis nor both hips')
