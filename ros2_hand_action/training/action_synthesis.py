"""People who pedal, walk, run or fall, made by computation where data are thin.

Lengths are in heights of the person, angles in radians. A body stands upright in axes x right,
y down, z forward and moves along z; `action_views` looks at it from all sides.
"""

from dataclasses import replace

import numpy as np

from ros2_hand_action.perception.action_features import JOINTS, measure_height
from ros2_hand_action.perception.labels import FALL, OTHER
from ros2_hand_action.training.action_sequences import PoseSequence

_RATE_HZ = 30.0
_SECONDS = 2.0
_THIGH, _SHIN, _TORSO, _ARM, _FOREARM = 0.245, 0.246, 0.288, 0.186, 0.146
_NECK_TO_NOSE = np.array([0, -0.11, 0.05])
_CRANK = 0.097
"""170 mm for somebody of 1.75 m."""
_HEIGHT_M = 1.7
_STANDING = 0.65
"""Nose above the feet, in heights, of somebody who stands; about 0.75 by Kinect."""
_CROUCH_S = ((0.25, 1.0), (0.1, 1.5), (0.3, 1.0))
_LANDING_S = ((0.1, 0.3), (0.0, 0.4), (0.2, 0.7))
"""Shortest and longest time to go down, to stay there and to come up."""


def make_cyclist(number: int, random: np.random.Generator) -> PoseSequence:
    """Return somebody who pedals, or now and then rolls, upright to far bent forward."""
    time_s = _make_time()
    cadence_hz = random.uniform(0.6, 1.8) if random.random() < 0.9 else 0.0
    phase = 2 * np.pi * cadence_hz * time_s + random.uniform(0, 2 * np.pi)
    bottom = np.array([0, random.uniform(0.40, 0.47), random.uniform(0.06, 0.2)])
    lean = random.uniform(0.05, 1.05)
    legs = [_pedal(phase + turn, bottom, side) for side, turn in ((1, 0.0), (-1, np.pi))]
    body = _make_upper_body(len(time_s), lean, random.uniform(0.08, 0.13))
    reach = np.array([0, 0.62 * np.cos(lean) - 0.36, 0.62 * np.sin(lean) + 0.1])
    grip = np.array([0, min(-0.02, -reach[1] - 0.05), np.clip(reach[2], 0.28, 0.62)])
    for side in (1, -1):
        hand = np.broadcast_to(
            grip + np.array([side * random.uniform(0.1, 0.18), 0, 0]), (len(time_s), 3)
        )
        shoulder = body[f'shoulder{side}']
        body[f'elbow{side}'], body[f'wrist{side}'] = _bend(
            shoulder, hand, _ARM, _FOREARM, np.array([0.4 * side, 1.0, -0.3])
        )
    sway = random.uniform(0, 0.02) * np.sin(phase)
    speed = random.choice([0.0, random.uniform(0.8, 4.5)])
    return _assemble(f'cycling {number}', 'ride_bike', body, legs, speed * time_s, sway)


def pedal(joints: np.ndarray, name: str, random: np.random.Generator) -> PoseSequence:
    """Return the still body (13, 3), metres, with its feet going round.

    Upper body, hips and the length of its bones stay; the crank turns about the middle between
    the feet, in the upright plane that the hips face.
    """
    time_s = _make_time()
    phase = 2 * np.pi * random.uniform(0.6, 1.6) * time_s + random.uniform(0, 2 * np.pi)
    moving = np.repeat(joints[None], len(time_s), axis=0)
    ahead = _face(joints)
    circle = np.cos(phase)[:, None] * np.array([0, 1.0, 0]) + np.sin(phase)[:, None] * ahead
    crank_m = _CRANK * float(measure_height(joints[None, None])[0])
    for side, sign in ((0, 1), (1, -1)):
        hip, knee, foot = joints[[7 + side, 9 + side, 11 + side]]
        middle = joints[11:13].mean(axis=0)
        aside = ((foot - middle) * np.cross(ahead, (0, 1.0, 0))).sum()
        ankle = middle + aside * np.cross(ahead, (0, 1.0, 0)) + sign * crank_m * circle
        moving[:, 9 + side], moving[:, 11 + side] = _bend(
            np.broadcast_to(hip, ankle.shape), ankle, float(np.linalg.norm(hip - knee)),
            float(np.linalg.norm(knee - foot)), ahead,
        )
    moving += (random.choice([0.0, random.uniform(1.5, 8)]) * time_s)[:, None, None] * ahead
    return PoseSequence(
        name=f'still {name}', source='still', group=name, label='ride_bike', action='ride_bike',
        stamps_s=time_s, joints=moving, active=np.ones(len(time_s), bool),
    )


