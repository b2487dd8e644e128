"""`hand-action models check`: the winner is found whichever convention a network was made for.

The networks are stand-ins of the published signatures, each of which answers rightly when it is
fed by one convention only.
"""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.cli import main
from ros2_hand_action.errors import DatasetError
from ros2_hand_action.inference import create_session
from ros2_hand_action.models.check import check_conventions
from ros2_hand_action.models.check_bodies import BodyNetJudge, list_people
from ros2_hand_action.models.check_classifiers import ActionNetJudge, GestureNetJudge
from ros2_hand_action.perception.action_recognition_net import (
    LABEL_PRESETS,
    ActionRecognitionNet,
)
from ros2_hand_action.perception.bodypose3dnet import (
    LIMBS,
    MEAN_LIMB_LENGTHS_MM,
    crop_matrices,
)
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS
from ros2_hand_action.training.dataset import LabelledPicture, load_picture, read_labelled_pictures

SHARPNESS = 2000.0


def save_network(path, nodes, inputs, outputs, constants):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, 'stand_in',
        [value(name, TensorProto.FLOAT, ['N', *shape]) for name, shape in inputs.items()],
        [value(name, TensorProto.FLOAT, ['N', *shape]) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def save_nearest(path, *, name, shape, output, prototypes, is_softmax):
    """Save a classifier: the class whose mean colour is nearest, of planes in thirds."""
    labels = len(prototypes)
    nodes = [
        helper.make_node('Reshape', [name, 'thirds'], ['flat']),
        helper.make_node('ReduceMean', ['flat'], ['mean'], axes=[2], keepdims=1),  # N, 3, 1
        helper.make_node('Sub', ['mean', 'prototypes'], ['apart']),
        helper.make_node('Mul', ['apart', 'apart'], ['squares']),
        helper.make_node('ReduceMean', ['squares'], ['distances'], axes=[1], keepdims=0),
        helper.make_node('Mul', ['distances', 'sharpness'], [output if not is_softmax else 'l']),
    ]
    if is_softmax:
        nodes.append(helper.make_node('Softmax', ['l'], [output], axis=1))
    return save_network(path, nodes, {name: shape}, {output: (labels,)}, {
        'thirds': np.array([0, 3, -1]), 'sharpness': np.float32(-SHARPNESS),
        'prototypes': np.asarray(prototypes, np.float32).T[None],
    })


# Hands: each class has a colour of its own, on a ground of the next class's colour.
BOX_PX = np.array([130.0, 90.0, 190.0, 150.0])
COLOURS = [(230, 40, 90), (40, 120, 220), (90, 200, 30), (150, 20, 200), (20, 60, 110),
           (200, 180, 60)]


@pytest.fixture(scope='module')
def hands(tmp_path_factory):
    """Return a folder with two pictures of each gesture."""
    folder = tmp_path_factory.mktemp('hands')
    for place, label in enumerate(GESTURES):
        (folder / label).mkdir()
        for copy in (0, 1):
            pixels = np.full((240, 320, 3), COLOURS[(place + 1) % 6][::-1], np.uint8)
            pixels[88 - copy:152 + copy, 128:192] = COLOURS[place][::-1]
            cv2.imwrite(str(folder / label / f'{copy}.png'), pixels)
    return folder


def find_box(_frame):
    return BOX_PX


def save_gesture_net(path, folder, convention):
    prototypes = [
        GestureNetJudge.cut(
            load_picture(folder / label / '0.png'), BOX_PX, convention
        )[0].mean(axis=(1, 2)) for label in GESTURES
    ]
    return save_nearest(
        path, name='input_1', shape=(3, 160, 160), output='activation_18',
        prototypes=prototypes, is_softmax=True,
    )


@pytest.mark.parametrize('convention', GestureNetJudge.conventions)
def test_gesture_net_is_found_out(tmp_path, hands, convention):
    path = save_gesture_net(tmp_path / 'net.onnx', hands, convention)
    judge = GestureNetJudge(create_session(path), find_box)
    verdict = check_conventions(judge, read_labelled_pictures(hands))
    assert verdict.winner == convention
    assert verdict.is_decisive, verdict.format()
    assert len(verdict.scores) == 12


def test_gesture_net_bears_what_cannot_be_used(tmp_path, hands):
    path = save_gesture_net(tmp_path / 'net.onnx', hands, GestureNetJudge.conventions[0])
    judge = GestureNetJudge(create_session(path), lambda _: None)
    picture = hands / 'two' / '0.png'
    assert judge.judge(LabelledPicture(picture, 'two')) is None
    assert judge.judge(LabelledPicture(hands / 'absent.png', 'two')) is None
    with pytest.raises(DatasetError, match="labelled 'wave'.*rename their folder"):
        judge.judge(LabelledPicture(picture, 'wave'))


@pytest.mark.parametrize(('name', 'ours'), [('random', 'none'), ('raise', 'two')])
def test_nvidias_names_of_gestures_are_known(tmp_path, hands, name, ours):
    path = save_gesture_net(tmp_path / 'net.onnx', hands, GestureNetJudge.conventions[0])
    judge = GestureNetJudge(create_session(path), find_box)
    given = judge.judge(LabelledPicture(hands / ours / '0.png', name))
    assert given.figures[0] == 1


# Actions: even pixels have one colour, the others another: what is seen depends on resizing.
EVEN = [(200, 60, 20), (30, 200, 90), (90, 20, 180), (160, 160, 10), (10, 190, 200)]
OTHERS = [(60, 180, 90), (190, 20, 60), (20, 140, 60), (30, 60, 160), (180, 30, 100)]
ACTIONS = LABEL_PRESETS['deepstream']


def make_video(label, frames=40):
    place = ACTIONS.index(label)
    pixels = np.full((448, 448, 3), OTHERS[place], np.uint8)
    pixels[::2, ::2] = EVEN[place]
    frame = Frame(pixels, PixelOrder.RGB)
    return SimpleNamespace(
        label=label, has_flow=False, frames=lambda: iter([frame] * frames),
        count_and_rate=lambda: (frames, 30.0),
    )


def save_action_net(path, convention, shape=(96, 224, 224)):
    labels, order, interpolation = convention
    seen = [
        np.array(even) if interpolation == 'nearest' else (np.array(even) + 3 * np.array(odd)) / 4
        for even, odd in zip(EVEN, OTHERS)
    ]
    by_label = dict(zip(ACTIONS, seen))
    prototypes = [by_label[label] / 127.5 - 1 for label in LABEL_PRESETS[labels]]
    if order == 'bgr':
        prototypes = [prototype[::-1] for prototype in prototypes]
    return save_nearest(
        path, name='input_rgb', shape=shape, output='fc_pred', prototypes=prototypes,
        is_softmax=False,
    )


ACTION_CONVENTIONS = [
    (labels, order, interpolation) for labels in LABEL_PRESETS for order in ('rgb', 'bgr')
    for interpolation in ('bilinear', 'nearest')
]


@pytest.mark.parametrize('convention', ACTION_CONVENTIONS)
def test_action_net_is_found_out(tmp_path, convention):
    path = save_action_net(tmp_path / 'net.onnx', convention)
    with ActionRecognitionNet(create_session(path)) as network:
        judge = ActionNetJudge(network)
        assert set(judge.conventions) == set(ACTION_CONVENTIONS)
        verdict = check_conventions(judge, [make_video(label) for label in (*ACTIONS, 'walk')])
    assert verdict.winner == convention
    assert verdict.is_decisive, verdict.format()


def test_action_net_refuses_other_labels(tmp_path):
    path = save_action_net(tmp_path / 'net.onnx', ACTION_CONVENTIONS[0])
    video = make_video('walk')
    video.label = 'sit'
    with ActionRecognitionNet(create_session(path)) as network:
        with pytest.raises(DatasetError, match="labelled 'sit'.*rename their folder"):
            ActionNetJudge(network).judge(video)


@pytest.mark.parametrize('labels', LABEL_PRESETS)
def test_net_on_flow_has_an_order_of_labels_only(tmp_path, labels):
    """Each label moves in a direction of its own; weights are means of the flow's two halves."""
    ways = {
        label: np.array([np.cos(angle), np.sin(angle)])
        for label, angle in zip(ACTIONS, np.arange(5) * 1.2)
    }
    weights = np.repeat([ways[label] for label in LABEL_PRESETS[labels]], 32, axis=1)
    nodes = [
        helper.make_node('ReduceMean', ['input_of'], ['means'], axes=[2, 3], keepdims=0),
        helper.make_node('MatMul', ['means', 'weights'], ['fc_pred']),
    ]
    path = save_network(
        tmp_path / 'net.onnx', nodes, {'input_of': (64, 224, 224)}, {'fc_pred': (5,)},
        {'weights': weights.T.astype(np.float32)},
    )

    def make_flow(label):
        plane = np.full((60, 80, 2), 128 + 100 * ways[label], np.uint8)
        return SimpleNamespace(
            label=label, has_flow=True, count_flow=lambda: 33,
            read_flow=lambda places: dict.fromkeys(places, plane),
        )

    with ActionRecognitionNet(create_session(path)) as network:
        judge = ActionNetJudge(network)
        verdict = check_conventions(judge, [make_flow(label) for label in (*ACTIONS, 'run')])
    assert verdict.factors == ('labels', 'interpolation')
    assert verdict.winner[0] == labels
    assert [choice.is_decided for choice in verdict.choices] == [True, False]


# Bodies: blue is 80 levels above red in every picture, so that the order can be seen.
K = (500.0, 0, 320, 0, 500.0, 240, 0, 0, 1)
DIFFERENCES = {  # of the first and the last plane
    'rgb': -80 / 255, 'bgr': 80 / 255, 'rgb_mean': (-80 - 123.675 + 103.53) / 255,
}
FIXED_K_INV = 0.00124876620338


def make_body():
    """Return keypoints (34, 3) in metres around the middle; limbs have their mean lengths."""
    points = np.random.default_rng(3).normal(0, 0.3, (34, 3))
    first, second = np.array(LIMBS).T
    for _ in range(5000):  # springs
        gaps = points[first] - points[second]
        sizes = np.linalg.norm(gaps, axis=1, keepdims=True)
        push = 0.2 * gaps * (np.array(MEAN_LIMB_LENGTHS_MM)[:, None] / 1000 / sizes - 1)
        np.add.at(points, first, push)
        np.add.at(points, second, -push)
    return points - (points.min(axis=0) + points.max(axis=0)) / 2


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """Return a folder with eight labelled pictures, the keypoints, and what the network says."""
    folder = tmp_path_factory.mktemp('people')
    placed = make_body() + (0, 0, 4.2)
    camera = make_camera(image_size=(640, 480), k=K)
    keypoints_px = camera.project(placed)
    low, high = keypoints_px.min(axis=0), keypoints_px.max(axis=0)
    depths = (placed[:, 2] - placed[INDEX['pelvis'], 2]) / 0.4926854
    label = {
        'keypoints_px': dict(zip(KEYPOINTS, keypoints_px.tolist())), 'k': list(K),
    }
    for place in range(8):
        colour = np.array([60, 100, 140]) + 12 * place
        pixels = np.full((480, 640, 3), colour[::-1], np.uint8)
        cv2.imwrite(str(folder / f'{place}.png'), pixels)
        (folder / f'{place}.json').write_text(json.dumps(label))
    side = (high - low).max()
    return folder, keypoints_px, depths, np.array([[*(low + high) / 2, 1.25 * side, 0]])


def save_body_net(path, people, preset, camera):
    """Save a network whose keypoints are off by its input's colours, depths by its camera's."""
    _, keypoints_px, depths, region = people
    matrix = crop_matrices(region)[0]
    to_crop = np.linalg.inv(matrix)
    pose = np.ones((34, 4))
    pose[:, :2] = keypoints_px @ to_crop[:2, :2].T + to_crop[:2, 2]
    pose[:, 2] = depths
    k_inv = np.linalg.inv(np.reshape(K, (3, 3)) + [[0, 0, .5], [0, 0, .5], [0, 0, 0]]) @ matrix
    wanted = FIXED_K_INV if camera == 'fixed' else k_inv[0, 0]
    ramp = np.zeros((1, 34, 4))
    ramp[:, :, 2] = 2000 * np.linspace(-1, 1, 34)
    shift = np.zeros((1, 34, 4))
    shift[:, :, :2] = 100
    make = helper.make_node
    nodes = [
        make('ReduceMean', ['input0'], ['means'], axes=[2, 3], keepdims=0),  # N, 3
        make('MatMul', ['means', 'ends'], ['difference']),  # N, 1
        make('Sub', ['difference', 'wanted_difference'], ['off']),
        make('Reshape', ['off', 'column'], ['off_column']),
        make('Mul', ['off_column', 'shift'], ['shifted']),
        make('Reshape', ['k_inv', 'nine'], ['k_flat']),
        make('MatMul', ['k_flat', 'corner'], ['focal']),  # N, 1
        make('Sub', ['focal', 'wanted_focal'], ['off_focal']),
        make('Reshape', ['off_focal', 'column'], ['off_focal_column']),
        make('Mul', ['off_focal_column', 'ramp'], ['ramped']),
        make('Add', ['shifted', 'ramped'], ['both']),
        make('Add', ['both', 'pose'], ['pose25d']),
    ]
    for name, size in (('t_form_inv', 9), ('scale_normalized_mean_limb_lengths', 36),
                       ('mean_limb_lengths', 36)):
        nodes += [
            make('Reshape', [name, f'all_{size}'], [f'{name}_flat']),
            make('ReduceSum', [f'{name}_flat', 'axis'], [f'{name}_sum'], keepdims=1),
            make('Mul', [f'{name}_sum', 'zero'], [f'{name}_zero']),
            make('Reshape', [f'{name}_zero', 'column'], [f'{name}_column']),
        ]
    nodes += [
        make('Add', ['t_form_inv_column', 'zero_34_3'], ['pose2d']),
        make('Add', ['scale_normalized_mean_limb_lengths_column', 'zero_34_3'],
             ['pose2d_org_img']),
        make('Add', ['mean_limb_lengths_column', 'zero_34_3'], ['pose3d']),
    ]
    return save_network(path, nodes, {
        'input0': (3, 256, 192), 'k_inv': (3, 3), 't_form_inv': (3, 3),
        'scale_normalized_mean_limb_lengths': (36,), 'mean_limb_lengths': (36,),
    }, {
        'pose2d': (34, 3), 'pose2d_org_img': (34, 3), 'pose25d': (34, 4), 'pose3d': (34, 3),
    }, {
        'ends': np.float32([[1], [0], [-1]]), 'column': np.array([-1, 1, 1]),
        'wanted_difference': np.float32(DIFFERENCES[preset]), 'shift': shift.astype(np.float32),
        'nine': np.array([-1, 9]), 'corner': np.eye(9, 1, dtype=np.float32),
        'wanted_focal': np.float32(wanted), 'ramp': ramp.astype(np.float32),
        'pose': pose[None].astype(np.float32), 'all_9': np.array([-1, 9]),
        'all_36': np.array([-1, 36]), 'axis': np.array([1]), 'zero': np.float32(0),
        'zero_34_3': np.zeros((1, 34, 3), np.float32),
    })


@pytest.mark.parametrize(('preset', 'camera'), BodyNetJudge.conventions)
def test_body_net_is_found_out(tmp_path, people, preset, camera):
    path = save_body_net(tmp_path / 'net.onnx', people, preset, camera)
    judge = BodyNetJudge(create_session(path), lambda _: pytest.fail('it has labels'))
    verdict = check_conventions(judge, list_people(people[0]))
    assert verdict.winner == (preset, camera)
    assert verdict.is_decisive, verdict.format()
    best = verdict.figures[:, verdict.conventions.index((preset, camera))]
    assert best.max() < 0.01


def test_people_without_labels_are_seen_by_our_own_network(tmp_path, people):
    folder, keypoints_px, *_ = people
    path = save_body_net(tmp_path / 'net.onnx', people, 'rgb', 'crop')
    bare = tmp_path / 'bare'
    bare.mkdir()
    (bare / '0.png').write_bytes((folder / '0.png').read_bytes())
    [person] = list_people(bare)
    judge = BodyNetJudge(create_session(path), lambda _: keypoints_px)
    assert judge.judge(person).figures.argmin() in (2, 3)
    assert BodyNetJudge(create_session(path), lambda _: None).judge(person) is None


def test_labels_of_people_must_be_readable(tmp_path, people):
    path = save_body_net(tmp_path / 'net.onnx', people, 'rgb', 'crop')
    (tmp_path / '0.png').write_bytes((people[0] / '0.png').read_bytes())
    (tmp_path / '0.json').write_text('{"keypoints_px": {"third_hand": [1, 2]}}')
    judge = BodyNetJudge(create_session(path), lambda _: None)
    with pytest.raises(DatasetError, match=r"0\.json' cannot be used.*third_hand"):
        judge.judge(list_people(tmp_path)[0])
    with pytest.raises(DatasetError, match='no folder'):
        list_people(tmp_path / 'absent')


def test_command_prints_and_writes_the_verdict(tmp_path, people, capsys):
    path = save_body_net(tmp_path / 'net.onnx', people, 'bgr', 'fixed')
    figures = tmp_path / 'figures.json'
    given = ['models', 'check', str(path), '--images', str(people[0]), '--json', str(figures)]
    assert main(given) == 0
    assert capsys.readouterr().out.endswith('decisive\n')
    assert json.loads(figures.read_text())['winner'] == {'pixels': 'bgr', 'camera': 'fixed'}


def test_command_on_actions_reads_videos(tmp_path, capsys):
    path = save_action_net(tmp_path / 'net.onnx', ('model_card', 'rgb', 'nearest'))
    for label in ACTIONS:
        video = tmp_path / 'videos' / label / 'one'
        (video / 'rgb').mkdir(parents=True)
        pixels = next(make_video(label).frames()).pixels
        cv2.imwrite(str(video / 'rgb' / '0.png'), pixels[..., ::-1])
        for place in range(1, 33):
            (video / 'rgb' / f'{place}.png').symlink_to(video / 'rgb' / '0.png')
    assert main(['models', 'check', str(path), '--images', str(tmp_path / 'videos')]) == 1
    output = capsys.readouterr().out
    assert output.splitlines()[1].split()[:3] == ['model_card', 'rgb', 'nearest']
    assert 'give at least 6 examples' in output


def test_command_on_another_network_is_refused(tmp_path, capsys):
    path = save_network(
        tmp_path / 'net.onnx', [helper.make_node('Relu', ['image'], ['y'])], {'image': (3,)},
        {'y': (3,)}, {},
    )
    assert main(['models', 'check', str(path), '--images', str(tmp_path)]) == 1
    assert "has the inputs ['image']: only GestureNet" in capsys.readouterr().err
