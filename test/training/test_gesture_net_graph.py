"""The open GestureNet's ONNX operators against the same in numpy."""

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.gesture_features import GEOMETRY_SIZE, geometry_features
from ros2_hand_action.training.gesture_net_graph import (
    Graph,
    add_geometry,
    add_layers,
    add_mean,
    add_turn,
)
from ros2_hand_action.training.network import Layer, predict_logits, softmax

RANDOM = np.random.default_rng(0)


def run(graph, path, outputs, **feeds):
    network = helper.make_graph(
        graph.nodes, 'test',
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ['N', *array.shape[1:]])
         for name, array in feeds.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        list(graph.constants.values()),
    )
    opsets = [helper.make_opsetid('', 17)]
    onnx.save(helper.make_model(network, opset_imports=opsets, ir_version=8), path)
    session = create_session(path)
    found = session.run({name: array.astype(np.float32) for name, array in feeds.items()})
    session.close()
    return [found[name] for name in outputs]


def rotations(angles):
    """Return rotations of row vectors from upright to directions, clockwise from up."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)


def test_geometry_is_that_of_the_landmark_head(tmp_path):
    landmarks = RANDOM.uniform(0, 224, (5, 21, 3))
    world = RANDOM.normal(0, 0.05, (5, 21, 3))
    turn = rotations(RANDOM.uniform(-np.pi, np.pi, 5))
    graph = Graph()
    geometry = add_geometry(graph, 'landmarks', 'world', 'rotation')
    (found,) = run(
        graph, tmp_path / 'geometry.onnx', [geometry],
        landmarks=landmarks.reshape(5, 63), world=world.reshape(5, 63), rotation=turn,
    )
    turned = [np.concatenate([points[..., :2] @ turn, points[..., 2:]], axis=-1)
              for points in (landmarks, world)]
    assert found.shape == (5, GEOMETRY_SIZE)
    np.testing.assert_allclose(found, geometry_features(*turned), atol=2e-3)


def test_landmarks_in_one_point_give_numbers(tmp_path):
    graph = Graph()
    geometry = add_geometry(graph, 'landmarks', 'world', 'rotation')
    (found,) = run(
        graph, tmp_path / 'geometry.onnx', [geometry],
        landmarks=np.zeros((1, 63)), world=np.zeros((1, 63)), rotation=np.eye(2)[None],
    )
    assert np.isfinite(found).all()


@pytest.mark.parametrize('angle', [0, 0.4, np.pi / 2, -2.5])
def test_what_lies_in_the_direction_is_up_afterwards(tmp_path, angle):
    direction = np.array([[np.sin(angle), -np.cos(angle)]])
    image = np.zeros((160, 160), np.float32)
    place = 80 + 50 * direction[0]
    cv2.circle(image, tuple(place.round().astype(int).tolist()), 9, 1.0, -1)
    graph = Graph()
    outputs = add_turn(graph, 'image', 'direction')
    turned, rotation = run(
        graph, tmp_path / 'turn.onnx', outputs,
        image=np.tile(image, (1, 3, 1, 1)), direction=3 * direction,
    )
    assert turned.shape == (1, 3, 224, 224)
    np.testing.assert_allclose(rotation, rotations(np.array([angle])), atol=1e-5)
    rows, columns = np.nonzero(turned[0, 0] > 0.5)
    above = 50 / 1.2 * 224 / 160
    assert [columns.mean(), rows.mean()] == pytest.approx([111.5, 111.5 - above], abs=1.5)


def test_layers_end_in_a_softmax(tmp_path):
    layers = [
        Layer(RANDOM.normal(size=size), RANDOM.normal(size=size[1])) for size in ((4, 5), (5, 3))
    ]
    rows = RANDOM.normal(size=(6, 4))
    graph = Graph()
    (found,) = run(graph, tmp_path / 'net.onnx', [add_layers(graph, 'rows', layers)], rows=rows)
    np.testing.assert_allclose(found, softmax(predict_logits(layers, rows)), atol=1e-5)


def test_mean_is_that_of_each_value(tmp_path):
    rows = [RANDOM.normal(size=(4, 6)) for _ in range(3)]
    graph = Graph()
    (found,) = run(
        graph, tmp_path / 'mean.onnx', [add_mean(graph, ['a', 'b', 'c'], 'mean')],
        a=rows[0], b=rows[1], c=rows[2],
    )
    np.testing.assert_allclose(found, np.mean(rows, axis=0), atol=1e-6)


def test_image_goes_on_as_its_edge(tmp_path):
    graph = Graph()
    turned, _ = run(
        graph, tmp_path / 'turn.onnx', add_turn(graph, 'image', 'direction'),
        image=np.ones((1, 3, 160, 160)), direction=np.array([[0.6, -0.8]]),
    )
    np.testing.assert_allclose(turned, 1, atol=1e-5)
