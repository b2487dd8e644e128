"""Every operator of the converter against LiteRT, on models of one to three operators."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.tflite_to_onnx import convert_tflite

# Sums of a few hundred products of numbers below 4, in float32 and in another order.
TOLERANCE = 2e-5
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def nchw(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


def check(tiny: Any, run_litert: Any, *outputs: int) -> onnx.ModelProto:
    """Convert, compare with LiteRT on noise, one by one and as a batch; return the model."""
    data = tiny.data(*outputs)
    names = {f'in{index}': f't{index}' for index in tiny.inputs}
    model = convert_tflite(
        data, source='tiny.tflite', inputs=names,
        outputs={f'out{index}': f't{index}' for index in outputs},
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    batches = []
    for seed in (1, 2):
        feeds = {
            f't{index}': 2 * noise(*tiny.tensors[index][0], seed=seed) for index in tiny.inputs
        }
        wanted = run_litert(data, feeds)
        given = {name: nchw(feeds[tensor]) for name, tensor in names.items()}
        got = session.run(None, given)
        for index, array in zip(outputs, got, strict=True):
            expected = nchw(wanted[f't{index}'])
            assert array.shape == expected.shape
            np.testing.assert_allclose(array, expected, atol=TOLERANCE)
        batches.append((given, got))
    both = {name: np.concatenate([batch[0][name] for batch in batches]) for name in names}
    for position, array in enumerate(session.run(None, both)):
        expected = np.concatenate([batch[1][position] for batch in batches])
        np.testing.assert_allclose(array, expected, atol=TOLERANCE)
    return model


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize('size', [(7, 9), (8, 6)])
@pytest.mark.parametrize('kernel', [1, 3, 5])
@pytest.mark.parametrize('stride', [1, 2, 3])
def test_convolution_pads_as_tensorflow_does(tiny, run_litert, size, kernel, stride):
    image = tiny.input(1, *size, 3)
    weights = tiny.constant(noise(4, kernel, kernel, 3))
    bias = tiny.constant(noise(4))
    out = tuple(-(-length // stride) for length in size)
    result = tiny.add(
        'CONV_2D', [image, weights, bias], (1, *out, 4), options='Conv2DOptions', Padding=SAME,
        StrideH=stride, StrideW=stride, DilationHFactor=1, DilationWFactor=1,
    )
    check(tiny, run_litert, result)


@pytest.mark.parametrize('activation', [NONE, RELU, RELU_N1_TO_1, RELU6])
def test_convolution_with_dilation_and_activation(tiny, run_litert, activation):
    image = tiny.input(1, 9, 9, 3)
    weights = tiny.constant(noise(4, 3, 3, 3))
    bias = tiny.constant(noise(4))
    result = tiny.add(
        'CONV_2D', [image, weights, bias], (1, 5, 5, 4), options='Conv2DOptions', Padding=VALID,
        StrideH=1, StrideW=1, DilationHFactor=2, DilationWFactor=2,
        FusedActivationFunction=activation,
    )
    check(tiny, run_litert, result)


@pytest.mark.parametrize('multiplier', [1, 2])
@pytest.mark.parametrize('stride', [1, 2])
def test_depthwise_convolution(tiny, run_litert, multiplier, stride):
    image = tiny.input(1, 8, 10, 3)
    weights = tiny.constant(noise(1, 5, 5, 3 * multiplier))
    bias = tiny.constant(noise(3 * multiplier))
    result = tiny.add(
        'DEPTHWISE_CONV_2D', [image, weights, bias],
        (1, 8 // stride, 10 // stride, 3 * multiplier), options='DepthwiseConv2DOptions',
        Padding=SAME, StrideH=stride, StrideW=stride, DepthMultiplier=multiplier,
        DilationHFactor=1, DilationWFactor=1, FusedActivationFunction=RELU6,
    )
    check(tiny, run_litert, result)


def add_pointwise(tiny: Any, image: int, shape: tuple[int, ...], channels_in: int) -> int:
    weights = tiny.constant(noise(shape[3], 1, 1, channels_in, seed=5))
    bias = tiny.constant(noise(shape[3], seed=6))
    return tiny.add(
        'CONV_2D', [image, weights, bias], shape, options='Conv2DOptions', Padding=SAME,
        StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1,
    )


@pytest.mark.parametrize('padding', [SAME, VALID])
def test_padding_of_rows_and_columns_goes_into_the_convolution(tiny, run_litert, padding):
    image = tiny.input(1, 6, 6, 3)
    amounts = tiny.constant(np.array([[0, 0], [1, 2], [0, 3], [0, 0]], np.int32))
    padded = tiny.add('PAD', [image, amounts], (1, 9, 9, 3), options='PadOptions')
    weights = tiny.constant(noise(4, 3, 3, 3))
    bias = tiny.constant(noise(4))
    size = 9 if padding == SAME else 7
    result = tiny.add(
        'CONV_2D', [padded, weights, bias], (1, size, size, 4), options='Conv2DOptions',
        Padding=padding, StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1,
    )
    assert kinds(check(tiny, run_litert, result)) == ['Conv']


def test_padding_alone(tiny, run_litert):
    image = tiny.input(1, 4, 4, 3)
    amounts = tiny.constant(np.array([[0, 0], [1, 2], [0, 3], [0, 0]], np.int32))
    result = tiny.add('PAD', [image, amounts], (1, 7, 7, 3), options='PadOptions')
    check(tiny, run_litert, result)


@pytest.mark.parametrize('sides', [(0, 4), (2, 1)])
def test_padding_of_channels(tiny, run_litert, sides):
    image = tiny.input(1, 4, 5, 3)
    amounts = tiny.constant(np.array([[0, 0], [0, 0], [0, 0], sides], np.int32))
    result = tiny.add('PAD', [image, amounts], (1, 4, 5, 3 + sum(sides)), options='PadOptions')
    assert kinds(check(tiny, run_litert, result)) == ['Conv']


@pytest.mark.parametrize('kind', ['MAX_POOL_2D', 'AVERAGE_POOL_2D'])
@pytest.mark.parametrize(('padding', 'out'), [(SAME, (4, 4)), (VALID, (3, 3))])
def test_pooling(tiny, run_litert, kind, padding, out):
    image = tiny.input(1, 7, 8, 3)
    result = tiny.add(
        kind, [image], (1, *out, 3), options='Pool2DOptions', Padding=padding,
        StrideH=2, StrideW=2, FilterHeight=3, FilterWidth=3,
    )
    check(tiny, run_litert, result)


def test_prelu_with_slopes_below_zero_and_above_one(tiny, run_litert):
    image = tiny.input(1, 5, 6, 4)
    slopes = tiny.constant(np.array([[[-3, 0, 0.25, 7]]], np.float32))
    check(tiny, run_litert, tiny.add('PRELU', [image, slopes], (1, 5, 6, 4)))


@pytest.mark.parametrize('mode', [{}, {'AlignCorners': 1}, {'HalfPixelCenters': 1}])
@pytest.mark.parametrize('out', [(6, 8), (12, 4)])
def test_bilinear_resize(tiny, run_litert, mode, out):
    image = tiny.input(1, 3, 4, 2)
    size = tiny.constant(np.array(out, np.int32))
    result = tiny.add(
        'RESIZE_BILINEAR', [image, size], (1, *out, 2), options='ResizeBilinearOptions', **mode
    )
    check(tiny, run_litert, result)


def test_pointwise_convolution_goes_before_the_resize(tiny, run_litert):
    image = tiny.input(1, 3, 4, 6)
    size = tiny.constant(np.array([6, 8], np.int32))
    resized = tiny.add(
        'RESIZE_BILINEAR', [image, size], (1, 6, 8, 6), options='ResizeBilinearOptions',
        HalfPixelCenters=1,
    )
    model = check(tiny, run_litert, add_pointwise(tiny, resized, (1, 6, 8, 2), 6))
    assert kinds(model) == ['Conv', 'Resize']


def test_depth_to_space(tiny, run_litert):
    image = tiny.input(1, 3, 4, 12)
    result = tiny.add(
        'DEPTH_TO_SPACE', [image], (1, 6, 8, 3), options='DepthToSpaceOptions', BlockSize=2
    )
    check(tiny, run_litert, result)


@pytest.mark.parametrize('kind', ['ADD', 'SUB', 'MUL', 'DIV'])
@pytest.mark.parametrize('shape', [(1, 4, 5, 3), (1, 4, 3), (1, 3)])
def test_arithmetic_with_a_constant_per_channel(tiny, run_litert, kind, shape):
    value = tiny.input(*shape)
    constant = tiny.constant(np.array([2, -3, 0.5], np.float32))
    options = f'{kind.capitalize()}Options'
    result = tiny.add(
        kind, [value, constant], shape, options=options, FusedActivationFunction=RELU
    )
    check(tiny, run_litert, result)


@pytest.mark.parametrize('kind', ['ADD', 'SUB', 'MUL', 'MAXIMUM', 'MINIMUM'])
@pytest.mark.parametrize('shape', [(1, 4, 5, 3), (1, 6)])
def test_arithmetic_of_two_values(tiny, run_litert, kind, shape):
    first, second = tiny.input(*shape), tiny.input(*shape)
    check(tiny, run_litert, tiny.add(kind, [first, second], shape))


@pytest.mark.parametrize('activation', [RELU, RELU_N1_TO_1, RELU6])
def test_activation_after_a_sum_of_images(tiny, run_litert, activation):
    first, second = tiny.input(1, 4, 5, 3), tiny.input(1, 4, 5, 3)
    result = tiny.add(
        'ADD', [first, second], (1, 4, 5, 3), options='AddOptions',
        FusedActivationFunction=activation,
    )
    check(tiny, run_litert, result)


def test_prelu_with_one_slope_for_all_channels_is_refused(tiny):
    slopes = tiny.constant(np.array([[[0.5]]], np.float32))
    result = tiny.add('PRELU', [tiny.input(1, 5, 6, 4), slopes], (1, 5, 6, 4))
    with pytest.raises(ModelError, match='one per channel'):
        convert(tiny, result)


@pytest.mark.parametrize('kind', ['RELU', 'RELU6', 'LOGISTIC', 'TANH'])
def test_functions_of_one_value(tiny, run_litert, kind):
    check(tiny, run_litert, tiny.add(kind, [tiny.input(1, 4, 5, 3)], (1, 4, 5, 3)))


@pytest.mark.parametrize('shape', [(1, 6), (1, 3, 4, 6)])
def test_softmax(tiny, run_litert, shape):
    result = tiny.add('SOFTMAX', [tiny.input(*shape)], shape, options='SoftmaxOptions', Beta=1.5)
    check(tiny, run_litert, result)


def test_concatenation_of_images_and_of_rows(tiny, run_litert):
    first, second = tiny.input(1, 3, 4, 2), tiny.input(1, 3, 4, 5)
    images = tiny.add(
        'CONCATENATION', [first, second], (1, 3, 4, 7), options='ConcatenationOptions', Axis=3
    )
    rows = tiny.add(
        'CONCATENATION', [tiny.input(1, 2, 3), tiny.input(1, 4, 3)], (1, 6, 3),
        options='ConcatenationOptions', Axis=1,
    )
    check(tiny, run_litert, images, rows)


def test_reshape_keeps_the_order_of_channels_last(tiny, run_litert):
    image = tiny.input(1, 3, 4, 6)
    target = tiny.constant(np.array([1, 24, 3], np.int32))
    anchors = tiny.add('RESHAPE', [image, target], (1, 24, 3))
    back = tiny.constant(np.array([1, 6, 4, 3], np.int32))
    check(tiny, run_litert, anchors, tiny.add('RESHAPE', [anchors, back], (1, 6, 4, 3)))


@pytest.mark.parametrize('with_bias', [True, False])
def test_fully_connected(tiny, run_litert, with_bias):
    rows = tiny.input(1, 7)
    inputs = [rows, tiny.constant(noise(4, 7)), tiny.constant(noise(4)) if with_bias else -1]
    result = tiny.add(
        'FULLY_CONNECTED', inputs, (1, 4), options='FullyConnectedOptions',
        FusedActivationFunction=RELU,
    )
    check(tiny, run_litert, result)


@pytest.mark.parametrize('kind', ['MEAN', 'REDUCE_MAX', 'REDUCE_MIN'])
@pytest.mark.parametrize(
    ('shape', 'axes', 'out', 'keep'),
    [
        ((1, 3, 4, 5), [1, 2], (1, 5), 0),
        ((1, 3, 4, 5), [1, 2], (1, 1, 1, 5), 1),
        ((1, 3, 4, 5), [3], (1, 3, 4, 1), 1),
        ((1, 7), [1], (1,), 0),
        ((1, 6, 3), [1], (1, 1, 3), 1),
    ],
)
def test_reductions(tiny, run_litert, kind, shape, axes, out, keep):
    value = tiny.input(*shape)
    given = tiny.constant(np.array(axes, np.int32))
    result = tiny.add(kind, [value, given], out, options='ReducerOptions', KeepDims=keep)
    check(tiny, run_litert, result)


def test_gather_unpack_and_slice(tiny, run_litert):
    points = tiny.input(1, 5, 3)
    picked = tiny.add(
        'GATHER', [points, tiny.constant(np.array([4, 0], np.int32))], (1, 2, 3),
        options='GatherOptions', Axis=1,
    )
    parts = tiny.add('UNPACK', [points], (1, 5), (1, 5), (1, 5), options='UnpackOptions',
                     Num=3, Axis=2)
    ends = [tiny.constant(np.array(values, np.int32)) for values in (
        [0, 1, 0], [0, 5, 2], [1, 2, 1])]
    cut = tiny.add(
        'STRIDED_SLICE', [points, *ends], (1, 2, 2), options='StridedSliceOptions',
        BeginMask=0b101, EndMask=0b001,
    )
    check(tiny, run_litert, picked, *parts, cut)


def test_half_precision_weights_become_float(tiny, run_litert):
    image = tiny.input(1, 4, 4, 3)
    halves = tiny.constant(noise(4, 1, 1, 3).astype(np.float16))
    weights = tiny.add('DEQUANTIZE', [halves], (4, 1, 1, 3), options='DequantizeOptions')
    bias = tiny.constant(noise(4))
    result = tiny.add(
        'CONV_2D', [image, weights, bias], (1, 4, 4, 4), options='Conv2DOptions', Padding=SAME,
        StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1,
    )
    assert kinds(check(tiny, run_litert, result)) == ['Conv']


def test_one_value_may_be_two_outputs_and_an_input_one(tiny, run_litert):
    points = tiny.input(1, 5, 3)
    ends = [tiny.constant(np.array(values, np.int32)) for values in (
        [0, 0, 0], [1, 5, 3], [1, 1, 1])]
    same = tiny.add(
        'STRIDED_SLICE', [points, *ends], (1, 5, 3), options='StridedSliceOptions', BeginMask=7
    )
    first = tiny.add('RELU', [same], (1, 5, 3))
    again = tiny.add(
        'STRIDED_SLICE', [first, *ends], (1, 5, 3), options='StridedSliceOptions', BeginMask=7
    )
    check(tiny, run_litert, same, first, again)


def test_conversion_is_deterministic(tiny):
    image = tiny.input(1, 4, 4, 3)
    data = tiny.data(add_pointwise(tiny, image, (1, 4, 4, 5), 3))
    files = {
        convert_tflite(data, source='tiny', inputs={'image': 't0'}, outputs={'out': 't3'})
        .SerializeToString(deterministic=True)
        for _ in range(2)
    }
    assert len(files) == 1


def convert(tiny: Any, result: int) -> None:
    convert_tflite(
        tiny.data(result), source='tiny.tflite', outputs={'out': f't{result}'},
        inputs={f'in{index}': f't{index}' for index in tiny.inputs},
    )


def test_unknown_operator_is_named_with_its_tensor_and_file(tiny):
    result = tiny.add('FLOOR', [tiny.input(1, 4)], (1, 4))
    with pytest.raises(ModelError, match=r"'tiny.tflite'.*'FLOOR'.*'t1' \(1, 4\)"):
        convert(tiny, result)


def test_fused_activation_that_litert_ignores_is_refused(tiny):
    value = tiny.input(1, 4)
    result = tiny.add(
        'ADD', [value, value], (1, 4), options='AddOptions', FusedActivationFunction=TANH
    )
    with pytest.raises(ModelError, match='activation 4'):
        convert(tiny, result)


def test_reshape_that_moves_the_batch_is_refused(tiny):
    target = tiny.constant(np.array([4], np.int32))
    result = tiny.add('RESHAPE', [tiny.input(1, 4), target], (4,))
    with pytest.raises(ModelError, match='moves the batch'):
        convert(tiny, result)


def test_quantised_constants_are_refused(tiny, monkeypatch):
    image = tiny.input(1, 4, 4, 3)
    tiny.add('ADD', [image, tiny.constant(np.zeros(3, np.float32))], (1, 4, 4, 3))
    monkeypatch.setattr('ros2_hand_action.models.tflite.reader._DTYPES', {})
    with pytest.raises(ModelError, match=r"'t1' has tensor type 0; only float"):
        convert(tiny, 2)


@pytest.mark.parametrize('names', [({'in': 'nothing'}, {'out': 't1'}), ({'in': 't0'}, {'o': 'x'})])
def test_tensor_that_is_not_in_the_file_is_named(tiny, names):
    tiny.add('RELU', [tiny.input(1, 4)], (1, 4))
    with pytest.raises(ModelError, match=r"no tensor '(nothing|x)'"):
        convert_tflite(tiny.data(1), source='tiny', inputs=names[0], outputs=names[1])


@pytest.mark.parametrize('cut', [0, 4, 8, 30, 200])
def test_truncated_file_is_refused(tiny, cut):
    image = tiny.input(1, 4, 4, 3)
    data = tiny.data(add_pointwise(tiny, image, (1, 4, 4, 5), 3))
    with pytest.raises(ModelError, match='tiny'):
        convert_tflite(data[:cut], source='tiny', inputs={'i': 't0'}, outputs={'o': 't3'})
