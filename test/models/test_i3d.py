"""I3D as ONNX: against NumPy with made-up weights, against its package with the real ones."""

import itertools
import pickle
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.i3d.convert import convert_i3d
from ros2_hand_action.models.i3d.pickled_arrays import read_pickled_arrays
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.i3d import MODELS

REFERENCE = Path(__file__).parent / 'data' / 'i3d_logits.npz'  # benchmarks/i3d_reference.py
MIXED = ('3b', '3c', '4b', '4c', '4d', '4e', '4f', '5b', '5c')
CLASSES = 3


def random_unit(rng, size, channels_in, channels_out):
    """Return a unit's parameters and statistics, shaped as the package's."""
    kernel = rng.normal(0, 1 / np.sqrt(np.prod(size) * channels_in),
                        (*size, channels_in, channels_out)).astype(np.float32)
    vectors = rng.uniform(0.5, 1, (3, 1, 1, 1, 1, channels_out)).astype(np.float32)
    return (
        {'Conv_0': {'kernel': kernel}, 'BatchNorm_0': {'bias': vectors[0] - 0.5}},
        {'BatchNorm_0': {'mean': vectors[1] - 0.75, 'var': vectors[2]}},
    )


@pytest.fixture(scope='module')
def checkpoint():
    """Return weights of a network with the real one's layers and one or two channels in each."""
    rng = np.random.default_rng(5)
    params, stats = {}, {}
    for name, size, channels in (
        ('Conv3d_1a_7x7', (7, 7, 7), (3, 2)), ('Conv3d_2b_1x1', (1, 1, 1), (2, 2)),
        ('Conv3d_2c_3x3', (3, 3, 3), (2, 4)),
    ):
        params[name], stats[name] = random_unit(rng, size, *channels)
    for mixed in MIXED:
        name, units = f'Mixed_{mixed}', {}
        for branch, size, channels in (
            ('Branch_0/Conv3d_0a_1x1', 1, (4, 1)), ('Branch_1/Conv3d_0a_1x1', 1, (4, 2)),
            ('Branch_1/Conv3d_0b_3x3', 3, (2, 1)), ('Branch_2/Conv3d_0a_1x1', 1, (4, 2)),
            ('Branch_2/Conv3d_0b_3x3', 3, (2, 1)), ('Branch_3/Conv3d_0b_1x1', 1, (4, 1)),
        ):
            units[branch] = random_unit(rng, (size,) * 3, *channels)
        params[name] = {branch: unit[0] for branch, unit in units.items()}
        stats[name] = {branch: unit[1] for branch, unit in units.items()}
    kernel = rng.normal(0, 1, (1, 1, 1, 4, CLASSES)).astype(np.float32)
    params['Logits/Conv3d_0c_1x1'] = {
        'Conv_0': {'kernel': kernel, 'bias': np.arange(CLASSES, dtype=np.float32)}
    }
    return {'params': params, 'batch_stats': stats}


