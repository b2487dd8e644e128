"""I3D's contract on a stand-in, and the real one where it is fetched."""

import numpy as np
import pytest
from action_networks import pick, write_stand_in

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.class_groups import load_class_groups
from ros2_hand_action.perception.i3d import I3d, I3dOptions, create_i3d


@pytest.fixture
def network(tmp_path):
    weights = pick(3 * 16, [0, 16 + 3], labels=400)
    path = write_stand_in(
        tmp_path / 'i3d.onnx', (3, 16), name='clip', output='logits', weights=weights
    )
    with I3d(create_session(path), load_class_groups()) as network:
        yield network


def test_pixels_are_those_of_the_middle_square(network):
    image = np.zeros((60, 100, 3), np.uint8)
    image[:, :20], image[:, 80:] = 255, 255  # left and right of it
    clip = [image.copy() for _ in range(16)]
    clip[3][:, :, 1] = 255
    found = np.log(network.classify_classes([clip])[0])
    assert found.shape == (400,)
    assert found[0] - found[2] == pytest.approx(-1, abs=1e-4)  # red of the first image, black
    assert found[1] - found[2] == pytest.approx(1, abs=1e-4)  # green of the fourth


def test_groups_sum_to_one(network):
    found = network.classify([[np.zeros((40, 40, 3), np.uint8)] * 16] * 2)
    assert found.shape == (2, len(network.labels))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert network.classify([]).shape == (0, len(network.labels))


@pytest.mark.parametrize('images', [16, 32])
def test_clips_of_either_length_take_as_long(tmp_path, images):
    path = write_stand_in(
        tmp_path / 'i3d.onnx', (3, images), name='clip', output='logits',
        weights=np.zeros((3 * images, 400)),
    )
    with I3d(create_session(path), load_class_groups(), I3dOptions(images=images)) as network:
        assert network.images * network.step_ns == pytest.approx(1.28e9)


def test_other_length_is_refused():
    with pytest.raises(ConfigError, match='17'):
        I3dOptions(images=17)


@pytest.mark.parametrize(('name', 'labels', 'images'), [
    ('input_rgb', 400, 16), ('clip', 5, 16), ('clip', 400, 32),
])
def test_other_network_is_refused(tmp_path, name, labels, images):
    path = write_stand_in(
        tmp_path / 'n.onnx', (3, images), name=name, output='logits',
        weights=np.zeros((3 * images, labels)),
    )
    with pytest.raises(ModelError, match='models fetch i3d_kinetics_400'):
        I3d(create_session(path), load_class_groups())


def test_network_that_is_not_fetched_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv('HAND_ACTION_CACHE', str(tmp_path))
    with pytest.raises(ModelError, match='models fetch i3d_kinetics_400'):
        create_i3d()
