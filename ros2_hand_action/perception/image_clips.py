"""Actions from clips of images: each person's part of the last images, or all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.perception.action_clips import Clip, ClipOptions, TrackClips
from ros2_hand_action.perception.action_recognition import WHOLE_IMAGE, make_action
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.records import Action, Body

_WHOLE_BOX = np.array([0, 0, 1, 1], np.float32)
_TO_RGB = {PixelOrder.BGR: cv2.COLOR_BGR2RGB, PixelOrder.MONO: cv2.COLOR_GRAY2RGB}


class ClipNetwork(Protocol):
    """A network on clips of images."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities."""

    @property
    def images(self) -> int:
        """Images in a clip."""

    @property
    def step_ns(self) -> int:
        """Time from one image to the next for which the network was trained."""

    @property
    def description(self) -> str:
        """Back end and device."""

    def classify(self, clips: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Return the probabilities of clips.

        Parameters
        ----------
        clips : Sequence[Sequence[np.ndarray]]
            Each of `images` images, uint8 (height, width, 3), RGB, all of one size.

        Returns
        -------
        np.ndarray
            float32 (clips, labels); each row sums to 1.
        """

    def close(self) -> None:
        """Free the network; may be called again."""


@dataclass(frozen=True)
class ImageClipOptions:
    """What clips of images are made of.

    Memory: at most `max_people` times 4/3 of a clip's images are kept, each at most
    `stored_side_px` on its longer side, 3 bytes a pixel; people seen in the same images share
    them.

    Attributes
    ----------
    window_ns : int
        Time from a clip's first image to its last; 0 is that for which the network was trained.
    warm_up : float
        Share of that time that must have been seen before there is an action, above 0 to 1.
    max_people : int
        People who have a clip at a time, 1 to 16; of more, the newest have none.
    whole_image : bool
        Look at the whole image instead of at each person.
    margin : float
        Side of the square around a person, in the longer side of all their boxes in the clip:
        1 to 4.
    stored_side_px : int
        Longer side to which images are reduced while they wait: 64 to 4096.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    window_ns: int = 0
    warm_up: float = 0.6
    max_people: int = 4
    whole_image: bool = False
    margin: float = 1.2
    stored_side_px: int = 480

    def __post_init__(self) -> None:
        ranges = {
            'window_ns': (0, 60_000_000_000), 'warm_up': (1e-6, 1), 'max_people': (1, 16),
            'margin': (1, 4), 'stored_side_px': (64, 4096),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f'{name} is {getattr(self, name)!r}, must be from {low} to {high}'
                )


class _Seen(NamedTuple):
    """A small RGB image, and where in it a person is: (4,), in shares of width and height."""

    image: np.ndarray
    box: np.ndarray


class ImageClip(NamedTuple):
    """What is to be named: the images of one person or of all that the camera sees."""

    body_id: str
    clip: Clip[_Seen]


class ImageClipRecognizer:
    """An `ActionRecognizer` on clips of images.

    `process` is `collect`, which is quick, and `recognize`, which takes as long as the network
    does. Someone else's thread may recognise while this one collects.

    Parameters
    ----------
    network : ClipNetwork
        Closed with the recogniser.
    options : ImageClipOptions, optional
    """

    needs_frame = True

    def __init__(self, network: ClipNetwork, options: ImageClipOptions | None = None) -> None:
        self._network = network
        self._options = options or ImageClipOptions()
        steps = network.images - 1
        step_ns = self._options.window_ns // steps or network.step_ns
        self._clips: TrackClips[_Seen] = TrackClips(
            ClipOptions(
                samples=network.images, step_ns=step_ns, warm_up=self._options.warm_up,
                max_tracks=self._options.max_people,
            )
        )
        self._size: tuple[int, ...] = ()
        self._is_whole = self._options.whole_image

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `Action.probabilities`."""
        return self._network.labels

    @property
    def description(self) -> str:
        """Back end and device of the network."""
        return self._network.description

    def process(
        self, bodies: Sequence[Body], *, stamp_ns: int, frame: Frame | None = None
    ) -> tuple[Action, ...]:
        """Take the next image and name what the people in it do; see `ActionRecognizer`."""
        return self.recognize(self.collect(bodies, stamp_ns=stamp_ns, frame=frame))

    def collect(
        self, bodies: Sequence[Body], *, stamp_ns: int, frame: Frame | None
    ) -> tuple[ImageClip, ...]:
        """Take the next image; return the clips that are full enough.

        Raises
        ------
        HandActionError
            If a body has no id or occurs twice, or the image is missing.
        """
        if frame is None:
            raise HandActionError('a recogniser on images was given none: subscribe to them')
        image = _reduce(frame, self._options.stored_side_px)
        if image.shape != self._size:
            self.reset()
            self._size = image.shape
        items = {WHOLE_IMAGE: _Seen(image, _WHOLE_BOX)}
        if not self._is_whole:
            boxes = _boxes_by_id(bodies, frame)
            items = {body_id: _Seen(image, box) for body_id, box in boxes.items()}
        found = self._clips.update(items, stamp_ns=stamp_ns)
        return tuple(ImageClip(body_id, clip) for body_id, clip in found.items())

    def recognize(self, clips: Sequence[ImageClip]) -> tuple[Action, ...]:
        """Name what clips show."""
        if not clips:
            return ()
        images = [_cut(each.clip.nearest(), self._options.margin) for each in clips]
        rows = self._network.classify(images)
        return tuple(
            make_action(
                each.body_id, row, self.labels,
                clip_start_ns=each.clip.start_ns, clip_end_ns=each.clip.end_ns,
            )
            for each, row in zip(clips, rows)
        )

    def look_at(self, *, whole_image: bool) -> None:
        """Look at the whole image, or at each person, from now on; a change starts anew."""
        if whole_image != self._is_whole:
            self._is_whole = whole_image
            self.reset()

    def reset(self) -> None:
        """Forget all clips."""
        self._clips.reset()

    def close(self) -> None:
        """Free the network; may be called again."""
        self._network.close()

    def __enter__(self) -> 'ImageClipRecognizer':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _reduce(frame: Frame, side_px: int) -> np.ndarray:
    """Return a copy in RGB, its longer side at most that long."""
    longer_px = max(frame.width_px, frame.height_px)
    scale = min(side_px / longer_px, 1.0)
    size = (max(round(frame.width_px * scale), 1), max(round(frame.height_px * scale), 1))
    small = frame.pixels
    if scale < 1:
        small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    if frame.order is PixelOrder.RGB:
        return small if scale < 1 else small.copy()
    return cv2.cvtColor(small, _TO_RGB[frame.order])


def _boxes_by_id(bodies: Sequence[Body], frame: Frame) -> dict[str, np.ndarray]:
    """Return each body's box in shares of the image; bodies without a box are left out."""
    size = np.array([frame.width_px, frame.height_px] * 2, np.float32)
    boxes: dict[str, np.ndarray] = {}
    for body in bodies:
        if not body.track_id or body.track_id in boxes:
            raise HandActionError(
                f'body id {body.track_id!r} is empty or occurs twice in one image: '
                'actions need bodies from a tracker'
            )
        boxes[body.track_id] = np.clip(body.box_px / size, 0, 1)
    return {
        body_id: box for body_id, box in boxes.items()
        if np.isfinite(box).all() and (box[2:] > box[:2]).all()
    }


def _cut(seen: Sequence[_Seen], margin: float) -> list[np.ndarray]:
    """Return the same part of all images: a square around all boxes, or the whole image.

    The part stands still, so that a person who moves through the image is seen to do so.
    """
    boxes = np.stack([each.box for each in seen])
    height_px, width_px = seen[0].image.shape[:2]
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    if (high - low >= 1).all():
        return [each.image for each in seen]
    size_px = np.array([width_px, height_px])
    low_px, high_px = low * size_px, high * size_px
    side_px = np.minimum(max(float((high_px - low_px).max()) * margin, 2.0), size_px)
    start_px = np.clip((low_px + high_px - side_px) / 2, 0, size_px - side_px)
    x, y = np.round(start_px).astype(int)
    right, bottom = np.round(start_px + side_px).astype(int)
    return [each.image[y:bottom, x:right] for each in seen]
