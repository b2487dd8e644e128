from dataclasses import replace

import numpy as np
import pytest

from ros2_hand_action.errors import HandActionError, ModelError
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.action_pose import (
    PoseActionOptions,
    create_pose_action_recognizer,
)
from ros2_hand_action.perception.labels import ACTIONS, FALL, OTHER
from ros2_hand_action.training.action_playback import (
    PlayOptions,
    compare_labels,
    make_bodies,
    play,
)
from ros2_hand_action.training.action_sequences import PoseSequence
from ros2_hand_action.training.action_synthesis import make_cyclist, make_fall, make_gait

LARGEST_WEIGHTS = 2_000_000
LARGEST_CHANGE = 0.03


@pytest.fixture(scope='module')
def recognizer():
    with create_pose_action_recognizer() as recognizer:
        yield recognizer


@pytest.fixture(scope='module')
def people():
    """Return computed people by label, none of whom the network has seen."""
    random = np.random.default_rng(12345)
    standing = _stand(make_gait(0, 'walk', random))
    falls = [make_fall(standing, number, random) for number in range(3)]
    return {
        'walk': [_turn(make_gait(n, 'walk', random), 0.9 * n) for n in range(4)],
        'run': [_turn(make_gait(n, 'run', random), 0.9 * n) for n in range(3)],
        'ride_bike': [_turn(make_cyclist(n, random), 0.9 * n) for n in range(3)],
        FALL: [fall for fall in falls if fall is not None],
        OTHER: [standing],
    }


@pytest.fixture(scope='module')
def references(recognizer, people):
    """Return each person and what is named without any change."""
    return [(person, play(person, recognizer)) for group in people.values() for person in group]


def _stand(sequence):
    """Return somebody who stands for two seconds."""
    middle = np.abs(np.diff(sequence.joints[:, 11:13, 2], axis=1)).argmin()
    joints = np.repeat(sequence.joints[middle:middle + 1], 60, axis=0)
    return replace(sequence, joints=joints, stamps_s=np.arange(60) / 30, label=OTHER)


def _turn(sequence, angle):
    cos, sin = np.cos(angle), np.sin(angle)
    joints = sequence.joints @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    return replace(sequence, joints=joints)


def _winner(actions):
    labels = [action.label for action in actions.values()]
    return max(set(labels), key=labels.count)


def test_shipped_network_is_small_and_knows_the_labels(recognizer):
    assert recognizer.labels == ACTIONS
    assert model_path('action_pose').stat().st_size <= LARGEST_WEIGHTS
    assert not recognizer.needs_frame


@pytest.mark.parametrize('is_placed', [True, False])
def test_computed_people_are_named(recognizer, people, is_placed):
    options = PlayOptions(is_placed=is_placed)
    named = {
        label: [_winner(play(person, recognizer, options)) for person in group]
        for label, group in people.items() if label != FALL
    }
    right = [label == truth for truth, labels in named.items() for label in labels]
    assert np.mean(right) >= 0.9, named


def test_fall_is_named_while_it_happens_and_on_the_floor(recognizer, people):
    for person in people[FALL]:
        actions = play(person, recognizer)
        assert list(actions.values())[-1].label == FALL


def test_probabilities_are_probabilities_and_the_clip_has_its_stamps(recognizer, people):
    actions = play(people['walk'][0], recognizer)
    for stamp_ns, action in actions.items():
        assert action.probabilities.shape == (len(ACTIONS),)
        assert action.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert action.score == action.probabilities.max()
        assert action.clip_end_ns == stamp_ns
        assert 0.5e9 < action.clip_end_ns - action.clip_start_ns < 1.3e9


@pytest.mark.parametrize('options', [
    PlayOptions(mirror=True), PlayOptions(scale=2), PlayOptions(rate_hz=15),
    PlayOptions(rate_hz=60), PlayOptions(dropped=0.2),
], ids=['mirror', 'scale', '15 Hz', '60 Hz', 'dropped'])
def test_winner_does_not_depend_on_mirror_size_or_image_rate(recognizer, references, options):
    pairs = [
        compare_labels(reference, play(person, recognizer, options))
        for person, reference in references
    ]
    changed, count = np.sum(pairs, axis=0)
    assert count > 200
    assert changed <= LARGEST_CHANGE * count