def pad_same(value, size, stride, fill):
    """Pad (time, height, width, channels) as TensorFlow's SAME does."""
    pads = []
    for length, side, step in zip(value.shape, size, stride):
        total = max((-(-length // step) - 1) * step + side - length, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(value, [*pads, (0, 0)], constant_values=fill)


def windows(value, size, stride):
    """Yield each place in the window, and what lies there for all windows."""
    counts = [(length - side) // step + 1
              for length, side, step in zip(value.shape, size, stride)]
    for place in itertools.product(*map(range, size)):
        slices = tuple(slice(at, at + count * step, step)
                       for at, count, step in zip(place, counts, stride))
        yield place, value[slices]


def pool(value, size, stride):
    padded = pad_same(value, size, stride, -np.inf)
    return np.maximum.reduce([part for _, part in windows(padded, size, stride)])


def convolve(value, kernel, stride):
    size, strides = kernel.shape[:3], (stride,) * 3
    padded = pad_same(value, size, strides, 0)
    return sum(part @ kernel[place] for place, part in windows(padded, size, strides))


def run_in_numpy(checkpoint, clip):
    """Return the logits as the network is defined, without ONNX and without folding."""
    def unit(value, *path, stride=1):
        params, stats = checkpoint['params'], checkpoint['batch_stats']
        for key in path:
            params, stats = params[key], stats[key]
        value = convolve(value, params['Conv_0']['kernel'], stride)
        mean, variance = (stats['BatchNorm_0'][key].ravel() for key in ('mean', 'var'))
        normal = (value - mean) / np.sqrt(variance + 1e-3)
        return np.maximum(normal + params['BatchNorm_0']['bias'].ravel(), 0)

    def mix(value, name):
        wide = [unit(value, name, f'Branch_{i}/Conv3d_0a_1x1') for i in (0, 1, 2)]
        return np.concatenate([
            wide[0], unit(wide[1], name, 'Branch_1/Conv3d_0b_3x3'),
            unit(wide[2], name, 'Branch_2/Conv3d_0b_3x3'),
            unit(pool(value, (3, 3, 3), (1, 1, 1)), name, 'Branch_3/Conv3d_0b_1x1'),
        ], axis=-1)

    value = unit(clip, 'Conv3d_1a_7x7', stride=2)
    value = pool(value, (1, 3, 3), (1, 2, 2))
    value = unit(unit(value, 'Conv3d_2b_1x1'), 'Conv3d_2c_3x3')
    value = pool(value, (1, 3, 3), (1, 2, 2))
    for mixed in MIXED:
        if mixed == '4b':
            value = pool(value, (3, 3, 3), (2, 2, 2))
        if mixed == '5b':
            value = pool(value, (2, 2, 2), (2, 2, 2))
        value = mix(value, f'Mixed_{mixed}')
    parts = [part for _, part in windows(value, (2, 7, 7), (1, 1, 1))]
    last = checkpoint['params']['Logits/Conv3d_0c_1x1']['Conv_0']
    return (np.mean(parts, axis=0) @ last['kernel'][0, 0, 0] + last['bias']).mean(axis=(0, 1, 2))


def run_onnx(model: bytes, clip):
    session = onnxruntime.InferenceSession(model)
    return session.run(None, {'clip': clip.transpose(3, 0, 1, 2)[None]})[0][0]


@pytest.mark.parametrize('images', [16, 24])
def test_converted_network_computes_what_is_defined(checkpoint, images):
    model = convert_i3d(
        pickle.dumps(checkpoint), source='made up', images=images, input_name='clip',
        output_name='logits',
    )
    clip = np.random.default_rng(images).uniform(-1, 1, (images, 224, 224, 3)).astype(np.float32)
    found = run_onnx(model.SerializeToString(), clip)
    np.testing.assert_allclose(found, run_in_numpy(checkpoint, clip), atol=1e-5)


def test_same_checkpoint_gives_the_same_bytes(checkpoint):
    first, second = (
        convert_i3d(
            pickle.dumps(checkpoint), source='x', images=16, input_name='a', output_name='b'
        ).SerializeToString(deterministic=True)
        for _ in range(2)
    )
    assert first == second


def test_missing_array_is_named(checkpoint):
    lacking = {**checkpoint, 'params': {**checkpoint['params'], 'Mixed_4c': {}}}
    with pytest.raises(ModelError, match=r"'made up' holds no array 'params/Mixed_4c/Branch_"):
        convert_i3d(
            pickle.dumps(lacking), source='made up', images=16, input_name='a', output_name='b'
        )


@pytest.mark.parametrize('images', [8, 20, 0])
def test_other_lengths_are_refused(checkpoint, images):
    with pytest.raises(ModelError, match=f'no clips of {images} images'):
        convert_i3d(
            pickle.dumps(checkpoint), source='x', images=images, input_name='a', output_name='b'
        )


def make_waves(images: int) -> np.ndarray:
    """Return the clip of benchmarks/i3d_reference.py."""
    time, y, x = np.meshgrid(np.arange(images) / images, np.arange(224) / 224,
                             np.arange(224) / 224, indexing='ij')
    waves = ((1, 2, 1), (3, 1, 2), (2, 2, 3))
    colours = [np.sin(2 * np.pi * (a * x + b * y + c * time)) for a, b, c in waves]
    return np.stack(colours, -1).astype(np.float32)


@pytest.mark.parametrize('images', [16, 32])
def test_real_network_says_what_its_package_says(images):
    try:
        path = model_path(MODELS[images])
    except ModelError as error:
        pytest.skip(str(error))
    found = run_onnx(path.read_bytes(), make_waves(images))
    wanted = np.load(REFERENCE)[f'logits_{images}']
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert np.ptp(wanted) > 10  # so that the tolerance means something


class Runs:
    def __reduce__(self):
        return exec, ('import sys; sys.pickle_has_run = True',)


class Names:
    def __reduce__(self):
        return np.sin, (1.0,)


ARRAYS = {
    'a': {'b': np.arange(6, dtype='>f4').reshape(2, 3)}, 'c': np.asfortranarray(np.eye(3)[:2]),
}


@pytest.mark.parametrize('protocol', [3, 4])
def test_arrays_are_read_in_their_dicts(protocol):
    found = read_pickled_arrays(pickle.dumps(ARRAYS, protocol), source='x')
    np.testing.assert_array_equal(found['a']['b'], ARRAYS['a']['b'])
    np.testing.assert_array_equal(found['c'], ARRAYS['c'])


@pytest.mark.parametrize(('protocol', 'name'), [(2, '_codecs.encode'), (5, '_frombuffer')])
def test_names_that_other_protocols_ask_for_are_refused(protocol, name):
    with pytest.raises(ModelError, match=name):
        read_pickled_arrays(pickle.dumps(ARRAYS, protocol), source='x')


@pytest.mark.parametrize(
    'value', [Runs(), {'a': Names()}, {'a': [1]}, {'a': np.array([None])}, {'a': 'text'}, 3]
)
def test_other_pickles_are_refused_and_run_nothing(value):
    with pytest.raises(ModelError, match="'x' is no pickle of plain arrays"):
        read_pickled_arrays(pickle.dumps(value, 4), source='x')
    assert not hasattr(sys, 'pickle_has_run')


@pytest.mark.parametrize('data', [b'', b'\x80\x04', b'PK\x03\x04', b'\x80\x04}q'])
def test_damaged_pickles_are_refused(data):
    with pytest.raises(ModelError, match="'x' is no pickle"):
        read_pickled_arrays(data, source='x')
