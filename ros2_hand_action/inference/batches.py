"""Many crops through a network, whatever batch it takes."""

from collections.abc import Mapping

import numpy as np

from ros2_hand_action.inference.session import InferenceSession

MAX_BATCH = 8
"""Crops in one call: more gain nothing on a processor and take memory."""


def run_in_batches(
    session: InferenceSession, images: np.ndarray, *, name: str = 'image'
) -> dict[str, np.ndarray]:
    """Run a network with one input on any number of images, also none; see `run_rows`.

    Parameters
    ----------
    session : InferenceSession
    images : np.ndarray
        (n, ...): the network's input.
    name : str
        Of that input.
    """
    return run_rows(session, {name: images})


def run_rows(
    session: InferenceSession, feeds: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Run a network on any number of rows, also none.

    A network that was exported with a fixed batch gets that many, filled up with zeros.

    Parameters
    ----------
    session : InferenceSession
    feeds : mapping
        Input -> (n, ...).

    Returns
    -------
    dict
        Output name -> array, its first dimension n.
    """
    count = len(next(iter(feeds.values())))
    if not count:
        return {
            spec.name: np.empty([0, *(size or 0 for size in spec.shape[1:])], spec.dtype)
            for spec in session.outputs
        }
    fixed = session.inputs[0].shape[0]
    step = fixed or MAX_BATCH
    parts = [
        _run_filled(
            session, {name: rows[start:start + step] for name, rows in feeds.items()}, fixed or 0
        ) for start in range(0, count, step)
    ]
    if len(parts) == 1:
        return parts[0]
    return {each: np.concatenate([part[each] for part in parts]) for each in parts[0]}


def _run_filled(
    session: InferenceSession, feeds: Mapping[str, np.ndarray], least: int
) -> dict[str, np.ndarray]:
    """Run rows, at least `least` of them: the others are zero, and left out of the answer."""
    count = len(next(iter(feeds.values())))
    if count >= least:
        return session.run(feeds)
    filled = {
        name: np.concatenate([rows, np.zeros((least - count, *rows.shape[1:]), rows.dtype)])
        for name, rows in feeds.items()
    }
    return {name: array[:count] for name, array in session.run(filled).items()}
