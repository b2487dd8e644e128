"""Operators outside convolution: arithmetic, shapes, reductions, dense layers."""

from collections.abc import Callable

import numpy as np
import tflite

from ros2_hand_action.models.tflite.builder import TO_NCHW, TO_NHWC, GraphBuilder, nchw_axis
from ros2_hand_action.models.tflite.reader import Operator

_OPTIONS = {
    'ADD': tflite.AddOptions,
    'SUB': tflite.SubOptions,
    'MUL': tflite.MulOptions,
    'DIV': tflite.DivOptions,
}
_CLIP_RANGES = {
    tflite.ActivationFunctionType.RELU6: (0, 6),
    tflite.ActivationFunctionType.RELU_N1_TO_1: (-1, 1),
}
_ONNX_NAMES = {
    'ADD': 'Add', 'SUB': 'Sub', 'MUL': 'Mul', 'DIV': 'Div',
    'MAXIMUM': 'Max', 'MINIMUM': 'Min',
    'RELU': 'Relu', 'LOGISTIC': 'Sigmoid', 'TANH': 'Tanh',
    'REDUCE_MAX': 'ReduceMax', 'REDUCE_MIN': 'ReduceMin', 'MEAN': 'ReduceMean',
}


def add_activation(builder: GraphBuilder, operator: Operator, value: str, code: int) -> str:
    """Add the activation that TensorFlow Lite fuses into an operator; return the result."""
    kinds = tflite.ActivationFunctionType
    if code == kinds.NONE:
        return value
    if code == kinds.RELU:
        return builder.add('Relu', [value])
    if code in _CLIP_RANGES:
        shape = builder.tensor(operator.outputs[0]).shape
        if len(shape) == 4 and builder.kind(value) != 'Conv':
            # ONNX Runtime's blocked layout knows Clip only as a part of a convolution.
            value = add_channel_scale(builder, value, np.ones(shape[3], np.float32))
        low, high = _CLIP_RANGES[code]
        return builder.add('Clip', [value, builder.scalar(low), builder.scalar(high)])
    raise builder.fail(operator, f'LiteRT itself does not fuse activation {code}')


def add_channel_scale(builder: GraphBuilder, value: str, factors: np.ndarray) -> str:
    """Multiply each channel of an image by a factor, as a convolution that stays blocked."""
    weights = builder.constant(factors.reshape(-1, 1, 1, 1))
    return builder.add('Conv', [value, weights], kernel_shape=(1, 1), group=len(factors))


def convert_binary(builder: GraphBuilder, operator: Operator) -> None:
    """ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM with broadcasting."""
    rank = len(builder.tensor(operator.outputs[0]).shape)
    operands = [_operand(builder, operator, index, rank) for index in operator.inputs]
    value = builder.add(_ONNX_NAMES[operator.kind], operands)
    if operator.kind in _OPTIONS and operator.table is not None:
        code = operator.options(_OPTIONS[operator.kind]).FusedActivationFunction()
        value = add_activation(builder, operator, value, code)
    builder.bind(operator.outputs[0], value)


def _operand(builder: GraphBuilder, operator: Operator, index: int, rank: int) -> str:
    """Return an operand; against images, constants are laid out so that they broadcast."""
    array = builder.graph.constants.get(index)
    if rank != 4 or (len(builder.tensor(index).shape) == 4 and array is None):
        return builder.value(index)
    if array is None:
        raise builder.fail(operator, 'an image meets a computed value of another rank')
    wide = array.reshape((1,) * (4 - array.ndim) + array.shape)
    return builder.constant(wide.transpose(TO_NCHW))


def convert_unary(builder: GraphBuilder, operator: Operator) -> None:
    """RELU, LOGISTIC, TANH."""
    value = builder.add(_ONNX_NAMES[operator.kind], [builder.value(operator.inputs[0])])
    builder.bind(operator.outputs[0], value)


def convert_relu6(builder: GraphBuilder, operator: Operator) -> None:
    """RELU6."""
    code = tflite.ActivationFunctionType.RELU6
    value = add_activation(builder, operator, builder.value(operator.inputs[0]), code)
    builder.bind(operator.outputs[0], value)


def convert_softmax(builder: GraphBuilder, operator: Operator) -> None:
    """SOFTMAX over the last axis."""
    value = builder.value(operator.inputs[0])
    beta = operator.options(tflite.SoftmaxOptions).Beta()
    if beta != 1:
        value = builder.add('Mul', [value, builder.scalar(beta)])
    rank = len(builder.tensor(operator.inputs[0]).shape)
    value = builder.add('Softmax', [value], axis=nchw_axis(-1, rank))
    builder.bind(operator.outputs[0], value)


def convert_reshape(builder: GraphBuilder, operator: Operator) -> None:
    """RESHAPE that leaves the batch alone; images go back to channels last first."""
    before = builder.tensor(operator.inputs[0]).shape
    after = builder.tensor(operator.outputs[0]).shape
    if before[:1] != after[:1]:
        raise builder.fail(operator, f'the reshape {before} -> {after} moves the batch axis')
    value = builder.value(operator.inputs[0])
    if len(before) == 4 and before[1:3] != (1, 1):
        value = builder.add('Transpose', [value], perm=TO_NHWC)
    value = builder.add('Reshape', [value, builder.integers(-1, *after[1:])])
    if len(after) == 4:
        value = builder.add('Transpose', [value], perm=TO_NCHW)
    builder.bind(operator.outputs[0], value)


