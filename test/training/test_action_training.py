from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.action_features import FEATURE_COUNT, POSE_CLIP, SAMPLES
from ros2_hand_action.perception.labels import ACTIONS, FALL, OTHER
from ros2_hand_action.training.action_judging import NOT_JUDGED, Judgement, judge
from ros2_hand_action.training.action_report import JUDGING_VIEWS, report_actions
from ros2_hand_action.training.action_sequences import (
    PoseSequence,
    read_jhmdb,
    read_kard,
    read_utd,
)
from ros2_hand_action.training.action_synthesis import (
    make_crouch,
    make_cyclist,
    make_fall,
    make_gait,
    make_landing,
)
from ros2_hand_action.training.action_telling import find_stances
from ros2_hand_action.training.action_training import (
    ActionTrainingOptions,
    collect_clips,
    deal_folds,
    learn_actions,
)
from ros2_hand_action.training.action_views import View, label_clip, look, shows_label
from ros2_hand_action.training.head_file import save_action_head
from ros2_hand_action.training.network import NetworkOptions

_QUICK = ActionTrainingOptions(
    clips=150, members=2, network=NetworkOptions(hidden=(32,), least_steps=150, epochs=1)
)


@pytest.fixture(scope='module')
def sequences():
    random = np.random.default_rng(0)
    walks = [make_gait(n, 'walk', random) for n in range(20)]
    return walks + [make_cyclist(n, random) for n in range(20)]


@pytest.fixture(scope='module')
def head(sequences):
    return learn_actions(collect_clips(sequences, options=_QUICK, seed=0), _QUICK)


@pytest.fixture
def standing():
    joints = make_gait(0, 'walk', np.random.default_rng(1)).joints
    middle = np.abs(np.diff(joints[:, 11:13, 2], axis=1)).argmin()
    still = np.repeat(joints[middle:middle + 1], 60, axis=0)
    return PoseSequence('s', 'kard', 'k1', OTHER, 'a1', np.arange(60) / 30, still,
                        np.ones(60, bool))


def test_learnt_recogniser_names_people_it_has_not_seen(head):
    random = np.random.default_rng(9)
    new = [make_gait(50, 'walk', random), make_cyclist(51, random)]
    judged = judge(head, new, JUDGING_VIEWS)
    assert len(judged) == 2 * len(JUDGING_VIEWS)
    assert np.mean([judgement.label == judgement.truth for judgement in judged]) >= 0.8


def test_saved_recogniser_gives_the_same_probabilities(head, tmp_path):
    save_action_head(head, tmp_path / 'own.onnx')
    session = onnxruntime.InferenceSession(str(tmp_path / 'own.onnx'))
    features = np.random.default_rng(0).normal(0, 3, (5, FEATURE_COUNT)).astype(np.float32)
    given = session.run(None, {POSE_CLIP: features})[0]
    standard = np.clip((features - head.mean) * head.scale, -5, 5)
    each = []
    for first, last in head.members:
        logits = np.maximum(standard @ first.weight + first.bias, 0) @ last.weight + last.bias
        each.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    assert len(each) == 2 and np.abs(each[0] - each[1]).max() > 0.01
    wanted = np.mean(each, axis=0)
    np.testing.assert_allclose(given, wanted, atol=1e-4)


def test_nothing_to_learn_from_is_an_error():
    with pytest.raises(DatasetError, match='no clip'):
        collect_clips([], options=_QUICK, seed=0)


def test_people_are_dealt_to_folds_whole(sequences):
    folds = deal_folds(sequences)
    assert set(folds.values()) == set(range(5))
    assert folds == deal_folds(sequences)


def test_fall_ends_flat_and_crouch_ends_upright(standing):
    random = np.random.default_rng(0)
    for number in range(10):
        fall, crouch = make_fall(standing, number, random), make_crouch(standing, number, random)
        height = np.ptp(fall.joints[-1, :, 1])
        assert height < 0.75
        assert fall.label == FALL and fall.active[-1] and not fall.active[0]
        assert np.ptp(crouch.joints[-1, :, 1]) > 1.2
        assert crouch.label == OTHER
        assert np.isfinite(fall.joints).all() and np.isfinite(crouch.joints).all()


