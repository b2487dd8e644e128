"""NVIDIA's ActionRecognitionNet, 2D and 3D, on RGB or on optical flow.

The weights are on NGC and come from the user. What the network wants follows NVIDIA's published
code: tao_pytorch_backend (cv/action_recognition/dataloader), tao_toolkit_recipes
(tao_action_recognition) and DeepStream's config_preprocess_{2d,3d}_custom.txt agree on all of it
but the interpolation: DeepStream takes the nearest pixel; TAO, which trained it, is bilinear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions, TensorSpec
from ros2_hand_action.perception.optical_flow import DisFlow, OpticalFlow, flow_images
from ros2_hand_action.perception.task import NetworkTask

SIDE_PX = 224
OUTPUT = 'fc_pred'
"""The network's output: float32 (N, labels), logits."""

TRAINED_RATE_HZ = 30
"""Images per second of HMDB51, on which NVIDIA's weights were trained."""

LABEL_PRESETS = {
    'deepstream': ('push', 'fall_floor', 'walk', 'run', 'ride_bike'),
    'model_card': ('walk', 'ride_bike', 'run', 'fall_floor', 'push'),
}
"""Orders of the labels that NVIDIA's documents give for the same weights; they contradict each
other, and the wrong one takes push for walk without a word. DeepStream's sample, its README, the
Graph Composer extension and the TensorRT script of tao_toolkit_recipes have the first; the model
card lists the second, perhaps in no order at all."""

_CHANNELS = {'input_rgb': 3, 'input_of': 2}


@dataclass(frozen=True)
class ActionRecognitionNetOptions:
    """Which of NVIDIA's networks is run, and how it is to be understood.

    Attributes
    ----------
    model : str
        A name in the model catalogue, or the path of an .onnx file.
    labels : str
        One of LABEL_PRESETS, or labels of your own with commas between them, in the order of
        the network's output.
    subsample : int
        Images left out between two of a clip at 30 images a second: 0 is as trained.

    Raises
    ------
    ConfigError
        If `labels` names one twice or is empty, or `subsample` is negative.
    """

    model: str = 'actionrecognitionnet_3d'
    labels: str = 'deepstream'
    subsample: int = 0

    def __post_init__(self) -> None:
        names = self.label_names
        if len(set(names)) != len(names) or not all(names):
            raise ConfigError(
                f'labels is {self.labels!r}, give one of {tuple(LABEL_PRESETS)} or names, each '
                'once, with commas between them'
            )
        if self.subsample < 0:
            raise ConfigError(f'subsample is {self.subsample!r}, must be at least 0')

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels in the order of the network's output."""
        own = tuple(name.strip() for name in self.labels.split(','))
        return LABEL_PRESETS.get(self.labels, own)


