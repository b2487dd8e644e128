"""Frozen models of TensorFlow.js as ONNX: against NumPy, and against TensorFlow.js itself."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_path, model_state, source_file
from ros2_hand_action.models.tfjs.convert import convert_tfjs
from ros2_hand_action.models.tfjs.reader import read_graph
from ros2_hand_action.perception.egohands import decode_egohands, make_egohands_anchors

REFERENCE = Path(__file__).parent / 'data' / 'egohands.npz'  # benchmarks/egohands_reference.py
NHWC = {'data_format': 'NHWC', 'dilations': [1, 1, 1, 1]}


def varint(value: int) -> bytes:
    data = b''
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(value) -> bytes:
    if isinstance(value, str):
        return field(2, value.encode())
    return field(1, field(3, b''.join(map(varint, value))))


class TinyFrozen:
    """A frozen model written node by node; `data` is the tarball of its files."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.weights: list[tuple[str, np.ndarray]] = []
        self.entries: dict[str, dict] = {}

    def add(self, kind: str, name: str, *inputs: str, **attributes) -> str:
        node = field(1, name.encode()) + field(2, kind.encode())
        node += b''.join(field(3, text.encode()) for text in inputs)
        for key, value in attributes.items():
            node += field(5, field(1, key.encode()) + field(2, attribute(value)))
        self.nodes.append(field(1, node))
        return name

    def constant(self, name: str, array, dtype=np.float32) -> str:
        self.weights.append((name, np.asarray(array, dtype)))
        return self.add('Const', name)

    def convolution(self, name: str, value: str, kernel, stride=1, padding='SAME', **more) -> str:
        kind = 'DepthwiseConv2dNative' if kernel.shape[3] == 1 else 'Conv2D'
        options = {**NHWC, 'strides': [1, stride, stride, 1], 'padding': padding, **more}
        return self.add(kind, name, value, self.constant(f'{name}/weights', kernel), **options)

    def data(self, *, cut: int = 0) -> bytes:
        entries = [
            {'name': name, 'shape': array.shape, 'dtype': str(array.dtype),
             **self.entries.get(name, {})}
            for name, array in self.weights
        ]
        manifest = json.dumps([{'paths': ['a.bin', 'b.bin'], 'weights': entries}]).encode()
        weights = b''.join(array.tobytes() for _, array in self.weights)
        files = {
            'tensorflowjs_model.pb': b''.join(self.nodes), 'weights_manifest.json': manifest,
            'a.bin': weights[:5], 'b.bin': weights[5:len(weights) - cut],
        }
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode='w') as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return packed.getvalue()


def convert(model: TinyFrozen, output: str, shape, size=(7, 6)) -> onnx.ModelProto:
    return convert_tfjs(
        model.data(), source='tiny', inputs={'x': ('in', ('N', 2, *size))},
        outputs={'y': (output, ('N', *shape))},
    )