def _face(joints: np.ndarray) -> np.ndarray:
    """Return the level direction (3,) that the hips face, towards hands and knees."""
    across = joints[7] - joints[8]
    ahead = np.array([-across[2], 0, across[0]])
    limbs = joints[[5, 6, 9, 10]]
    towards = np.nanmean(limbs, axis=0) - joints[7:9].mean(axis=0)
    ahead *= np.sign((ahead * towards).sum()) or 1.0
    unit: np.ndarray = ahead / (np.linalg.norm(ahead) + 1e-9)
    return unit


def make_gait(number: int, label: str, random: np.random.Generator) -> PoseSequence:
    """Return somebody who walks or runs; joint angles as first harmonics of Winter (2009).

    Half of the walkers are slow, stop between two steps or walk backwards.
    """
    time_s, is_run = _make_time(), label == 'run'
    pace = np.ones_like(time_s)
    if not is_run and random.random() < 0.5:
        pace = random.uniform(0.5, 1) * _make_stops(time_s, random)
    direction = -1 if not is_run and random.random() < 0.25 else 1
    stride_hz = random.uniform(1.2, 1.6) if is_run else random.uniform(0.7, 1.1)
    turns = direction * stride_hz * np.cumsum(np.sqrt(pace)) / _RATE_HZ
    phase = 2 * np.pi * turns + random.uniform(0, 2 * np.pi)
    swing = random.uniform(0.45, 0.85) if is_run else random.uniform(0.28, 0.5)
    lift = random.uniform(1.2, 1.9) if is_run else random.uniform(0.8, 1.2)
    legs = [
        _step(phase + turn, swing * np.sqrt(pace), lift * np.sqrt(pace), side, is_run)
        for side, turn in ((1, 0.0), (-1, np.pi))
    ]
    lean = random.uniform(0.05, 0.3) if is_run else random.uniform(-0.03, 0.15)
    body = _make_upper_body(len(time_s), lean, random.uniform(0.1, 0.13))
    bent = random.uniform(1.2, 1.9) if is_run else random.uniform(0.1, 0.6)
    arms = random.uniform(0.3, 0.8) if is_run else random.uniform(0.05, 0.45)
    for side, turn in ((1, np.pi), (-1, 0.0)):
        angle = arms * np.sqrt(pace) * np.sin(phase + turn)
        elbow = body[f'shoulder{side}'] + _ARM * _point_down(angle)
        body[f'elbow{side}'] = elbow
        body[f'wrist{side}'] = elbow + _FOREARM * _point_down(angle + bent)
    # The foot on the ground stands still, so the body goes by what the legs swing.
    speed = (1.5 if is_run else 1.0) * 4 * (_THIGH + _SHIN) * np.sin(swing) * stride_hz
    bounce = (0.03 if is_run else 0.012) * np.cos(2 * phase)
    way = np.cumsum(direction * speed * pace) / _RATE_HZ
    made = _assemble(f'{label} {number}', label, body, legs, way, None, bounce)
    return replace(made, active=pace > 0.3 * pace.max())


def make_fall(
    sequence: PoseSequence, number: int, random: np.random.Generator
) -> PoseSequence | None:
    """Return a standing person in 3D who falls over the feet and stays on the floor.

    The body topples as an inverted pendulum in any direction while the knees give way; None
    where the sequence does not show somebody upright.
    """
    start = int(random.integers(len(sequence.joints)))
    before = sequence.joints[max(0, start - int(_RATE_HZ)):start + 1]
    height = float(measure_height(before[None])[0])
    feet = before[-1, 11:13].mean(axis=0)
    if not feet[1] - before[-1, 0, 1] > _STANDING * height:
        return None
    steps = np.arange(1, round(_RATE_HZ * (random.uniform(0.5, 1.1) + 1.5)) + 1)
    progress = np.minimum(steps / (_RATE_HZ * random.uniform(0.5, 1.1)), 1)
    after = np.repeat(before[-1:], len(steps), axis=0)
    after = _give_way(after, random.uniform(0, 0.35) * height * np.sqrt(progress))
    angle = random.uniform(1.2, 1.65) * progress ** 2.2
    turned = _topple(after - feet, random.uniform(-np.pi, np.pi), angle) + feet
    joints = np.concatenate([before, turned])
    active = np.concatenate([np.zeros(len(before), bool), angle > 0.35])
    return PoseSequence(
        name=f'{sequence.name} fall {number}', source='made fall', group=sequence.group,
        label=FALL, action='fall', stamps_s=np.arange(len(joints)) / _RATE_HZ, joints=joints,
        active=active,
    )


