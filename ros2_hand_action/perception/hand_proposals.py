"""Where hands may be: what a detector proposes, for the landmark network to judge."""

from typing import NamedTuple, Protocol

import numpy as np

from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.stage_times import StageClock


class HandProposals(NamedTuple):
    """Regions that may hold a hand, best first.

    Attributes
    ----------
    regions_px : np.ndarray
        (n, 4), as the landmark network wants them.
    scores : np.ndarray
        (n,): 0 to 1.
    """

    regions_px: np.ndarray
    scores: np.ndarray


class HandProposer(Protocol):
    """A network that proposes hands.

    Attributes
    ----------
    turns : np.ndarray
        (t,): by how much a region may be turned from what it should be, in radians; [0] where
        the network sees that itself.
    """

    turns: np.ndarray

    def propose(self, frame: Frame, views_px: np.ndarray, clock: StageClock) -> HandProposals:
        """Look for hands in square views (n, 4) of the frame."""
        ...
