"""I3D: an open network on clips of images, with the 400 classes of Kinetics put into groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.perception.action_recognition_net import softmax
from ros2_hand_action.perception.class_groups import ClassGroups, load_class_groups
from ros2_hand_action.perception.task import NetworkTask

SIDE_PX = 224
INPUT, OUTPUT = 'clip', 'logits'
TRAINED_RATE_HZ = 25
"""Images per second in training (Carreira and Zisserman, CVPR 2017)."""

MODELS = {16: 'i3d_kinetics_400', 32: 'i3d_kinetics_400_t32'}
"""Images in a clip -> the network in the model catalogue."""

IMAGES = tuple(MODELS)


@dataclass(frozen=True)
class I3dOptions:
    """How I3D is run.

    Attributes
    ----------
    images : int
        Images in a clip, one of IMAGES; the time that they take grows with them.
    groups : Path, optional
        YAML file of classes and groups; config/kinetics_400.yaml if not given.

    Raises
    ------
    ConfigError
        If `images` is another number.
    """

    images: int = 16
    groups: Path | None = None

    def __post_init__(self) -> None:
        if self.images not in IMAGES:
            raise ConfigError(f'images is {self.images!r}, choose one of {IMAGES}')


class I3d(NetworkTask):
    """A `ClipNetwork` that runs I3D.

    Parameters
    ----------
    session : InferenceSession
        Input `clip`, float32 (N, 3, images, 224, 224), RGB, -1 to 1; output `logits`; closed
        with this.
    groups : ClassGroups
        Of as many classes as the network has.
    options : I3dOptions, optional

    Raises
    ------
    ModelError
        If the network is another one.
    """

    def __init__(
        self, session: InferenceSession, groups: ClassGroups, options: I3dOptions | None = None
    ) -> None:
        super().__init__(session)
        inputs, outputs = (
            {spec.name: spec.shape[1:] for spec in side}
            for side in (session.inputs, session.outputs)
        )
        self._session = session
        self._groups = groups
        self._options = options or I3dOptions()
        wanted = ({INPUT: (3, self.images, SIDE_PX, SIDE_PX)}, {OUTPUT: (len(groups.classes),)})
        if (inputs, outputs) != wanted:
            raise ModelError(
                f'I3D has inputs and outputs {wanted}, the network has {(inputs, outputs)}: run '
                f'`hand-action models fetch {MODELS[self.images]}`'
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """The groups, and 'other' for all classes in none of them."""
        return self._groups.labels

    @property
    def images(self) -> int:
        """Images in a clip."""
        return self._options.images

    @property
    def step_ns(self) -> int:
        """Time between two images of a clip: a clip of 16 takes as long as one of 32."""
        return 1_000_000_000 * max(IMAGES) // (TRAINED_RATE_HZ * self.images)

    def classify(self, clips: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Return the probabilities of clips of RGB images; see `ClipNetwork`."""
        return self._groups.sum(self.classify_classes(clips))

    def classify_classes(self, clips: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Return the probabilities (n, 400) of all classes, in the order of the groups' file."""
        rows = [self._session.run({INPUT: _prepare(clip)[None]})[OUTPUT] for clip in clips]
        return softmax(np.concatenate(rows or [np.empty((0, len(self._groups.classes)))]))


def create_i3d(
    options: I3dOptions | None = None, session_options: SessionOptions | None = None
) -> I3d:
    """Load the network from the model store.

    Raises
    ------
    ModelError
        If it is not fetched; the message names the command.
    ConfigError
        If the file of groups cannot be used.
    """
    from ros2_hand_action.inference import create_session
    from ros2_hand_action.models.store import model_path

    options = options or I3dOptions()
    groups = load_class_groups(options.groups)
    session = create_session(model_path(MODELS[options.images]), session_options)
    try:
        session.warm_up()
        return I3d(session, groups, options)
    except BaseException:
        session.close()
        raise


def _prepare(clip: Sequence[np.ndarray]) -> np.ndarray:
    """Return float32 (3, T, 224, 224), -1 to 1, of the middle square of each image.

    In training images were reduced to 256 on the shorter side and 224 of them cut out of the
    middle (Carreira and Zisserman, CVPR 2017); here all of the shorter side is kept.
    """
    height_px, width_px = clip[0].shape[:2]
    side_px = min(height_px, width_px)
    top, left = (height_px - side_px) // 2, (width_px - side_px) // 2
    squares = np.stack([
        cv2.resize(image[top:top + side_px, left:left + side_px], (SIDE_PX, SIDE_PX),
                   interpolation=cv2.INTER_LINEAR)
        for image in clip
    ])
    values = np.ascontiguousarray(squares.transpose(3, 0, 1, 2), np.float32)
    values *= 2 / 255
    values -= 1
    return values
