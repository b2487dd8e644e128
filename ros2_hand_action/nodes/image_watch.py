"""Tells on /diagnostics and in the log where a camera's images are too poor, or old ones again."""

import time

from ros2_hand_action.errors import ImageError
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.image_quality import (
    FreezeWatch,
    QualityWatch,
    measure_quality,
)

_PERIOD_NS = 500_000_000
_REPEAT_S = 30.0


class ImageWatch:
    """Looks at the quality of two images a second, and whether images are new at all.

    Parameters
    ----------
    node : HandActionNode
    frozen_timeout_s : float
        See `FreezeWatch`.
    """

    def __init__(self, node: HandActionNode, frozen_timeout_s: float = 0.0) -> None:
        self._node = node
        self._frozen_timeout_s = frozen_timeout_s
        self._freeze = FreezeWatch(round(frozen_timeout_s * 1e9))
        self._watch = QualityWatch()
        self._next_ns = 0
        self._problem = ''

    @property
    def values(self) -> dict[str, object]:
        """Entries of /diagnostics."""
        newest = self._watch.newest
        if newest is None:
            return {}
        return {'brightness (0 to 255)': newest.brightness, 'sharpness': newest.sharpness}

    def observe(self, frame: Frame, topic: str) -> None:
        """Look at an image, and warn where most of the newest are poor.

        Raises
        ------
        ImageError
            If the camera has frozen.
        """
        if self._freeze.is_frozen(frame):
            raise ImageError(
                f'the image has not changed for {self._frozen_timeout_s:g} s: the driver repeats '
                'its last one. Look after the camera; for still pictures set frozen_timeout_s to 0'
            )
        now_ns = time.monotonic_ns()
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _PERIOD_NS
            self._problem = self._watch.observe(measure_quality(frame))
        if self._problem:
            self._node.problems.warning(
                'image quality', f'images on {topic!r}: {self._problem}', repeat_s=_REPEAT_S
            )
