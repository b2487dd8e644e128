"""Many crops through a network whose first dimension is free."""

import numpy as np

from ros2_hand_action.inference.session import InferenceSession

MAX_BATCH = 8
"""Crops in one call: more gain nothing on a processor and take memory."""


def run_in_batches(
    session: InferenceSession, images: np.ndarray, *, name: str = 'image'
) -> dict[str, np.ndarray]:
    """Run a network with one input on any number of images, also none.

    Parameters
    ----------
    session : InferenceSession
    images : np.ndarray
        (n, ...): the network's input.
    name : str
        Of that input.

    Returns
    -------
    dict
        Output name -> array, its first dimension n.
    """
    if not len(images):
        return {
            spec.name: np.empty([size or 0 for size in spec.shape], spec.dtype)
            for spec in session.outputs
        }
    parts = [
        session.run({name: images[start:start + MAX_BATCH]})
        for start in range(0, len(images), MAX_BATCH)
    ]
    if len(parts) == 1:
        return parts[0]
    return {each: np.concatenate([part[each] for part in parts]) for each in parts[0]}
