"""Smoothing of moving points: still where they rest, without lag where they move."""

import math

import numpy as np


class OneEuroFilter:
    """The One-Euro filter on an array of values.

    It is that of Casiez et al., CHI 2012, https://doi.org/10.1145/2207676.2208639. The cut-off
    frequency grows with the speed of each value, so rest is smooth and motion is prompt. Time
    comes from stamps, so that the result hardly depends on the frame rate.

    Parameters
    ----------
    min_cutoff_hz : float
        Cut-off at rest, above 0: lower is smoother.
    speed_gain : float
        Growth of the cut-off with speed (the paper's beta), in 1 per unit of the values
        divided by `scale`: higher has less lag.
    speed_cutoff_hz : float
        Cut-off of the estimate of speed, above 0.
    speed_of_raw : bool
        Whether speed is taken between raw values, as MediaPipe does, or from the last smoothed
        value, as the paper does.
    """

    def __init__(
        self,
        *,
        min_cutoff_hz: float,
        speed_gain: float,
        speed_cutoff_hz: float = 1.0,
        speed_of_raw: bool = False,
    ) -> None:
        self._min_cutoff_hz = min_cutoff_hz
        self._speed_gain = speed_gain
        self._speed_cutoff_hz = speed_cutoff_hz
        self._speed_of_raw = speed_of_raw
        self._stamp_ns: int | None = None
        self._raw: np.ndarray = np.empty(0)
        self._smooth: np.ndarray = np.empty(0)
        self._speed: np.ndarray = np.empty(0)

    def __call__(
        self, values: np.ndarray, *, stamp_ns: int, scale: float | np.ndarray = 1.0
    ) -> np.ndarray:
        """Return smoothed values.

        Parameters
        ----------
        values : np.ndarray
            Any shape, the same in every call.
        stamp_ns : int
            Time of the values. Where it does not advance, the values pass unsmoothed.
        scale : float or np.ndarray
            Size of the object in the unit of the values: speed counts relative to it. An array
            has a shape that broadcasts to that of the values.
        """
        step_s = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) * 1e-9
        self._stamp_ns = stamp_ns
        if step_s <= 0:
            self._smooth, self._speed = values.astype(np.float64), np.zeros(values.shape)
            self._raw = self._smooth
            return self._smooth
        since = self._raw if self._speed_of_raw else self._smooth
        speed = (values - since) / (step_s * scale)
        self._raw = values
        self._speed += _blend(self._speed_cutoff_hz, step_s) * (speed - self._speed)
        cutoff_hz = self._min_cutoff_hz + self._speed_gain * np.abs(self._speed)
        self._smooth = self._smooth + _blend(cutoff_hz, step_s) * (values - self._smooth)
        return self._smooth


def _blend(cutoff_hz: float | np.ndarray, step_s: float) -> float | np.ndarray:
    """Return the weight of a new value in an exponential filter with this cut-off."""
    turns = 2 * math.pi * step_s * cutoff_hz
    return turns / (turns + 1)
