"""Tells on /diagnostics and in the log where a camera's images are too poor to see hands in."""

import time

from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.image_quality import QualityWatch, measure_quality

_PERIOD_NS = 500_000_000
_REPEAT_S = 30.0


class ImageWatch:
    """Looks at two images a second.

    Parameters
    ----------
    node : HandActionNode
    """

    def __init__(self, node: HandActionNode) -> None:
        self._node = node
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
        """Look at an image, if it is time, and warn where most of the newest are poor."""
        now_ns = time.monotonic_ns()
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _PERIOD_NS
            self._problem = self._watch.observe(measure_quality(frame))
        if self._problem:
            self._node.problems.warning(
                'image quality', f'images on {topic!r}: {self._problem}', repeat_s=_REPEAT_S
            )
