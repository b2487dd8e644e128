"""Coordinate frames of hands and bodies in the camera's optical frame: names, places, turns."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.body_axes import find_body_axes, quaternion
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.hand_place import find_hand_axes, find_wrist_m
from ros2_hand_action.perception.records import Body, Hand
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS

BODY, HAND = 'body', 'hand'
_NO_TURN = (0.0, 0.0, 0.0, 1.0)
_PELVIS = INDEX['pelvis']


class NamedFrame(NamedTuple):
    """A frame: its name, its origin (x, y, z) in metres, its turn as a quaternion (x, y, z, w)."""

    name: str
    place_m: tuple[float, float, float]
    turn: tuple[float, float, float, float]


def body_frames(bodies: Iterable[Body]) -> list[NamedFrame]:
    """Return the frames of bodies: `body_ID` at mid-hips and `JOINT_ID` at each known keypoint.

    Axes are the trunk's: x forward out of the chest, y to the person's left, z up. Where the
    trunk is not known there is no `body_ID`, and joints have the axes of the camera's frame.
    """
    return [frame for body in bodies for frame in _frames_of(body)]


def hand_frames(hands: Iterable[Hand], camera: CameraModel) -> list[NamedFrame]:
    """Return the frames of hands: `hand_ID` at each wrist whose place can be told.

    x from the wrist to the middle knuckle, z out of the back of the hand.
    """
    frames = []
    for hand in hands:
        wrist, axes = find_wrist_m(hand, camera), find_hand_axes(hand)
        if wrist is not None and axes is not None:
            frames.append(_make_frame(f'{HAND}_{hand.track_id}', wrist, quaternion(axes)))
    return frames


def _frames_of(body: Body) -> list[NamedFrame]:
    places = body.keypoints_m
    axes = find_body_axes(places)
    turn = _NO_TURN if axes is None else quaternion(axes)
    frames = [
        _make_frame(f'{KEYPOINTS[index]}_{body.track_id}', places[index], turn)
        for index in np.flatnonzero(np.isfinite(places).all(axis=1))
    ]
    if axes is not None:  # then the pelvis is known
        frames.insert(0, _make_frame(f'{BODY}_{body.track_id}', places[_PELVIS], turn))
    return frames


def _make_frame(
    name: str, place_m: np.ndarray, turn: tuple[float, float, float, float]
) -> NamedFrame:
    x, y, z = place_m.tolist()
    return NamedFrame(name, (x, y, z), turn)
