"""REP-155 against interfaces that are built here from the definitions in test/interfaces."""

import ctypes
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from people import make_body
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from ros2_hand_action.msg import BodyPoseArray, GestureEvent, Hand
from ros2_hand_action.nodes import hri_conversions
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.conversions import stamp_to_ns
from ros2_hand_action.nodes.hri_conversions import crop_of, posture_to_hri
from ros2_hand_action.perception.body_posture import Posture
from ros2_hand_action.perception.skeleton import INDEX

SOURCE = Path(__file__).parents[1] / 'interfaces' / 'hri_msgs'
DEADLINE_S = 300


def build(folder: Path) -> Path:
    """Build the interfaces as tools/setup_venv.py builds its own; return their prefix."""
    cmake = shutil.which('cmake', path=f'{sys.prefix}/bin:{os.environ["PATH"]}')
    if cmake is None:
        pytest.skip('no cmake: make setup')
    ninja = shutil.which('ninja', path=f'{sys.prefix}/bin')
    prefixes = os.environ.get('AMENT_PREFIX_PATH', sys.prefix).replace(':', ';')
    prefix = folder / 'install'
    commands = (
        [cmake, '-S', SOURCE, '-B', folder / 'build', f'-DCMAKE_INSTALL_PREFIX={prefix}',
         *(['-G', 'Ninja', f'-DCMAKE_MAKE_PROGRAM={ninja}'] if ninja else []),
         f'-DCMAKE_PREFIX_PATH={prefixes}', f'-DPython3_EXECUTABLE={sys.executable}',
         f'-DPYTHON_EXECUTABLE={sys.executable}', '-DBUILD_TESTING=OFF'],
        [cmake, '--build', folder / 'build', '--target', 'install', '--parallel', '1'],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return prefix


@pytest.fixture(scope='module')
def hri(tmp_path_factory):
    """Return hri_msgs.msg: the installed one, or one that is built."""
    try:
        yield importlib.import_module('hri_msgs.msg')
        return
    except ImportError:
        prefix = build(tmp_path_factory.mktemp('hri'))
    with pytest.MonkeyPatch.context() as patch:
        (package,) = prefix.glob('**/hri_msgs/__init__.py')
        patch.syspath_prepend(str(package.parents[1]))
        # rclpy finds type supports by this variable, the loader by what is loaded already
        patch.setenv('LD_LIBRARY_PATH', f'{prefix}/lib:{os.environ.get("LD_LIBRARY_PATH", "")}')
        waiting = sorted(prefix.glob('lib/*.so'))
        for _ in range(len(waiting)):  # one needs the other
            waiting = [library for library in waiting if not load(library)]
        assert not waiting
        yield importlib.import_module('hri_msgs.msg')
        for name in [name for name in sys.modules if name.partition('.')[0] == 'hri_msgs']:
            del sys.modules[name]


def load(library: Path) -> bool:
    try:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True


def test_bodies_and_gestures_on_the_topics_of_rep_155(
    start_nodes, probe, body_tracker, make_image, hri
):
    images = probe.publisher(Image, 'image')
    events = probe.publisher(GestureEvent, 'gesture_events')
    bodies = probe.listen(BodyPoseArray, 'bodies')
    tracked = probe.listen(hri.IdsList, '/humans/bodies/tracked')
    regions = probe.listen(hri.NormalizedRegionOfInterest2D, '/humans/bodies/p1/roi')
    skeletons = probe.listen(hri.Skeleton2D, '/humans/bodies/p1/skeleton2d')
    joints = probe.listen(JointState, '/humans/bodies/p1/joint_states')
    postures = probe.listen(hri.BodyPosture, '/humans/bodies/p1/posture')
    crops = probe.listen(Image, '/humans/bodies/p1/cropped')
    gestures = probe.listen(hri.Gesture, '/humans/bodies/p1/gesture')
    node = start_nodes(BodyPoseEstimatorNode)

    def show(stamp_ns: int, value: int = 255) -> None:
        before = len(bodies)
        images.publish(make_image(stamp_ns, value=value))
        probe.wait(lambda: len(bodies) > before, f'an answer to {stamp_ns}')

    probe.wait(
        lambda: images.get_subscription_count() and node.count_publishers('bodies')
        and probe.node.count_publishers('/humans/bodies/tracked'), 'the node',
    )
    show(1)  # then the topics of p1 are there
    probe.connect(node)
    show(2)
    probe.wait(lambda: regions and skeletons and joints and crops, 'what is known of p1')
    probe.wait(lambda: tracked, 'the ids')
    assert tracked[-1].ids == ['p1'] and tracked[-1].header.frame_id == 'camera'
    region = regions[-1]
    assert stamp_to_ns(region.header.stamp) == 2
    corners = [region.xmin * 64, region.ymin * 48, region.xmax * 64, region.ymax * 48]
    assert corners == pytest.approx([10, 5, 40, 44], abs=1e-4)
    assert region.c == 0.875
    assert (crops[-1].width, crops[-1].height) == (30, 39)
    assert stamp_to_ns(joints[-1].header.stamp) == 2
    angles = dict(zip(joints[-1].name, joints[-1].position))
    assert angles.keys() == {  # the right arm, the legs and the ears are unknown
        'waist_p1', 'l_y_shoulder_p1', 'l_p_shoulder_p1', 'l_r_shoulder_p1', 'l_elbow_p1',
    }
    assert angles['l_p_shoulder_p1'] == pytest.approx(np.arccos(1 / 3), abs=1e-5)
    assert angles['l_y_shoulder_p1'] == pytest.approx(np.pi / 4, abs=1e-5)
    points = skeletons[-1].skeleton
    seen = points[hri.Skeleton2D.LEFT_SHOULDER]
    assert (seen.x, seen.y) == pytest.approx(((32 + 10 / 3) / 64, (24 - 25 / 3) / 48))
    assert points[hri.Skeleton2D.LEFT_EYE].x > points[hri.Skeleton2D.RIGHT_EYE].x
    unknown = points[hri.Skeleton2D.RIGHT_WRIST]
    assert (unknown.x, unknown.y, unknown.c) == (0, 0, 0)

    for label, phase in (('two', GestureEvent.ENDED), ('thumbs_up', GestureEvent.STARTED)):
        events.publish(GestureEvent(label=label, phase=phase, body_id='p1', handedness=Hand.LEFT))
    probe.wait(lambda: gestures, 'the gesture')
    (gesture,) = gestures
    assert (gesture.gesture, gesture.handedness) == (hri.Gesture.THUMB_UP, hri.Gesture.LEFT)

    assert not postures  # without legs it cannot be told
    points = body_tracker.body.keypoints_m.copy()
    for name, place in (
        ('left_hip', (0.1, 0, 3)), ('left_knee', (0.1, 0, 2.6)), ('left_ankle', (0.1, 0.4, 2.6))
    ):
        points[INDEX[name]] = place
    body_tracker.body = make_body(keypoints_m=points)
    show(3)
    probe.wait(lambda: postures, 'the posture')
    assert postures[-1].posture == hri.BodyPosture.SITTING
    assert stamp_to_ns(postures[-1].header.stamp) == 3

    show(4, value=0)
    probe.wait(lambda: tracked[-1].ids == [], 'nobody')
    probe.wait(lambda: not probe.node.count_publishers('/humans/bodies/p1/roi'), 'no topics of p1')
    show(5)
    node.trigger_deactivate()
    probe.wait(lambda: not probe.node.count_publishers('/humans/bodies/tracked'), 'the end')


def test_without_hri_msgs_it_says_so(
    start_nodes, probe, body_tracker, make_image, monkeypatch, capfd
):
    monkeypatch.setitem(sys.modules, 'hri_msgs.msg', None)  # makes the import fail
    bodies, images = probe.listen(BodyPoseArray, 'bodies'), probe.publisher(Image, 'image')
    node = start_nodes(BodyPoseEstimatorNode)
    probe.connect(node)
    images.publish(make_image(1))
    probe.wait(lambda: bodies, 'bodies all the same')
    assert not any(end.topic_name.startswith('/humans') for end in node.publishers)
    assert 'hri_msgs is not installed' in capfd.readouterr().err


def test_whole_image_is_no_empty_crop():
    pixels = np.zeros((48, 64, 3), np.uint8)
    everything = make_body(box_px=np.array([0, 0, 64, 48], np.float32))
    assert crop_of(pixels, everything).shape == pixels.shape
    assert crop_of(pixels, make_body(box_px=np.zeros(4, np.float32))) is None


@pytest.mark.parametrize('posture', Posture)
def test_each_posture_has_its_constant(hri, monkeypatch, posture):
    monkeypatch.setattr(hri_conversions, 'find_posture', lambda *_, **__: posture)
    message = posture_to_hri(hri, make_body(), Header(), 0.0)
    name = {Posture.LYING: 'LAYING'}.get(posture, posture.name)
    assert message.posture == getattr(hri.BodyPosture, name)


def test_older_hri_msgs_have_no_posture():
    assert posture_to_hri(SimpleNamespace(), make_body(), Header(), 0.0) is None
