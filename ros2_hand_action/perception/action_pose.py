"""Actions of people from how their bodies move: no image needed, a small network, any machine."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.perception.action_clips import Clip, ClipOptions, TrackClips
from ros2_hand_action.perception.action_features import (
    DENSE_SAMPLES,
    DENSE_STEP_NS,
    FEATURE_COUNT,
    POSE_CLIP,
    clip_features,
    find_known,
    find_pelvis,
    measure_height,
    mirror_clips,
    smooth_in_time,
    take_joints,
)
from ros2_hand_action.perception.action_recognition import make_action
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.gestures import OUTPUT, find_classifier, read_labels
from ros2_hand_action.perception.labels import OTHER
from ros2_hand_action.perception.records import Action, Body
from ros2_hand_action.perception.task import NetworkTask, check_head

_IN_PLACE, _GOING = 0.05, 0.15
"""Way of the pelvis on the level within a clip, in heights: up to the first nobody walks or runs,
from the second on what the network says holds; strolling (0.3 m/s) makes 0.22."""


@dataclass(frozen=True)
class PoseActionOptions:
    """How actions are named from poses.

    Attributes
    ----------
    model : str
        A name in the model catalogue, or the path of an .onnx file that
        `hand-action actions train` wrote.
    warm_up : float
        Share of a clip's 1.27 s for which a person must have been seen: above 0 to 1.
    maximum_gap_ns : int
        A person who was not seen for longer is looked at anew, at least 1.
    """

    model: str = 'action_pose'
    warm_up: float = 0.4
    maximum_gap_ns: int = 500_000_000


class PoseActionRecognizer(NetworkTask):
    """Names what each person does; all people of an image go through the network at once.

    A person whose shoulders and hips were hidden for more than half of the clip gets no action.
    Every clip is looked at together with its mirror image, so that left and right never matter.

    Parameters
    ----------
    session : InferenceSession
        Its only input is named after the features that it wants (`action_features.POSE_CLIP`);
        closed with the recogniser.
    labels : sequence of str
        One for each column of the network's output.
    options : PoseActionOptions

    Raises
    ------
    ModelError
        If the network is no recogniser of actions, or `labels` does not fit it.
    """

    needs_frame = False

    def __init__(
        self, *, session: InferenceSession, labels: Sequence[str],
        options: PoseActionOptions | None = None,
    ) -> None:
        super().__init__(session)
        options = options or PoseActionOptions()
        self._session = session
        self._labels = tuple(labels)
        self._clips: TrackClips[np.ndarray] = TrackClips(ClipOptions(
            samples=DENSE_SAMPLES, step_ns=DENSE_STEP_NS, warm_up=options.warm_up,
            maximum_gap_ns=options.maximum_gap_ns,
        ))
        check_head(
            session, inputs={POSE_CLIP: (FEATURE_COUNT,)}, output=OUTPUT, labels=self._labels,
            rest=OTHER, what='action recogniser', command='hand-action actions train',
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `Action.probabilities`; 'other' is among them."""
        return self._labels

    def process(
        self, bodies: Sequence[Body], *, stamp_ns: int, frame: Frame | None = None
    ) -> tuple[Action, ...]:
        """Take the people in the next image and name what they do; see `ActionRecognizer`."""
        seen = {body.track_id: _observe(body) for body in bodies}
        if '' in seen or len(seen) < len(bodies):
            raise HandActionError(
                f'body ids {[body.track_id for body in bodies]!r} are empty or occur twice: '
                'actions need bodies from a tracker'
            )
        clips = self._clips.update(seen, stamp_ns=stamp_ns)
        if not clips:
            return ()
        joints, world, heights = _stack(list(clips.values()))
        known = find_known(joints, heights)
        probabilities = self._classify(joints[known], world[known], heights[known])
        named = [pair for pair, is_known in zip(clips.items(), known) if is_known]
        return tuple(
            make_action(
                body_id, row, self._labels, clip_start_ns=clip.start_ns, clip_end_ns=clip.end_ns
            )
            for (body_id, clip), row in zip(named, probabilities)
        )

    def reset(self) -> None:
        """Forget all clips."""
        self._clips.reset()

    def _classify(
        self, joints: np.ndarray, world: np.ndarray, heights: np.ndarray
    ) -> np.ndarray:
        """Return probabilities (n, labels), the mean of each clip and its mirror image."""
        count = len(joints)
        if not count:
            return np.empty((0, len(self._labels)), np.float32)
        mirrored = mirror_clips(joints, world)
        features = clip_features(
            np.concatenate([joints, mirrored[0]]), np.concatenate([world, mirrored[1]]),
            np.concatenate([heights, heights]),
        )
        both = self._session.run({POSE_CLIP: features})[OUTPUT]
        mean: np.ndarray = (both[:count] + both[count:]) / 2
        return keep_in_place(mean, world, self._labels)


def keep_in_place(
    probabilities: np.ndarray, world: np.ndarray, labels: Sequence[str]
) -> np.ndarray:
    """Give `other` what walk and run have of people whose known way is too short.

    Parameters
    ----------
    probabilities : np.ndarray
        (n, labels).
    world : np.ndarray
        (n, SAMPLES, 3): way of the pelvis, in heights; NaN = unknown, which changes nothing.
    labels : sequence of str
        'other' must be among them.
    """
    level = world[..., ::2]
    extent = level.max(axis=1) - level.min(axis=1)
    way = np.sqrt((extent * extent).sum(axis=1))
    share = np.minimum(np.maximum((way - _IN_PLACE) / (_GOING - _IN_PLACE), 0), 1)
    share = np.where(np.isfinite(share), share, 1).astype(probabilities.dtype)
    going = [place for place, label in enumerate(labels) if label in ('walk', 'run')]
    kept = probabilities.copy()
    kept[:, going] *= share[:, None]
    kept[:, labels.index(OTHER)] += (probabilities - kept)[:, going].sum(axis=1)
    return kept


def create_pose_action_recognizer(
    options: PoseActionOptions | None = None, session_options: SessionOptions | None = None
) -> PoseActionRecognizer:
    """Load a recogniser from the model store or from a file, ready to run.

    Raises
    ------
    ModelError
        If there is no such model, or the file is no recogniser of actions.
    """
    from ros2_hand_action.inference import create_session

    options = options or PoseActionOptions()
    path = find_classifier(options.model)
    labels = read_labels(path)
    session = create_session(path, session_options)
    try:
        session.warm_up()
        return PoseActionRecognizer(session=session, labels=labels, options=options)
    except BaseException:
        session.close()
        raise


def _observe(body: Body) -> np.ndarray:
    """Return float64 (13, 5): x, y in the image and x, y, z in metres of each joint."""
    placed = take_joints(body.keypoints_m).astype(np.float64)
    image = take_joints(body.keypoints_px).astype(np.float64)
    if np.isnan(image).all():  # only positions are known: the view that a camera has of them
        image = placed[:, :2] / placed[:, 2:]
    return np.concatenate([image, placed], axis=1)


def _stack(clips: Sequence[Clip[np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return joints (n, SAMPLES, 13, 2), world (n, SAMPLES, 3) and heights (n,) of clips."""
    dense = np.stack([clip.interpolate(np.stack(clip.items)) for clip in clips])
    sampled = smooth_in_time(dense)
    flat = sampled[..., :3].copy()
    flat[..., 2] = 0  # so that one call measures both: most of its time is that of the call
    heights = measure_height(np.concatenate([flat, sampled[..., 2:]])).reshape(2, -1)
    world = find_pelvis(sampled[..., 2:]) / heights[1][:, None, None]
    return sampled[..., :2], world, heights[0]
