"""ActionRecognitionNet's contract, on stand-ins of the same four signatures."""

from types import SimpleNamespace

import numpy as np
import pytest
from action_networks import pick, write_stand_in

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.action_recognition_net import (
    LABEL_PRESETS,
    ActionRecognitionNet,
    ActionRecognitionNetOptions,
    create_action_recognition_net,
)

T = 32
SHAPES = {  # as NVIDIA exports them
    ('input_rgb', 3): (3, T), ('input_rgb', 2): (3 * T,),
    ('input_of', 3): (2, T), ('input_of', 2): (2 * T,),
}


@pytest.fixture
def load(tmp_path):
    """Return a function that loads a stand-in; closed at the end."""
    loaded = []

    def load(shape, weights, *, name='input_rgb', flow=None, output='fc_pred', **options):
        path = write_stand_in(
            tmp_path / 'net.onnx', shape, name=name, weights=weights, output=output
        )
        options = ActionRecognitionNetOptions(model=str(path), **options)
        loaded.append(create_action_recognition_net(options, flow=flow))
        return loaded[-1]

    yield load
    for network in loaded:
        network.close()


def log_ratios(probabilities: np.ndarray) -> np.ndarray:
    """Return the logits less the first of each row: what a softmax keeps of them."""
    return np.log(probabilities) - np.log(probabilities[:, :1])


def flat_clip(images: int = T, height: int = 60, width: int = 80) -> list[np.ndarray]:
    """Return RGB images, each of one colour, no value of which occurs twice."""
    return [
        np.full((height, width, 3), (t, 100 + t, 200 + t), np.uint8) for t in range(images)
    ]


@pytest.mark.parametrize('dimensions', [2, 3])
def test_colour_is_channel_major_and_normalised_exactly(load, dimensions):
    chosen = [0, 1, T, 2 * T + 5, 3 * T - 1]  # red 0, red 1, green 0, blue 5, blue 31
    network = load(SHAPES['input_rgb', dimensions], pick(3 * T, chosen))
    assert (network.takes_flow, network.images, network.planes) == (False, T, T)
    found = network.classify([flat_clip()])
    values = np.array([0, 1, 100, 205, 231])
    wanted = (values / 255 - 0.5) / 0.5
    np.testing.assert_allclose(log_ratios(found), (wanted - wanted[0])[None], atol=1e-4)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize('dimensions', [2, 3])
def test_flow_is_channel_major_and_between_images(load, dimensions):
    asked = []

    def compute(before, after):
        asked.append((before[0, 0], after[0, 0]))
        flow = np.full((*before.shape, 2), (-5, 2.5), np.float32)
        flow[0, 0] = (10, 0)  # sets the scale
        return flow

    flow = SimpleNamespace(compute=compute)
    network = load(
        SHAPES['input_of', dimensions], pick(2 * T, [0, T, T - 1, 2 * T - 1, 1]),
        name='input_of', flow=flow,
    )
    assert (network.takes_flow, network.images, network.planes) == (True, T + 1, T)
    clip = [np.full((224, 224, 3), t, np.uint8) for t in range(T + 1)]
    found = network.classify([clip])
    assert asked == [(t, t + 1) for t in range(T)]
    x, y = ((int(128 + value / 10 * 127.999) / 255 - 0.5) / 0.5 for value in (-5, 2.5))
    np.testing.assert_allclose(log_ratios(found), [[0, y - x, 0, y - x, 0]], atol=1e-3)


def test_images_are_stretched_to_the_square(load):
    weights = pick(3 * T, [0, T])
    network = load((3, T), weights)
    image = np.zeros((50, 200, 3), np.uint8)
    image[:, :100, 0] = 255  # the left half is red, whatever the format
    image[:25, :, 1] = 255  # the upper half green
    found = network.classify([[image] * T])
    assert abs(log_ratios(found)[0, 1]) < 0.01


def test_several_clips_at_once(load):
    network = load((3, T), pick(3 * T, [0, 1]))
    clips = [[np.full((20, 30, 3), level, np.uint8)] * T for level in (0, 255)]
    assert network.classify(clips).shape == (2, 5)
    assert network.classify([]).shape == (0, 5)


def test_label_orders_of_the_documents_contradict_each_other():
    assert set(LABEL_PRESETS['deepstream']) == set(LABEL_PRESETS['model_card'])
    assert LABEL_PRESETS['deepstream'][0] == 'push'
    assert LABEL_PRESETS['model_card'][0] == 'walk'


@pytest.mark.parametrize('preset', LABEL_PRESETS)
def test_preset_decides_the_label(load, preset):
    network = load((3, T), pick(3 * T, [0], scale=5.0), labels=preset)
    best = int(network.classify([[np.full((20, 30, 3), 255, np.uint8)] * T])[0].argmax())
    assert network.labels[best] == LABEL_PRESETS[preset][0]


def test_labels_of_your_own(load):
    network = load((3, T), np.zeros((3 * T, 3)), labels='sit, stand,bend')
    assert network.labels == ('sit', 'stand', 'bend')


def test_time_between_images_follows_subsample(load):
    network = load((3, T), np.zeros((3 * T, 5)), subsample=1)
    assert network.step_ns == 2 * 1_000_000_000 // 30


@pytest.mark.parametrize(('option', 'value'), [
    ('labels', 'walk,,run'), ('labels', 'walk,walk'), ('labels', ''), ('subsample', -1),
])
def test_bad_options_are_refused(option, value):
    with pytest.raises(ConfigError, match=repr(value)):
        ActionRecognitionNetOptions(**{option: value})


@pytest.mark.parametrize(('shape', 'changes', 'message'), [
    ((3, T), {'name': 'image'}, 'input_rgb'),
    ((3, T), {'output': 'other'}, 'fc_pred'),
    ((2, T), {}, r'\(N, 3, time, 224, 224\)'),
    ((97,), {}, r'\(N, 3 \* time, 224, 224\)'),
    ((3, T), {'labels': 'a,b'}, 'names 5 actions, 2 labels'),
])
def test_other_networks_are_refused(load, shape, changes, message):
    with pytest.raises(ModelError, match=message):
        load(shape, np.zeros((int(np.prod(shape)), 5)), **changes)


def test_network_that_is_not_there_says_what_to_do():
    with pytest.raises(ModelError, match='actionrecognitionnet_2d.*NGC'):
        create_action_recognition_net(
            ActionRecognitionNetOptions(model='actionrecognitionnet_2d')
        )


def test_free_length_is_the_trained_one(tmp_path):
    path = write_stand_in(tmp_path / 'n.onnx', (3, 0), weights=np.zeros((3 * T, 5)))
    with ActionRecognitionNet(create_session(path)) as network:
        assert network.images == T
