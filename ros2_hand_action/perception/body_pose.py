"""People in a stream of images: found, followed under their ids, placed in metres."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.body_detection import BodyDetector
from ros2_hand_action.perception.body_motion import MotionViews
from ros2_hand_action.perception.body_network import BlazePose, BodyNetwork, SeenBodies
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_tracking import BodyObservations, BodyTracks, covered
from ros2_hand_action.perception.bodypose3dnet import BodyPose3DNet
from ros2_hand_action.perception.camera import CameraModel, make_camera
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_search import HandSearch
from ros2_hand_action.perception.person import Person
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.stage_times import StageClock, StageTimes
from ros2_hand_action.perception.task import NetworkTask

_NOT_CALIBRATED = (0.0,) * 9
_UPRIGHT = math.radians(60)
_LEANING_EXTRA = 0.1
"""In tiles the detector takes most things for people who lean farther than this, or stand on their
heads: they need a score higher by so much; by measurement: docs/body_pose.md."""
_LEAST_VIEW = 0.75
"""Side of the smallest view of what moves, in sides of a tile."""
_LOST_SHRINK = np.array([1.0, 1.0, 0.5, 1.0])
"""A body's region has room all around it; the search for a lost one widens it again."""


class BodyResult(NamedTuple):
    """The bodies in one image, oldest track first, and where the time went."""

    bodies: tuple[Body, ...]
    times: StageTimes