def run(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    """Return the output for an image (batch, height, width, channels)."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    (output,) = session.run(None, {'x': np.ascontiguousarray(image.transpose(0, 3, 1, 2))})
    return output


def convolve(image, kernel, stride=1, is_same=True):
    """Convolve as TensorFlow says it does: the odd row of padding below, the odd column right."""
    side = kernel.shape[0]
    if is_same:
        pads = [(0, 0)]
        for length in image.shape[1:3]:
            total = max((-(-length // stride) - 1) * stride + side - length, 0)
            pads.append((total // 2, total - total // 2))
        image = np.pad(image, [*pads, (0, 0)])
    rows = range(0, image.shape[1] - side + 1, stride)
    columns = range(0, image.shape[2] - side + 1, stride)
    windows = np.stack([
        np.stack([image[:, y:y + side, x:x + side] for x in columns], 1) for y in rows
    ], 1)
    if kernel.shape[3] == 1:  # depthwise
        return np.einsum('nyxabc,abc->nyxc', windows, kernel[..., 0])
    return np.einsum('nyxabc,abcd->nyxd', windows, kernel)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def image(rng):
    return rng.normal(0, 1, (3, 7, 6, 2)).astype(np.float32)


@pytest.fixture
def tiny():
    model = TinyFrozen()
    model.add('Placeholder', 'in')
    return model


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('channels', [1, 3])  # 1: depthwise
def test_convolution_pads_as_tensorflow_does(tiny, rng, image, padding, stride, channels):
    kernel = rng.normal(0, 1, (3, 3, 2, channels)).astype(np.float32)
    expected = convolve(image, kernel, stride, padding == 'SAME').transpose(0, 3, 1, 2)
    tiny.convolution('conv', 'in', kernel, stride, padding)
    converted = convert(tiny, 'conv', expected.shape[1:])
    np.testing.assert_allclose(run(converted, image), expected, atol=1e-5)


def test_block_with_a_residual_sum_is_folded(tiny, rng, image):
    spread, deep, narrow = (
        rng.normal(0, 1, shape).astype(np.float32)
        for shape in ((1, 1, 2, 4), (3, 3, 4, 1), (1, 1, 4, 2))
    )
    first, factor, deep_offset = rng.normal(0, 1, (3, 4)).astype(np.float32)
    last = rng.normal(0, 1, 2).astype(np.float32)
    start = rng.normal(0, 1, (1, 1, 2, 2)).astype(np.float32)

    tiny.convolution('start', 'in', start)  # used twice: nothing may be folded into it
    tiny.convolution('spread', 'start', spread)
    tiny.add('BiasAdd', 'biased', 'spread', tiny.constant('first', first))
    tiny.add('Relu6', 'relu', 'biased')
    tiny.convolution('deep', 'relu', deep)
    tiny.add('Mul', 'scaled', 'deep', tiny.constant('factor', factor))
    tiny.add('Add', 'moved', 'scaled', tiny.constant('deep_offset', deep_offset))
    tiny.add('Relu6', 'clipped', 'moved')
    tiny.convolution('narrow', 'clipped', narrow)
    tiny.add('AddN', 'sum', 'start', 'narrow')
    tiny.add('Add', 'out', tiny.constant('last', last), 'sum')

    begin = convolve(image, start)
    value = np.clip(convolve(begin, spread) + first, 0, 6)
    value = np.clip(convolve(value, deep) * factor + deep_offset, 0, 6)
    expected = begin + convolve(value, narrow) + last
    converted = convert(tiny, 'out', (2, 7, 6))
    assert sorted(node.op_type for node in converted.graph.node) == [
        'Add', *['Clip'] * 2, *['Conv'] * 4, 'Identity'
    ]
    np.testing.assert_allclose(run(converted, image), expected.transpose(0, 3, 1, 2), atol=1e-4)


def test_heads_are_joined_in_the_order_of_their_places(tiny, rng, image):
    heads = []
    for name, stride in (('fine', 1), ('coarse', 2)):
        kernel = rng.normal(0, 1, (1, 1, 2, 8)).astype(np.float32)
        tiny.convolution(name, 'in', kernel, stride)
        tiny.add('Shape', f'{name}/shape', 'in')
        tiny.add('StridedSlice', f'{name}/batch', f'{name}/shape')
        sizes = [tiny.constant(f'{name}/{size}', size, np.int32) for size in (-1, 1, 4)]
        tiny.add('Pack', f'{name}/wanted', f'{name}/batch', *sizes)
        tiny.add('Reshape', f'{name}/flat', name, f'{name}/wanted')
        heads.append(convolve(image, kernel, stride).reshape(3, -1, 1, 4))
    axis = tiny.constant('axis', 1, np.int32)
    tiny.add('ConcatV2', 'joined', 'fine/flat:0', 'coarse/flat', axis)
    tiny.add('Squeeze', 'out', 'joined', squeeze_dims=[2])
    expected = np.concatenate(heads, axis=1)[:, :, 0]
    converted = convert(tiny, 'out', expected.shape[1:])
    np.testing.assert_allclose(run(converted, image), expected, atol=1e-5)


def test_same_bytes_give_the_same_model(tiny, rng):
    tiny.convolution('conv', 'in', rng.normal(0, 1, (3, 3, 2, 3)))
    first, second = (convert(tiny, 'conv', (3, 7, 6)).SerializeToString() for _ in range(2))
    assert first == second


def test_what_follows_a_shared_convolution_is_refused(tiny):
    tiny.convolution('conv', 'in', np.ones((1, 1, 2, 3)))
    tiny.add('Relu6', 'other', 'conv')
    tiny.add('BiasAdd', 'out', 'conv', tiny.constant('offset', np.ones(3)))
    with pytest.raises(ModelError, match="'tiny': node 'out' cannot be converted: 'conv' is no"):
        convert(tiny, 'out', (3, 7, 6))


def test_what_follows_a_sum_of_shared_values_is_refused(tiny):
    for name in ('left', 'right'):
        tiny.add('Relu6', f'{name}/other', tiny.convolution(name, 'in', np.ones((1, 1, 2, 3))))
    tiny.add('AddN', 'sum', 'left', 'right')
    tiny.add('Add', 'out', 'sum', tiny.constant('offset', np.ones(3)))
    with pytest.raises(ModelError, match="node 'out' cannot be converted: 'left' is no"):
        convert(tiny, 'out', (3, 7, 6))


@pytest.mark.parametrize(('options', 'reason'), [
    ({'padding': 'EXPLICIT'}, 'EXPLICIT'), ({'dilations': [1, 2, 2, 1]}, 'dilated'),
    ({'data_format': 'NCHW'}, 'not NHWC'),
])
def test_other_convolutions_are_refused(tiny, options, reason):
    tiny.convolution('conv', 'in', np.ones((1, 1, 2, 3)), **options)
    with pytest.raises(ModelError, match=f"node 'conv' cannot be converted: .*{reason}"):
        convert(tiny, 'conv', (3, 7, 6))


def test_unknown_operators_and_nodes_are_named(tiny):
    tiny.add('Einsum', 'odd', 'in')
    with pytest.raises(ModelError, match="'odd' cannot be converted: operator 'Einsum'"):
        convert(tiny, 'odd', (2, 7, 6))
    with pytest.raises(ModelError, match="no node 'absent': correct the catalogue"):
        convert(tiny, 'absent', (2, 7, 6))


def test_loops_are_refused(tiny):
    tiny.add('Relu6', 'a', 'b')
    tiny.add('Relu6', 'b', 'a')
    with pytest.raises(ModelError, match='loop'):
        convert(tiny, 'a', (2, 7, 6))


def test_damaged_files_are_refused(tiny):
    tiny.constant('weights', np.ones(9))
    whole = tiny.data()
    assert read_graph(whole, source='x').constants['weights'].sum() == 9
    quantised = TinyFrozen()
    quantised.constant('weights', np.ones(9))
    quantised.entries['weights'] = {'quantization': {'dtype': 'uint8'}}
    odd = TinyFrozen()
    odd.nodes.append(field(1, b'\x0b'))  # a group: not in use since 2008
    long = TinyFrozen()
    long.nodes.append(b'\xff' * 12)
    for data in (b'', b'no tarball', whole[:600], tiny.data(cut=4), quantised.data(),
                 odd.data(), long.data()):
        with pytest.raises(ModelError, match="'x' is no frozen model of TensorFlow.js"):
            read_graph(data, source='x')


@pytest.fixture(scope='module')
def egohands():
    if model_state(load_models()['egohands_ssd']) is not State.READY:
        pytest.skip('egohands_ssd is not fetched; run: hand-action models fetch egohands_ssd')
    return onnxruntime.InferenceSession(
        str(model_path('egohands_ssd')), providers=['CPUExecutionProvider']
    )


@pytest.fixture(scope='module')
def reference():
    with np.load(REFERENCE) as arrays:
        return dict(arrays)


def test_egohands_gives_what_tensorflow_js_gives(egohands, reference):
    picture = reference['picture'].repeat(3, axis=0).repeat(3, axis=1)
    blob = (picture.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
    raw, logits = egohands.run(['boxes', 'scores'], {'image': np.repeat(blob, 2, axis=0)})
    for one in range(2):
        np.testing.assert_allclose(raw[one], reference['raw_boxes'], rtol=0, atol=1e-3)
        np.testing.assert_allclose(logits[one], reference['logits'], rtol=0, atol=1e-3)


def test_boxes_are_decoded_as_tensorflow_js_does(reference):
    found = decode_egohands(reference['raw_boxes'][None], reference['logits'][None], 0.01)
    np.testing.assert_allclose(found.scores, reference['scores'], rtol=0, atol=1e-6)
    half = found.sides_crop / 2
    boxes = np.concatenate([found.points_crop[:, 0] - half, found.points_crop[:, 0] + half], 1)
    wanted = 300 * reference['boxes'][:, [1, 0, 3, 2]]  # there: ymin, xmin, ymax, xmax, 0 to 1
    np.testing.assert_allclose(boxes, wanted, rtol=0, atol=1e-3)
    assert len(wanted) >= 20 and not found.views.any()


def test_anchors_are_those_of_the_graph(egohands):
    source = source_file(load_models()['egohands_ssd'])
    graph = read_graph(source.read_bytes(), source=source.name)
    corners = 300 * graph.constants['Postprocessor/ExpandDims'][0]  # ymin, xmin, ymax, xmax
    anchors = make_egohands_anchors()
    centers, sides = anchors[:, 1::-1], anchors[:, :1:-1]
    wanted = np.concatenate([centers - sides / 2, centers + sides / 2], axis=1)
    np.testing.assert_allclose(corners, wanted, rtol=0, atol=1e-3)
