"""BodyPose3DNet's contract, on a stand-in of the same signature, and its lifting on numbers."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from bodies import K, camera, standing_body
from onnx import TensorProto, helper

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.bodypose3dnet import (
    LIMBS,
    MEAN_LIMB_LENGTHS_MM,
    NORMALIZED_LIMB_LENGTHS,
    BodyPose3DNet,
    crop_inverse_intrinsics,
    crop_matrices,
    lift_pose25d,
    limb_table,
)
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS
from ros2_hand_action.perception.stage_times import StageClock

INPUTS = {
    'input0': (3, 256, 192), 'k_inv': (3, 3), 't_form_inv': (3, 3),
    'scale_normalized_mean_limb_lengths': (36,), 'mean_limb_lengths': (36,),
}
OUTPUTS = {'pose2d': (34, 3), 'pose2d_org_img': (34, 3), 'pose25d': (34, 4), 'pose3d': (34, 3)}


def _value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ['N', *shape])


def _stand_in(path: Path, pose25d: np.ndarray, outputs: dict = OUTPUTS) -> Path:
    """Write a network of the same signature that answers `pose25d` (34, 4) plus what it was fed.

    Keypoint 0's confidence is the mean of the first plane, so that a test sees pixel orders;
    the other inputs are summed and multiplied by zero, so that all five are needed.
    """
    nodes = []
    for name in INPUTS:
        node = helper.make_node(
            'ReduceSum', [name, f'axes_{name}'], [f'sum_{name}'], keepdims=0)
        nodes.append(node)
    nodes += [
        helper.make_node('Sum', [f'sum_{name}' for name in INPUTS], ['all']),
        helper.make_node('Mul', ['all', 'zero'], ['none']),
        helper.make_node('Reshape', ['none', 'column'], ['none3']),
        helper.make_node('Slice', ['input0', 'begin', 'end', 'channel'], ['red']),
        helper.make_node('ReduceMean', ['red'], ['level'], axes=[1, 2, 3], keepdims=0),
        helper.make_node('Reshape', ['level', 'column'], ['level3']),
        helper.make_node('Mul', ['level3', 'mark'], ['marked']),
    ]
    for name in outputs:
        nodes.append(helper.make_node('Add', ['none3', f'base_{name}'], [f'add_{name}']))
        last = 'marked' if name == 'pose25d' else 'none3'
        nodes.append(helper.make_node('Add', [f'add_{name}', last], [name]))
    mark = np.zeros((1, 34, 4), np.float32)
    mark[0, 0, 3] = 1
    constants = {
        'zero': np.float32(0), 'column': np.array([-1, 1, 1]), 'begin': np.array([0]),
        'end': np.array([1]), 'channel': np.array([1]), 'mark': mark,
        **{f'axes_{n}': np.arange(1, 1 + len(s)) for n, s in INPUTS.items()},
        **{
            f'base_{n}': (pose25d if n == 'pose25d' else np.zeros(s)).astype(np.float32)[None]
            for n, s in outputs.items()
        },
    }
    graph = helper.make_graph(
        nodes, 'stand_in', [_value(*item) for item in INPUTS.items()],
        [_value(*item) for item in outputs.items()],
        [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _network(path: Path, **options: object) -> BodyPose3DNet:
    given = {'preset': 'bgr', 'keypoint_threshold': 0.5, 'height_m': 1.77, **options}
    return BodyPose3DNet(create_session(path), **given)  # type: ignore[arg-type]


def _average_body() -> np.ndarray:
    """Return a body (34, 3) in metres whose limbs have NVIDIA's mean lengths to 0.01 mm."""
    points = standing_body(1.77)
    first, second = np.array(LIMBS).T
    wanted = np.array(MEAN_LIMB_LENGTHS_MM) / 1000
    for _ in range(20000):  # relax the springs
        gaps = points[first] - points[second]
        sizes = np.linalg.norm(gaps, axis=1)
        push = gaps * ((wanted - sizes) / sizes)[:, None] * 0.2
        np.add.at(points, first, push)
        np.add.at(points, second, -push)
        if np.abs(wanted - sizes).max() < 1e-5:
            break
    assert np.abs(wanted - sizes).max() < 1e-5
    return points


def test_limb_tables_are_those_of_the_published_application() -> None:
    table = limb_table(MEAN_LIMB_LENGTHS_MM)
    assert table.shape == (36,)
    assert np.flatnonzero(table).tolist() == [*range(9), *range(16, 23), 30]
    assert table[2] == pytest.approx(492.6854) and table[30] == pytest.approx(168.6137)
    scaled = np.array(MEAN_LIMB_LENGTHS_MM) / 492.6854
    assert np.abs(scaled - NORMALIZED_LIMB_LENGTHS).max() < 0.01
    names = [(KEYPOINTS[a], KEYPOINTS[b]) for a, b in LIMBS]
    assert names[0] == ('pelvis', 'torso') and names[7] == ('right_shoulder', 'right_elbow')
    assert names[-1] == ('left_shoulder', 'neck')


@pytest.mark.parametrize(('x', 'z'), [(0.0, 2.0), (0.7, 3.5), (-1.5, 5.0)])
def test_lifting_is_exact_to_a_millimetre(x: float, z: float) -> None:
    truth = _average_body() + (x, 0.1, z)
    seen_by = make_camera(image_size=(640, 480), k=K, d=(-0.2, 0.05, 1e-3, -1e-3, 0.0))
    rays = seen_by.unproject(seen_by.project(truth))
    depths = (truth[:, 2] - z) / 0.4926854
    found = lift_pose25d(rays, depths, np.ones(34), np.array(MEAN_LIMB_LENGTHS_MM))
    assert np.abs(found - truth).max() < 1e-3