class BodyPoseTracker(NetworkTask):
    """Finds and follows the people in a stream of images, and places them in metres.

    The detector runs only where a person may be new or lost; the next region of a tracked
    person comes from the landmarks, all regions of an image in one call of the network. A stamp
    that goes back, or another image size, resets the tracker.

    Parameters
    ----------
    detector : InferenceSession
        The network `pose_detection`; closed with the tracker.
    landmarks : InferenceSession
        The network `pose_landmark_*` or `bodypose3dnet`; closed with the tracker.
    options : BodyPoseOptions
    numbers : iterator of int, optional
        See `BodyTracks`.
    """

    def __init__(
        self,
        *,
        detector: InferenceSession,
        landmarks: InferenceSession,
        options: BodyPoseOptions | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        super().__init__(detector, landmarks)
        self._options = options = options or BodyPoseOptions()
        self._detector = BodyDetector(
            detector, threshold=min(options.detection_threshold, options.tile_threshold)
        )
        self._network = _make_network(landmarks, options)
        self._search = HandSearch(
            interval_ns=options.search_interval_ns,
            lost_interval_ns=options.lost_search_interval_ns,
            tile_fraction=options.tile_fraction,
        )
        self._motion = MotionViews(least_fraction=_LEAST_VIEW * options.tile_fraction)
        self._boxes_px = np.empty((0, 4))
        self._tracks = BodyTracks(
            max_bodies=options.max_bodies, memory_ns=options.lost_memory_ns, numbers=numbers
        )
        self._people: dict[str, Person] = {}
        self._is_new_loss = self._is_motion_view = False
        self._last: tuple[int, int, int] | None = None

    def process(
        self, frame: Frame, camera: CameraModel | None = None, depth: DepthImage | None = None
    ) -> BodyResult:
        """Find the people in the next image of the stream.

        Parameters
        ----------
        frame : Frame
        camera : CameraModel, optional
            Without one, a usual field of view is assumed, and distances are rough.
        depth : DepthImage, optional
            Registered to the frame and taken with it.

        Raises
        ------
        ConfigError
            If `camera` delivers images of another size.
        """
        clock = StageClock()
        camera = _check_camera(camera, frame)
        self._check_continuity(frame)
        active = self._tracks.active
        views = self._plan_search(frame, len(active))
        regions = np.reshape([track.region_px for track in active], (-1, 4))
        if views is not None:
            new = self._detect(frame, views, clock)
            new = new[~covered(new, active)][:self._options.max_bodies - len(active)]
            regions = np.concatenate([regions, new])
        seen = self._network.find(frame, regions, camera, clock)
        sources = np.where(np.arange(len(regions)) < len(active), np.arange(len(regions)), -1)
        is_there = self._is_there(seen, sources, frame)
        bodies = self._update(
            frame, seen.take(is_there), sources[is_there], camera=camera, depth=depth
        )
        return BodyResult(bodies, clock.read())

    def reset(self) -> None:
        """Forget all people; their ids stay used."""
        self._tracks.clear()
        self._people.clear()
        self._search.reset()
        self._motion.reset()
        self._boxes_px = np.empty((0, 4))

    def _check_continuity(self, frame: Frame) -> None:
        """Reset where the image does not follow the last one."""
        now = (frame.stamp_ns, frame.width_px, frame.height_px)
        if self._last is not None and (now[0] < self._last[0] or now[1:] != self._last[1:]):
            self.reset()
        self._last = now

    def _plan_search(self, frame: Frame, tracked: int) -> np.ndarray | None:
        """Return the view (1, 4) in which to look for more people now, or None."""
        self._is_motion_view = False
        if tracked >= self._options.max_bodies:
            return None
        if not self._is_new_loss and self._options.tile_fraction < 1:
            view_px = self._motion.next_view(frame, self._boxes_px)
            self._is_motion_view = view_px is not None
            if view_px is not None:
                return view_px
        return self._search.next_view(
            frame,
            tracked=tracked,
            lost_regions_px=[t.region_px * _LOST_SHRINK for t in self._tracks.lost[::-1]],
            is_new_loss=self._is_new_loss,
        )

    def _detect(self, frame: Frame, view_px: np.ndarray, clock: StageClock) -> np.ndarray:
        """Return the regions (n, 4) of the people in a view (1, 4)."""
        found = self._detector.detect(frame, view_px, clock)
        is_whole = view_px[0, 2] >= max(frame.width_px, frame.height_px)
        if is_whole:
            return found.regions_px[found.scores >= self._options.detection_threshold]
        leans = np.abs(found.regions_px[:, 3]) > _UPRIGHT
        least = self._options.tile_threshold + _LEANING_EXTRA * leans
        return found.regions_px[found.scores >= least]

    def _is_there(self, seen: SeenBodies, sources: np.ndarray, frame: Frame) -> np.ndarray:
        """Return which bodies (n,) are present, at least in part inside the image."""
        options = self._options
        least = np.where(sources >= 0, options.tracking_threshold, options.presence_threshold)
        inside = (seen.keypoints_px >= 0) & (
            seen.keypoints_px <= (frame.width_px, frame.height_px)
        )
        in_view = (inside[..., 0] & inside[..., 1]).any(axis=1)
        is_there: np.ndarray = (seen.presence >= least) & in_view
        return is_there

    def _update(
        self,
        frame: Frame,
        seen: SeenBodies,
        sources: np.ndarray,
        *,
        camera: CameraModel,
        depth: DepthImage | None,
    ) -> tuple[Body, ...]:
        """Give the people their ids, smooth and place them, and return their records."""
        observations = BodyObservations(
            seen.keypoints_px, seen.circles_px, seen.presence, sources
        )
        before = len(self._tracks.active)
        pairs = self._tracks.update(frame.stamp_ns, observations)
        self._is_new_loss = len(self._tracks.active) < before
        is_new = any(track.track_id not in self._people for track, _ in pairs)
        if is_new and not (before and self._is_motion_view):  # who comes along moves, too
            self._search.report_find()
        bodies = []
        for track, index in pairs:
            person = self._people.setdefault(track.track_id, Person(self._options))
            track.region_px = person.next_region(seen.circles_px[index], frame.stamp_ns)
            bodies.append(person.see(
                seen, index, track_id=track.track_id, frame=frame, camera=camera, depth=depth
            ))
        self._boxes_px = np.reshape([body.box_px for body in bodies], (-1, 4))
        kept = {track.track_id for track in (*self._tracks.active, *self._tracks.lost)}
        self._people = {key: value for key, value in self._people.items() if key in kept}
        return tuple(bodies)


def _check_camera(camera: CameraModel | None, frame: Frame) -> CameraModel:
    size = (frame.width_px, frame.height_px)
    if camera is None:
        return make_camera(image_size=size, k=_NOT_CALIBRATED)
    if (camera.width_px, camera.height_px) != size:
        raise ConfigError(
            f'camera delivers {camera.width_px}x{camera.height_px} pixels, the image has '
            f'{size[0]}x{size[1]}: make a camera for that size'
        )
    return camera


def _make_network(session: InferenceSession, options: BodyPoseOptions) -> BodyNetwork:
    if options.model == 'bodypose3dnet':
        return BodyPose3DNet(
            session,
            preset=options.bodypose3dnet_preset,
            keypoint_threshold=options.keypoint_threshold,
            height_m=options.person_height_m,
        )
    return BlazePose(session, keypoint_threshold=options.keypoint_threshold)


def create_body_pose_tracker(
    options: BodyPoseOptions | None = None,
    session_options: SessionOptions | None = None,
    numbers: Iterator[int] | None = None,
) -> BodyPoseTracker:
    """Load the networks from the model store and return a tracker that owns them.

    Raises
    ------
    ModelError
        If a network is not there or damaged; the message says how to get it.
    """
    options = options or BodyPoseOptions()
    name = options.model if options.model == 'bodypose3dnet' else f'pose_landmark_{options.model}'
    opened: list[InferenceSession] = []
    try:
        for network in ('pose_detection', name):
            opened.append(create_session(model_path(network), session_options))
    except BaseException:
        for session in opened:
            session.close()
        raise
    return BodyPoseTracker(
        detector=opened[0], landmarks=opened[1], options=options, numbers=numbers
    )