def convert_concatenation(builder: GraphBuilder, operator: Operator) -> None:
    """CONCATENATION."""
    options = operator.options(tflite.ConcatenationOptions)
    rank = len(builder.tensor(operator.outputs[0]).shape)
    values = [builder.value(index) for index in operator.inputs]
    value = builder.add('Concat', values, axis=nchw_axis(options.Axis(), rank))
    value = add_activation(builder, operator, value, options.FusedActivationFunction())
    builder.bind(operator.outputs[0], value)


def convert_fully_connected(builder: GraphBuilder, operator: Operator) -> None:
    """FULLY_CONNECTED on rows."""
    options = operator.options(tflite.FullyConnectedOptions)
    index, weights, *bias = operator.inputs
    if len(builder.tensor(index).shape) != 2:
        raise builder.fail(operator, f'its input has shape {builder.tensor(index).shape}')
    inputs = [builder.value(index), builder.value(weights)]
    inputs += [builder.value(bias_index) for bias_index in bias if bias_index >= 0]
    value = builder.add('Gemm', inputs, transB=1)
    value = add_activation(builder, operator, value, options.FusedActivationFunction())
    builder.bind(operator.outputs[0], value)


def convert_reduction(builder: GraphBuilder, operator: Operator) -> None:
    """MEAN, REDUCE_MAX, REDUCE_MIN; the mean of a whole image is a global pool."""
    keep = bool(operator.options(tflite.ReducerOptions).KeepDims())
    rank = len(builder.tensor(operator.inputs[0]).shape)
    given = np.atleast_1d(builder.graph.constants[operator.inputs[1]])
    axes = sorted(nchw_axis(int(axis), rank) for axis in given)
    if 0 in axes:
        raise builder.fail(operator, 'it reduces over the batch')
    if rank == 4 and not keep and axes != [2, 3]:
        raise builder.fail(operator, 'it leaves an image of another rank')
    value = builder.value(operator.inputs[0])
    if operator.kind == 'MEAN' and rank == 4 and axes == [2, 3]:
        value = builder.add('GlobalAveragePool', [value])
        value = value if keep else builder.add('Flatten', [value])
    else:
        value = builder.add(_ONNX_NAMES[operator.kind], [value], axes=axes, keepdims=int(keep))
    builder.bind(operator.outputs[0], value)


def convert_gather(builder: GraphBuilder, operator: Operator) -> None:
    """GATHER of constant indices."""
    axis = operator.options(tflite.GatherOptions).Axis()
    _refuse_image(builder, operator)
    indices = builder.graph.constants.get(operator.inputs[1])
    if indices is None or axis == 0:
        raise builder.fail(operator, 'its indices are not constant, or pick from the batch')
    value = builder.add(
        'Gather', [builder.value(operator.inputs[0]), builder.integers(*indices)], axis=axis
    )
    builder.bind(operator.outputs[0], value)


def convert_unpack(builder: GraphBuilder, operator: Operator) -> None:
    """UNPACK into slices without the axis."""
    _refuse_image(builder, operator)
    axis = operator.options(tflite.UnpackOptions).Axis()
    for position, output in enumerate(operator.outputs):
        index = builder.constant(np.array(position, np.int64))
        value = builder.add('Gather', [builder.value(operator.inputs[0]), index], axis=axis)
        builder.bind(output, value)


def convert_strided_slice(builder: GraphBuilder, operator: Operator) -> None:
    """STRIDED_SLICE that keeps all axes and the whole batch."""
    _refuse_image(builder, operator)
    options = operator.options(tflite.StridedSliceOptions)
    if options.EllipsisMask() or options.NewAxisMask() or options.ShrinkAxisMask():
        raise builder.fail(operator, 'it adds or drops axes')
    shape = builder.tensor(operator.inputs[0]).shape
    begin, end, stride = (builder.graph.constants[index] for index in operator.inputs[1:4])
    picked = []
    for axis, size in enumerate(shape):
        first = None if options.BeginMask() >> axis & 1 else int(begin[axis])
        last = None if options.EndMask() >> axis & 1 else int(end[axis])
        picked.append(range(size)[first:last:int(stride[axis])])
    if picked[0] != range(shape[0]):
        raise builder.fail(operator, 'it cuts the batch')
    value = builder.value(operator.inputs[0])
    for axis, chosen in enumerate(picked):
        if chosen != range(shape[axis]):
            value = builder.add('Gather', [value, builder.integers(*chosen)], axis=axis)
    builder.bind(operator.outputs[0], value)


def _refuse_image(builder: GraphBuilder, operator: Operator) -> None:
    if len(builder.tensor(operator.inputs[0]).shape) == 4:
        raise builder.fail(operator, 'it is not supported on images')


OPERATORS: dict[str, Callable[[GraphBuilder, Operator], None]] = {
    **dict.fromkeys(('ADD', 'SUB', 'MUL', 'DIV', 'MAXIMUM', 'MINIMUM'), convert_binary),
    **dict.fromkeys(('RELU', 'LOGISTIC', 'TANH'), convert_unary),
    **dict.fromkeys(('MEAN', 'REDUCE_MAX', 'REDUCE_MIN'), convert_reduction),
    'RELU6': convert_relu6,
    'SOFTMAX': convert_softmax,
    'RESHAPE': convert_reshape,
    'CONCATENATION': convert_concatenation,
    'FULLY_CONNECTED': convert_fully_connected,
    'GATHER': convert_gather,
    'UNPACK': convert_unpack,
    'STRIDED_SLICE': convert_strided_slice,
}