class ActionRecognitionNet(NetworkTask):
    """A `ClipNetwork` that runs ActionRecognitionNet.

    Parameters
    ----------
    session : InferenceSession
        With the input `input_rgb` or `input_of`, (N, channels, time, 224, 224) or
        (N, channels * time, 224, 224); closed with this.
    options : ActionRecognitionNetOptions, optional
    flow : OpticalFlow, optional
        For a network on optical flow; OpenCV's DIS where none is given.

    Raises
    ------
    ModelError
        If the network is another one, or has another number of labels.
    """

    def __init__(
        self,
        session: InferenceSession,
        options: ActionRecognitionNetOptions | None = None,
        *,
        flow: OpticalFlow | None = None,
    ) -> None:
        super().__init__(session)
        self._session = session
        self._options = options or ActionRecognitionNetOptions()
        self._spec = _check(session, len(self.labels))
        self._channels = _CHANNELS[self._spec.name]
        self._is_3d = len(self._spec.shape) == 5
        self._planes = _count_planes(self._spec, self._channels)
        self._flow = flow or DisFlow()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities."""
        return self._options.label_names

    @property
    def takes_flow(self) -> bool:
        """Whether the network looks at optical flow, not at colour."""
        return self._spec.name == 'input_of'

    @property
    def planes(self) -> int:
        """Images, of colour or of flow, that the network takes at once."""
        return self._planes

    @property
    def images(self) -> int:
        """Camera images in a clip: one more than there is flow between them."""
        return self._planes + self.takes_flow

    @property
    def step_ns(self) -> int:
        """Time between two images of a clip."""
        return (self._options.subsample + 1) * 1_000_000_000 // TRAINED_RATE_HZ

    def classify(self, clips: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Return the probabilities of clips of RGB images; see `ClipNetwork`."""
        if self.takes_flow:
            return self.classify_planes([flow_images(self._flow, clip) for clip in clips])
        return self.classify_planes(clips)

    def classify_planes(self, clips: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Return the probabilities (n, labels) of clips as the network takes them.

        Parameters
        ----------
        clips : Sequence[Sequence[np.ndarray]]
            Each of `planes` images, uint8 (height, width, 3) RGB, or (height, width, 2) flow as
            `optical_flow.encode_flow` writes it. They are stretched to the network's square.
        """
        rows = [self._session.run({self._spec.name: self._prepare(clip)[None]}) for clip in clips]
        if not rows:
            return np.empty((0, len(self.labels)), np.float32)
        return softmax(np.concatenate([row[OUTPUT] for row in rows]))

    def _prepare(self, clip: Sequence[np.ndarray]) -> np.ndarray:
        """Return the network's input without its first axis."""
        stretched = np.stack([
            cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
            for image in clip
        ])
        planes = np.ascontiguousarray(stretched.transpose(3, 0, 1, 2), np.float32)
        planes -= 127.5
        planes *= 1 / 127.5
        return planes if self._is_3d else planes.reshape(-1, SIDE_PX, SIDE_PX)


def create_action_recognition_net(
    options: ActionRecognitionNetOptions | None = None,
    session_options: SessionOptions | None = None,
    *,
    flow: OpticalFlow | None = None,
) -> ActionRecognitionNet:
    """Load the network from the model store or from a file.

    Raises
    ------
    ModelError
        If there is no such model, with what to do; or the file is no ActionRecognitionNet.
    """
    from ros2_hand_action.inference import create_session
    from ros2_hand_action.models.store import model_path

    options = options or ActionRecognitionNetOptions()
    is_file = options.model.endswith('.onnx')
    path = Path(options.model).expanduser() if is_file else model_path(options.model)
    session = create_session(path, session_options)
    try:
        return ActionRecognitionNet(session, options, flow=flow)
    except BaseException:
        session.close()
        raise


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, float32, along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float32)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def _check(session: InferenceSession, labels: int) -> TensorSpec:
    """Return the network's only input; raises ModelError where the network is another one."""
    inputs = [spec for spec in session.inputs if spec.name in _CHANNELS]
    outputs = {spec.name: spec.shape[-1] for spec in session.outputs}
    if len(session.inputs) != 1 or not inputs or OUTPUT not in outputs:
        raise ModelError(
            f'the network has inputs {[str(spec) for spec in session.inputs]} and outputs '
            f'{sorted(outputs)}; ActionRecognitionNet has one input of {sorted(_CHANNELS)} and '
            f'the output {OUTPUT!r}: take its ONNX file from NGC'
        )
    if outputs[OUTPUT] not in (None, labels):
        raise ModelError(
            f'the network names {outputs[OUTPUT]} actions, {labels} labels are given: set the '
            'labels in the order in which it was trained'
        )
    return inputs[0]


def _count_planes(spec: TensorSpec, channels: int) -> int:
    """Return how many images the network takes; raises ModelError on another shape."""
    shape = spec.shape
    planes = 0
    if len(shape) == 5 and shape[1] == channels:
        planes = shape[2] or 32  # as trained, where the file leaves it open
    elif len(shape) == 4 and (shape[1] or 0) % channels == 0:
        planes = (shape[1] or 0) // channels
    if planes < 2 or any(side not in (None, SIDE_PX) for side in shape[-2:]):
        raise ModelError(
            f'the network wants {spec}, not (N, {channels}, time, {SIDE_PX}, {SIDE_PX}) or '
            f'(N, {channels} * time, {SIDE_PX}, {SIDE_PX})'
        )
    return planes