def test_lifting_bears_limbs_that_allow_no_solution() -> None:
    truth = _average_body() + (0, 0, 3.0)
    rays = camera().unproject(camera().project(truth))
    depths = (truth[:, 2] - 3.0) / 0.4926854
    depths[INDEX['left_wrist']] += 3.0  # longer than a forearm wherever the root is
    confidence = np.ones(34)
    confidence[INDEX['left_wrist']] = 0.0
    found = lift_pose25d(rays, depths, confidence, np.array(MEAN_LIMB_LENGTHS_MM))
    others = np.delete(np.arange(34), INDEX['left_wrist'])
    assert np.abs(found - truth)[others].max() < 0.02
    none = lift_pose25d(rays, depths, np.zeros(34), np.array(MEAN_LIMB_LENGTHS_MM))
    assert np.isnan(none).all()


def test_crop_is_wider_and_taller_than_the_box() -> None:
    region = np.array([[300.0, 200.0, 250.0, 0.7]])  # box of 200 pixels
    matrix = crop_matrices(region)[0]
    corners = matrix @ np.array([[0, 192], [0, 256], [1, 1]])
    assert np.allclose(corners[0], [300 - 125, 300 + 125])
    assert np.allclose(corners[1], [200 - 500 / 3, 200 + 500 / 3])


def test_intrinsics_follow_the_crop() -> None:
    matrix = crop_matrices(np.array([[300.0, 200.0, 250.0, 0.0]]))
    rays = crop_inverse_intrinsics(camera(), matrix)[0] @ np.array([96.0, 128.0, 1.0])
    assert np.allclose(rays, camera().unproject(np.array([[300.0, 200.0]]))[0])


def test_body_comes_back_from_the_crop(tmp_path: Path) -> None:
    truth = _average_body() + (0.3, 0.1, 3.0)
    pixels = camera().project(truth)
    region = np.array([[*pixels[0], 400.0, 0.0]])
    to_crop = np.linalg.inv(crop_matrices(region)[0])
    pose = np.ones((34, 4))
    pose[:, :2] = pixels @ to_crop[:2, :2].T + to_crop[:2, 2]
    pose[:, 2] = (truth[:, 2] - 3.0) / 0.4926854
    pose[0, 3], pose[INDEX['left_ear'], 3] = 0.6, 0.2
    network = _network(_stand_in(tmp_path / 'net.onnx', pose))
    frame = Frame(np.zeros((480, 640, 3), np.uint8), PixelOrder.BGR)
    seen = network.find(frame, region, camera(), StageClock())
    assert np.abs(seen.placed_m[0] - truth).max() < 1e-3
    assert np.abs(seen.keypoints_px[0] - pixels).max() < 0.01
    assert seen.confidence[0, 0] == pytest.approx(0.6)
    assert seen.confidence[0, INDEX['left_ear']] == 0  # below the threshold: unknown
    assert np.allclose(seen.circles_px[0, 0], pixels[0], atol=0.01)
    radius = np.linalg.norm(pixels - pixels[0], axis=1).max()
    assert np.allclose(seen.circles_px[0, 1], pixels[0] - (0, radius), atol=0.05)


@pytest.mark.parametrize(('preset', 'level'), [
    ('bgr', 50 / 255), ('rgb', 200 / 255), ('rgb_mean', (200 - 123.675) / 255),
])
@pytest.mark.parametrize('order', [PixelOrder.RGB, PixelOrder.BGR])
def test_presets_order_and_scale_pixels(
    tmp_path: Path, preset: str, level: float, order: PixelOrder
) -> None:
    colour = (200, 100, 50) if order is PixelOrder.RGB else (50, 100, 200)
    frame = Frame(np.full((480, 640, 3), colour, np.uint8), order)
    pose = np.ones((34, 4))
    pose[0, 3] = 0
    network = _network(_stand_in(tmp_path / 'net.onnx', pose), preset=preset,
                       keypoint_threshold=0.01)
    seen = network.find(
        frame, np.array([[320.0, 240.0, 100.0, 0.0]]), camera(), StageClock()
    )
    assert seen.confidence[0, 0] == pytest.approx(level, abs=1e-4)


def test_no_region_is_no_body(tmp_path: Path) -> None:
    network = _network(_stand_in(tmp_path / 'net.onnx', np.ones((34, 4))))
    frame = Frame(np.zeros((48, 64), np.uint8), PixelOrder.MONO)
    seen = network.find(frame, np.zeros((0, 4)), camera(64, 48), StageClock())
    assert seen.keypoints_px.shape == (0, 34, 2) and seen.placed_m.shape == (0, 34, 3)


def test_other_networks_and_presets_are_refused(tmp_path: Path) -> None:
    outputs = {name: shape for name, shape in OUTPUTS.items() if name != 'pose3d'}
    path = _stand_in(tmp_path / 'net.onnx', np.ones((34, 4)), outputs)
    with pytest.raises(ModelError, match='pose3d'):
        _network(path)
    with pytest.raises(ConfigError, match="'yuv'"):
        _network(path, preset='yuv')