def test_landing_comes_down_from_above_and_gets_up(standing):
    random = np.random.default_rng(0)
    drops, ways = [], []
    for number in range(10):
        landing = make_landing(standing, number, random)
        feet = landing.joints[:, 11:13, 1].max(axis=1)
        assert landing.label == OTHER
        drops.append(feet[-1] - feet[0])
        assert np.ptp(landing.joints[-1, :, 1]) > 1.2
        ways.append(np.linalg.norm((landing.joints[-1] - landing.joints[0])[7, ::2]))
    assert max(drops) > 0.5 and max(ways) > 1


def test_bones_keep_their_length_while_falling(standing):
    fall = make_fall(standing, 0, np.random.default_rng(0))
    for first, second in ((7, 9), (9, 11), (1, 3)):
        lengths = np.linalg.norm(fall.joints[:, first] - fall.joints[:, second], axis=1)
        assert np.ptp(lengths) < 0.02


def test_clip_has_the_label_of_what_most_of_it_shows():
    walk = make_gait(0, 'walk', np.random.default_rng(4))
    active = np.zeros(60, bool)
    active[40:] = True
    walk = replace(walk, active=active)
    assert [label_clip(walk, end_s) for end_s in (1.2, 1.5, 1.9)] == [OTHER, None, 'walk']


def test_clip_shows_a_short_action_that_is_all_in_it():
    stamps_s = np.arange(90) / 30
    push = replace(
        make_gait(0, 'walk', np.random.default_rng(4)), label='push', stamps_s=stamps_s,
        joints=np.zeros((90, 13, 3)), active=(stamps_s > 1) & (stamps_s < 1.35),
    )
    ends_s = (1.1, 1.2, 1.4, 2.2, 2.7)
    assert [shows_label(push, end_s) for end_s in ends_s] == [False, False, True, True, False]
    assert label_clip(push, 2.2) is None  # too little to learn from
    flash = replace(push, active=(stamps_s > 1) & (stamps_s < 1.2))
    assert not shows_label(flash, 1.4)


def test_noise_leaves_what_was_not_seen_still():
    walk = make_gait(0, 'walk', np.random.default_rng(4))
    joints, _ = look(walk, 0.5, View(noise=0.02), np.random.default_rng(0))
    steps = np.abs(np.diff(joints, axis=0)).max(axis=(1, 2))
    assert not steps[:10].any() and (steps[-6:] > 1e-3).all()


def test_view_from_around_shows_the_same_way_in_the_world():
    walk = make_gait(1, 'run', np.random.default_rng(4))
    ways = []
    for azimuth in (0.0, 1.0, 2.5):
        joints, world = look(walk, 1.9, View(azimuth=azimuth))
        assert joints.shape == (SAMPLES, 13, 2)
        ways.append(np.linalg.norm(world[-1] - world[0]))
    assert np.ptp(ways) < 0.05 * ways[0]
    assert np.isnan(look(walk, 1.9, View(is_placed=False))[1]).all()


def test_report_counts_what_is_real(sequences):
    def say(source, truth, label):
        row = np.full((2, len(ACTIONS)), 0.02)
        row[:, ACTIONS.index(label)] = 0.9
        sequence = replace(sequences[0], source=source, label=truth, action='')
        return Judgement(sequence, truth, row, is_fall_told=label == FALL)

    report = report_actions([
        say('kard', 'walk', 'walk'), say('jhmdb', 'walk', OTHER), say('utd', OTHER, FALL),
        say('made', 'walk', FALL), say('utd', OTHER, OTHER),
    ])
    assert report.total.per_class['walk'].recall == 0.5
    assert report.false_falls == {'': 0.25, 'jhmdb': 0, 'utd': 0.5, 'kard': 0}
    assert report.to_json()['sources']['made walk'][ACTIONS.index(FALL)] == 1
    assert 'macro recall' in report.format()
    none = report_actions([say('utd', OTHER, OTHER)]).to_json()
    assert none['macro_recall'] is None  # what cannot be told is no number, and no NaN in JSON


