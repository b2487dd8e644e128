"""What all recognisers of actions have in common: one interface, on poses or on images."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

import numpy as np

from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.records import Action, Body

WHOLE_IMAGE = ''
"""Body id of an action that the whole image shows."""


class ActionRecognizer(Protocol):
    """Names what each person does, from a clip of the last one to two seconds.

    A context manager that frees its networks. Each implementation keeps its clips itself, in
    `action_clips.TrackClips`: sampled by time, not by image; no action before the clip is full
    enough; a person who was lost, a long gap and a stamp that goes back start a clip anew.
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `Action.probabilities`."""
        ...

    @property
    def needs_frame(self) -> bool:
        """Whether `process` needs the image; a recogniser on poses does not."""
        ...

    @property
    def description(self) -> str:
        """Back end and device of the networks."""
        ...

    def process(
        self, bodies: Sequence[Body], *, stamp_ns: int, frame: Frame | None = None
    ) -> tuple[Action, ...]:
        """Take the next image of the stream and name what the people in it do.

        Parameters
        ----------
        bodies : Sequence[Body]
            The people in the image, tracked; empty where there are none. Call it for those
            images too: it is how a recogniser learns that somebody is gone.
        stamp_ns : int
            Stamp of the image.
        frame : Frame, optional
            The image of that stamp, for a recogniser that `needs_frame`.

        Returns
        -------
        tuple of Action
            One for each person whose clip is full enough, in the order of `bodies`; of the
            whole image, where the recogniser looks at that, one with the id WHOLE_IMAGE.

        Raises
        ------
        HandActionError
            If a body has no id or occurs twice, or a frame is needed and missing.
        """
        ...

    def reset(self) -> None:
        """Forget all clips."""
        ...

    def close(self) -> None:
        """Free the networks; may be called again."""
        ...

    def __enter__(self) -> 'ActionRecognizer': ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def make_action(
    body_id: str,
    probabilities: np.ndarray,
    labels: Sequence[str],
    *,
    clip_start_ns: int,
    clip_end_ns: int,
) -> Action:
    """Return the action of a body from the probabilities (n,) of all labels."""
    best = int(np.argmax(probabilities))
    return Action(
        body_id=body_id,
        label=labels[best],
        score=float(probabilities[best]),
        probabilities=np.asarray(probabilities, np.float32),
        clip_start_ns=clip_start_ns,
        clip_end_ns=clip_end_ns,
    )