def _give_way(joints: np.ndarray, drop: np.ndarray) -> np.ndarray:
    """Lower all above the knees by `drop` (t,), the knees coming forward."""
    lower = joints.copy()
    lower[:, :9, 1] += drop[:, None]
    for side in (0, 1):
        hip, knee, ankle = (joints[0, place + side] for place in (7, 9, 11))
        lower[:, 9 + side], lower[:, 11 + side] = _bend(
            lower[:, 7 + side], np.broadcast_to(ankle, (*drop.shape, 3)),
            float(np.linalg.norm(hip - knee)), float(np.linalg.norm(knee - ankle)),
            _face(joints[0]) + np.array([0, 1e-3, 0]),
        )
    return lower


def _topple(joints: np.ndarray, direction: float, angle: np.ndarray) -> np.ndarray:
    """Turn bodies (t, 13, 3) about the origin towards a level direction by `angle` (t,)."""
    ahead = np.array([np.sin(direction), 0, np.cos(direction)])
    along = joints @ ahead
    up = -joints[..., 1]
    sine, cosine = np.sin(angle)[:, None], np.cos(angle)[:, None]
    turned = joints + ((cosine - 1) * along + sine * up)[..., None] * ahead
    turned[..., 1] = -(cosine * up - sine * along)
    return turned


def make_crouch(
    sequence: PoseSequence, number: int, random: np.random.Generator
) -> PoseSequence | None:
    """Return a standing person in 3D who goes down to the floor on bent legs and comes up.

    As to pick something up or to tie a shoe: no fall. None where the sequence does not show
    somebody upright.
    """
    return _go_down(sequence, number, random, is_landing=False)


def make_landing(
    sequence: PoseSequence, number: int, random: np.random.Generator
) -> PoseSequence | None:
    """Return a standing person in 3D who jumps down, lands deep, on the hands, too, and runs off.

    No fall. None where the sequence does not show somebody upright.
    """
    return _go_down(sequence, number, random, is_landing=True)


def _go_down(
    sequence: PoseSequence, number: int, random: np.random.Generator, *, is_landing: bool
) -> PoseSequence | None:
    start = int(random.integers(len(sequence.joints)))
    before = sequence.joints[max(0, start - int(_RATE_HZ / 2)):start + 1]
    height = float(measure_height(before[None])[0])
    feet = before[-1, 11:13].mean(axis=0)
    if not feet[1] - before[-1, 0, 1] > _STANDING * height:
        return None
    spans_s = _LANDING_S if is_landing else _CROUCH_S
    down, stay, up = (round(_RATE_HZ * random.uniform(*span)) for span in spans_s)
    depth = np.concatenate([
        np.linspace(0, 1, down), np.ones(stay), np.linspace(1, 0, up), np.zeros(10)
    ])
    depth = (1 - np.cos(np.pi * depth)) / 2
    joints = np.repeat(before[-1:], len(depth), axis=0)
    joints = _lean(joints, random.uniform(0.2, 1.9) * depth)
    joints = _give_way(joints, random.uniform(0.15, 0.42) * height * depth)
    joints = np.concatenate([before, joints])
    time_s = (np.arange(len(joints)) - len(before)) / _RATE_HZ
    if is_landing:
        joints[..., 1] -= 0.5 * 9.81 * (np.minimum(time_s, 0) ** 2)[:, None]
        joints += random.uniform(0, 3) * time_s[:, None, None] * _face(before[-1])
    kind = 'landing' if is_landing else 'crouch'
    return PoseSequence(
        name=f'{sequence.name} {kind} {number}', source=f'made {kind}', group=sequence.group,
        label=OTHER, action=kind, stamps_s=time_s - time_s[0], joints=joints,
        active=np.ones(len(joints), bool),
    )