def test_walking_in_place_is_no_walking(recognizer, people):
    for person in people['walk']:
        in_place = person.joints.copy()
        pelvis = in_place[:, 7:9].mean(axis=1, keepdims=True)
        in_place[..., [0, 2]] -= pelvis[..., [0, 2]]
        actions = play(replace(person, joints=in_place), recognizer)
        assert _winner(actions) == OTHER
        assert all(a.probabilities.sum() == pytest.approx(1, abs=1e-5) for a in actions.values())


def test_no_action_before_the_clip_is_full_enough_or_after_the_person_was_lost(recognizer, people):
    recognizer.reset()
    bodies = make_bodies(people['walk'][0])
    first = [recognizer.process([body], stamp_ns=stamp_ns) for stamp_ns, body in bodies[:16]]
    assert first == [()] * 16
    assert recognizer.process([bodies[30][1]], stamp_ns=bodies[30][0])
    late_ns = bodies[30][0] + 2_000_000_000
    assert recognizer.process([bodies[31][1]], stamp_ns=late_ns) == ()


def test_people_are_told_apart(recognizer, people):
    recognizer.reset()
    walk, bike = make_bodies(people['walk'][0]), make_bodies(people['ride_bike'][0])
    for (stamp_ns, one), (_, two) in zip(walk, bike):
        actions = recognizer.process([one, replace(two, track_id='p2')], stamp_ns=stamp_ns)
    assert [(a.body_id, a.label) for a in actions] == [('p1', 'walk'), ('p2', 'ride_bike')]


def test_person_whose_hips_are_hidden_gets_no_action(recognizer, people):
    recognizer.reset()
    for stamp_ns, body in make_bodies(people['walk'][0]):
        keypoints = body.keypoints_px.copy()
        keypoints[[1, 2]] = np.nan
        assert recognizer.process(
            [replace(body, keypoints_px=keypoints)], stamp_ns=stamp_ns
        ) == ()


@pytest.mark.parametrize('place', [0.0, 5.0, 1e-30])
def test_body_without_a_size_gets_no_action_and_hinders_nobody(recognizer, people, place):
    bodies = make_bodies(people['walk'][0])
    ghost = replace(
        bodies[0][1], track_id='ghost', keypoints_px=np.full((34, 2), place, np.float32),
        keypoints_m=np.full((34, 3), place, np.float32),
    )
    answers = []
    for others in ([], [ghost]):
        recognizer.reset()
        answers.append([
            [(action.body_id, action.label) for action in
             recognizer.process([body, *others], stamp_ns=stamp_ns)]
            for stamp_ns, body in bodies
        ])
    assert answers[0] == answers[1]
    assert answers[0][-1] == [('p1', 'walk')]


def test_positions_alone_are_enough(recognizer, people):
    recognizer.reset()
    for stamp_ns, body in make_bodies(people['walk'][0]):
        blind = replace(body, keypoints_px=np.full_like(body.keypoints_px, np.nan))
        actions = recognizer.process([blind], stamp_ns=stamp_ns)
    assert actions[0].label == 'walk'


def test_body_twice_is_an_error(recognizer, people):
    _, body = make_bodies(people['walk'][0])[0]
    with pytest.raises(HandActionError, match='occur twice'):
        recognizer.process([body, body], stamp_ns=0)


def test_another_network_is_refused():
    with pytest.raises(ModelError, match='action'):
        create_pose_action_recognizer(PoseActionOptions(model='gesture_head'))


def test_sequence_in_two_dimensions_can_be_played(recognizer):
    joints = make_gait(0, 'walk', np.random.default_rng(0)).joints[..., :2] / 1.7
    flat = PoseSequence(
        'flat', 'made', 'made0', 'walk', 'walk', np.arange(60) / 30, joints, np.ones(60, bool)
    )
    assert play(flat, recognizer)
