"""Hands belong to the body whose wrist is theirs."""

import numpy as np
from bodies import camera, standing_body

from ros2_hand_action.perception.association import assign_hands
from ros2_hand_action.perception.records import Body, Hand, Handedness
from ros2_hand_action.perception.skeleton import INDEX


def _body(name: str, x_m: float, confidence: float = 0.9) -> Body:
    points = standing_body() + (x_m, 0, 3.0)
    pixels = camera().project(points)
    return Body(name, 1.0, np.zeros(4), pixels, np.full(34, confidence), points)


def _hand(name: str, body: Body, side: str, handedness: Handedness, shift=(0, 0)) -> Hand:
    wrist = body.keypoints_px[INDEX[f'{side}_wrist']] + shift
    landmarks = np.zeros((21, 3))
    landmarks[:, :2] = wrist - np.linspace(0, 1, 21)[:, None] * (0, 30)
    landmarks[9, :2] = wrist - (0, 16)
    return Hand(name, handedness, 0.9, np.zeros(4), 0.9, 0.9, landmarks, landmarks)


def test_hands_go_to_the_nearest_wrist_of_their_side() -> None:
    first, second = _body('p1', -0.5), _body('p2', 0.5)
    hands = [
        _hand('h1', first, 'left', Handedness.LEFT, (3, 4)),
        _hand('h2', second, 'right', Handedness.RIGHT),
        _hand('h3', second, 'left', Handedness.LEFT),
    ]
    assert assign_hands(hands, [first, second]) == {'h1': 'p1', 'h2': 'p2', 'h3': 'p2'}


def test_far_hands_and_unknown_wrists_belong_to_nobody() -> None:
    body = _body('p1', 0)
    far = _hand('h1', body, 'left', Handedness.LEFT, (90, 0))
    assert assign_hands([far], [body]) == {}
    assert assign_hands([far], []) == {} and assign_hands([], [body]) == {}
    near = _hand('h2', body, 'left', Handedness.LEFT)
    body.keypoints_px[[INDEX['left_wrist'], INDEX['right_wrist']]] = np.nan
    assert assign_hands([near], [body]) == {}


def test_each_wrist_has_one_hand() -> None:
    body = _body('p1', 0)
    hands = [
        _hand('h1', body, 'left', Handedness.LEFT, (8, 0)),
        _hand('h2', body, 'left', Handedness.LEFT, (1, 0)),
    ]
    assert assign_hands(hands, [body]) == {'h2': 'p1'}


def test_handedness_decides_between_wrists_that_are_close() -> None:
    body = _body('p1', 0)
    body.keypoints_px[INDEX['right_wrist']] = body.keypoints_px[INDEX['left_wrist']] + (4, 0)
    hands = [
        _hand('h1', body, 'left', Handedness.RIGHT, (2, 0)),
        _hand('h2', body, 'left', Handedness.LEFT, (2, 0)),
    ]
    assert assign_hands(hands, [body]) == {'h1': 'p1', 'h2': 'p1'}