def _lean(joints: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Bend bodies (t, 13, 3) forward at the hips by `angle` (t,); the arms hang down."""
    leaning = joints.copy()
    ahead = _face(joints[0])
    pelvis = joints[:, 7:9].mean(axis=1, keepdims=True)
    upper = joints[:, :7] - pelvis
    direction = float(np.arctan2(ahead[0], ahead[2]))
    leaning[:, :7] = _topple(upper, direction, angle) + pelvis
    for shoulder, elbow, wrist in ((1, 3, 5), (2, 4, 6)):
        bones = [np.linalg.norm(joints[:, a] - joints[:, b], axis=1, keepdims=True)
                 for a, b in ((shoulder, elbow), (elbow, wrist))]
        share = np.clip(angle, 0, 1)[:, None]
        for joint, length in ((elbow, bones[0]), (wrist, bones[0] + bones[1])):
            hanging = leaning[:, shoulder] + length * np.array([0, 1.0, 0])
            leaning[:, joint] += share * (hanging - leaning[:, joint])
    return leaning


def _make_stops(time_s: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a pace (t,) from 0 to 1 that pauses once or twice."""
    pace = np.ones_like(time_s)
    for _ in range(random.integers(1, 3)):
        start, length = random.uniform(-0.5, time_s[-1]), random.uniform(0.4, 1.0)
        edge = np.minimum(time_s - start, start + length - time_s) / 0.15
        pace = np.minimum(pace, 1 - np.clip(edge, 0, 1))
    return pace


def _make_time() -> np.ndarray:
    return np.arange(round(_RATE_HZ * _SECONDS)) / _RATE_HZ


def _point_down(angle: np.ndarray) -> np.ndarray:
    """Return directions (t, 3) that hang down for 0 and point ahead for a quarter turn."""
    return np.stack([np.zeros_like(angle), np.cos(angle), np.sin(angle)], axis=-1)


def _pedal(phase: np.ndarray, bottom: np.ndarray, side: int) -> tuple[np.ndarray, ...]:
    """Return hip, knee, ankle (t, 3) of a leg whose foot goes round on a pedal."""
    hip = np.broadcast_to(np.array([0.05 * side, 0, 0]), (len(phase), 3))
    circle = np.stack([np.zeros_like(phase), np.cos(phase), np.sin(phase)], axis=-1)
    ankle = bottom + _CRANK * circle + (0.06 * side, -0.05, -0.05)
    return (hip, *_bend(hip, ankle, _THIGH, _SHIN, np.array([0.1 * side, 0, 1.0])))


def _step(
    phase: np.ndarray, swing: np.ndarray, lift: np.ndarray, side: int, is_run: bool
) -> tuple[np.ndarray, ...]:
    """Return hip, knee, ankle (t, 3) of a walking leg; the knee bends as the leg comes ahead."""
    hip = np.broadcast_to(np.array([0.05 * side, 0, 0]), (len(phase), 3))
    thigh = swing * np.sin(phase) + (0.25 if is_run else 0.1)
    knee_bend = lift * np.clip(np.cos(phase + 0.35), 0, 1) ** 1.5 + (0.3 if is_run else 0.1)
    knee = hip + _THIGH * _point_down(thigh)
    return hip, knee, knee + _SHIN * _point_down(thigh - knee_bend)


def _bend(
    start: np.ndarray, end: np.ndarray, first: float, second: float, towards: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle joint and the end of a limb of two bones, bent `towards` a side."""
    way = end - start
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    reach = np.clip(length, abs(first - second) + 1e-3, first + second - 1e-3)
    along = way / length
    part = (first ** 2 - second ** 2 + reach ** 2) / (2 * reach)
    side = towards - (along * towards).sum(axis=-1, keepdims=True) * along
    side /= np.linalg.norm(side, axis=-1, keepdims=True)
    middle = start + part * along + np.sqrt(np.maximum(first ** 2 - part ** 2, 0)) * side
    return middle, start + reach * along


def _make_upper_body(count: int, lean: float, half_width: float) -> dict[str, np.ndarray]:
    neck = _TORSO * np.array([0, -np.cos(lean), np.sin(lean)])
    nose = neck + _NECK_TO_NOSE
    across = np.array([half_width, 0, 0])
    places = {'nose': nose, 'shoulder1': neck + across, 'shoulder-1': neck - across}
    return {name: np.broadcast_to(place, (count, 3)).copy() for name, place in places.items()}


def _assemble(
    name: str, label: str, body: dict[str, np.ndarray], legs: list[tuple[np.ndarray, ...]],
    way: np.ndarray, sway: np.ndarray | None = None, bounce: np.ndarray | None = None,
) -> PoseSequence:
    """Return the sequence of a body that has gone ahead by `way` (t,) heights."""
    for side, leg in zip((1, -1), legs):
        body[f'hip{side}'], body[f'knee{side}'], body[f'ankle{side}'] = leg
    sides = {'left': 1, 'right': -1}
    columns = []
    for joint in JOINTS:
        which, _, part = joint.partition('_')
        columns.append(body[f'{part}{sides[which]}' if part else joint])
    joints = np.stack(columns, axis=1)
    time_s = _make_time()
    joints[..., 2] += way[:, None]
    if sway is not None:
        joints[:, :7, 0] += sway[:, None]
    if bounce is not None:
        joints[..., 1] += bounce[:, None]
    return PoseSequence(
        name=f'made {name}', source='made', group=f'made{name.rpartition(" ")[2]}', label=label,
        action=label, stamps_s=time_s, joints=_HEIGHT_M * joints,
        active=np.ones(len(time_s), bool),
    )
