"""Ground-truth files are read or refused with a reason, and score what the task sees."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / 'perception'))

from bodies import Disc, DiscDetector, DiscLandmarks, K, picture

from ros2_hand_action import cli
from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.body_pose import BodyPoseTracker
from ros2_hand_action.perception.skeleton import INDEX, LIMB_JOINTS
from ros2_hand_action.training import pose_evaluation
from ros2_hand_action.training.pose_dataset import read_pose_dataset


@pytest.fixture(autouse=True)
def _fake_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pose_evaluation, 'create_body_pose_tracker',
        lambda options, _: BodyPoseTracker(
            detector=DiscDetector(), landmarks=DiscLandmarks(), options=options
        ),
    )


def _write(folder: Path, **changes: object) -> Path:
    """Write three pictures of a person and, as truth, what the fake networks see in the first."""
    tracker = BodyPoseTracker(detector=DiscDetector(), landmarks=DiscLandmarks())
    entries = []
    for index in range(3):
        frame = picture([Disc(320, 240)], index)
        cv2.imwrite(str(folder / f'{index}.png'), frame.pixels)
        body = tracker.process(frame).bodies[0]
        joints = body.keypoints_m[[INDEX[name] for name in LIMB_JOINTS]]
        entries.append({
            'image': f'{index}.png', 'joints_m': joints.astype(float).tolist(),
            'sequence': 'walk', 'stamp_s': index / 30, **changes,
        })
    path = folder / 'truth.json'
    path.write_text(json.dumps({'joints': list(LIMB_JOINTS), 'entries': entries}))
    return path


def _run(path: Path, *arguments: str) -> dict:
    out = path.with_name('scores.json')
    assert cli.main(['poses', 'evaluate', str(path), '--json', str(out), *arguments]) == 0
    return json.loads(out.read_text())


def test_sequence_that_agrees_scores_perfectly(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    figures = _run(_write(tmp_path))
    assert (figures['bodies'], figures['found'], figures['pck']) == (3, 3, 1.0)
    assert figures['mpjpe_mm'] < 1 and figures['root_distance_error'] < 0.01
    assert figures['model'] == 'full'
    assert 'found            3 of 3 people' in capsys.readouterr().out


def test_single_pictures_and_camera_and_height(tmp_path: Path) -> None:
    figures = _run(_write(tmp_path, sequence='', k=list(K), height_m=1.87))
    assert figures['found'] == 3
    # Another camera and a taller person: farther away by both.
    assert figures['root_distance_error'] == pytest.approx(1.1 * 550 / 554.26 - 1, abs=0.02)
    taller = _run(_write(tmp_path, sequence=''), '--height', '1.87')
    assert taller['root_distance_error'] == pytest.approx(0.1, abs=0.02)


def test_unknown_joints_do_not_count(tmp_path: Path) -> None:
    path = _write(tmp_path)
    content = json.loads(path.read_text())
    for entry in content['entries']:
        entry['joints_m'][0] = None
    path.write_text(json.dumps(content))
    figures = _run(path)
    assert figures['pck'] == 1.0 and np.isnan(figures['joint_mpjpe_mm']['left_shoulder'])


@pytest.mark.parametrize(('change', 'message'), [
    (lambda content: content.pop('entries'), 'no entries'),
    (lambda content: content['joints'].__setitem__(0, 'tail'), 'tail'),
    (lambda content: content['entries'][1].pop('image'), 'entry 1'),
    (lambda content: content['entries'][0]['joints_m'].pop(), r'\(11, 3\)'),
    (lambda content: content['entries'][0].__setitem__('stamp_s', 'soon'), 'entry 0'),
])
def test_bad_files_are_refused(tmp_path: Path, change, message: str) -> None:
    path = _write(tmp_path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=message):
        read_pose_dataset(path)


def test_missing_file_and_picture_end_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert cli.main(['poses', 'evaluate', str(tmp_path / 'none.json')]) == 1
    path = _write(tmp_path)
    (tmp_path / '1.png').unlink()
    assert cli.main(['poses', 'evaluate', str(path)]) == 1
    assert '1.png' in capsys.readouterr().err


def test_joints_without_a_root_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path)
    content = json.loads(path.read_text())
    content['joints'][LIMB_JOINTS.index('left_hip')] = 'nose'
    path.write_text(json.dumps(content))
    assert cli.main(['poses', 'evaluate', str(path)]) == 1