def test_fall_of_a_trial_is_told_if_it_is_in_any_of_its_parts(sequences):
    def say(source, trial, label, is_fall_told):
        row = np.array([[each == label for each in ACTIONS]], float)
        part = replace(sequences[0], source=source, label=FALL, action='fall', trial=trial)
        return Judgement(part, FALL, row, is_fall_told=is_fall_told)

    report = report_actions([
        say('upfall', 'a', OTHER, False), say('upfall', 'a', OTHER, True),
        say('upfall', 'b', OTHER, False), say('made fall', 'c', FALL, True),
    ])
    assert report.fall_trials == {'a': True, 'b': False}
    assert (report.macro_recall, report.votes_macro_recall) == (0.5, 0)
    assert report.to_json()['fall_trials_told'] == 1
    assert 'told in 1 of 2' in report.format()


def test_each_sequence_has_one_vote_however_many_views(head):
    random = np.random.default_rng(9)
    walk = make_gait(50, 'walk', random)
    flat = replace(walk, joints=walk.joints[..., :2], source='jhmdb')
    never = replace(walk, active=np.zeros(60, bool))
    short = replace(walk, active=np.arange(60) == 59)
    judged = judge(head, [replace(walk, source='kard'), flat, never, short], JUDGING_VIEWS)
    assert [each.weight for each in judged] == [0.25] * 4 + [1] + [0.25] * 4
    assert {each.label for each in judged[5:]} == {NOT_JUDGED}
    report = report_actions(judged)
    assert report.votes['kard', 'walk'].sum() == report.votes['jhmdb', 'walk'].sum() == 1
    assert report.votes['made', 'walk'][-1] == 1
    missed = report_actions([replace(each, sequence=flat) for each in judged])
    assert missed.total.per_class['walk'].recall == pytest.approx(
        np.average([each.label == 'walk' for each in judged],
                   weights=[each.weight for each in judged])
    )


def test_what_is_judged_is_what_the_node_tells(standing):
    def tell(label, sequence, view):
        row = np.array([[each == label for each in ACTIONS]], float)
        says = SimpleNamespace(probabilities=lambda joints, _: row.repeat(len(joints), axis=0))
        return judge(says, [sequence], [view])[0].label

    fall = make_fall(standing, 0, np.random.default_rng(0))
    assert [tell(FALL, each, View()) for each in (fall, standing)] == [FALL, OTHER]
    assert tell('walk', standing, View()) == OTHER
    assert tell('walk', standing, View(is_placed=False)) == 'walk'


def test_who_lies_after_a_gap_of_the_source_was_up_before(standing):
    fall = make_fall(standing, 0, np.random.default_rng(0))
    lies = replace(
        fall, stamps_s=fall.stamps_s[-9:] + 60, joints=fall.joints[-9:], active=fall.active[-9:]
    )
    assert not find_stances(lies, View())[-1].was_up
    stance = find_stances(replace(lies, before=standing), View())[-1]
    assert stance.was_up and stance.down_ns > 0


def _write(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_published_skeletons_are_read_with_their_labels(tmp_path):
    random = np.random.default_rng(0)
    jhmdb = read_jhmdb(_write(
        tmp_path / 'j.npz', labels=np.array(['walk', 'clap']),
        pose_0000=random.normal(size=(20, 15, 2)), pose_0001=random.normal(size=(30, 15, 2)),
    ))
    assert [(s.label, s.joints.shape) for s in jhmdb] == [
        ('walk', (20, 13, 2)), (OTHER, (30, 13, 2))
    ]
    utd = read_utd(_write(tmp_path / 'u.npz', **{
        name: random.normal(size=(40, 20, 3)) for name in ('a18_s3_t1', 'a23_s4_t1')
    }))
    assert [(s.label, s.group) for s in utd] == [('push', 'utd3'), (OTHER, 'utd4')]
    kard = read_kard(_write(tmp_path / 'k.npz', a14_s06_e01=random.normal(size=(90, 15, 3))))
    assert [(s.label, s.group, s.joints.shape) for s in kard] == [('walk', 'kard6', (90, 13, 3))]


def test_damaged_file_is_named(tmp_path):
    (tmp_path / 'utd_mhad.npz').write_bytes(b'no archive')
    with pytest.raises(DatasetError, match=r'utd_mhad\.npz'):
        read_utd(tmp_path / 'utd_mhad.npz')
