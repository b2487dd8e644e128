"""Operators on images: convolution, pooling, padding, resizing, PReLU."""

from collections.abc import Callable

import numpy as np
import tflite

from ros2_hand_action.models.tflite.builder import GraphBuilder, nchw_shape
from ros2_hand_action.models.tflite.operators import add_activation, add_channel_scale
from ros2_hand_action.models.tflite.reader import Operator

Pads = tuple[int, int, int, int]
"""Rows above, columns left, rows below, columns right."""


def convert_conv(builder: GraphBuilder, operator: Operator) -> None:
    """CONV_2D: weights (out, rows, columns, in) -> (out, in, rows, columns)."""
    weights = builder.graph.constants[operator.inputs[1]].transpose(0, 3, 1, 2)
    options = operator.options(tflite.Conv2DOptions)
    resize = builder.producer(operator.inputs[0], 'RESIZE_BILINEAR')
    if resize is not None and weights.shape[2:] == (1, 1) and _strides(options) == (1, 1):
        # Interpolation weights sum to 1, so a 1x1 convolution may go first: fewer pixels.
        value = _add_conv(builder, operator, weights, builder.value(resize.inputs[0]), options)
        value = _add_resize(builder, resize, value)
    else:
        value = _add_conv(builder, operator, weights, None, options)
    value = add_activation(builder, operator, value, options.FusedActivationFunction())
    builder.bind(operator.outputs[0], value)


def convert_depthwise_conv(builder: GraphBuilder, operator: Operator) -> None:
    """DEPTHWISE_CONV_2D: weights (1, rows, columns, out) -> (out, 1, rows, columns)."""
    weights = builder.graph.constants[operator.inputs[1]].transpose(3, 0, 1, 2)
    options = operator.options(tflite.DepthwiseConv2DOptions)
    value = _add_conv(builder, operator, weights, None, options)
    value = add_activation(builder, operator, value, options.FusedActivationFunction())
    builder.bind(operator.outputs[0], value)


def _add_conv(
    builder: GraphBuilder,
    operator: Operator,
    weights: np.ndarray,
    value: str | None,
    options: tflite.Conv2DOptions | tflite.DepthwiseConv2DOptions,
) -> str:
    """Add a convolution of `value`, or of the operator's input with its padding folded in."""
    kernel = (int(weights.shape[2]), int(weights.shape[3]))
    dilations = (options.DilationHFactor(), options.DilationWFactor())
    extent = tuple(1 + (size - 1) * gap for size, gap in zip(kernel, dilations, strict=True))
    index, outer = _skip_padding(builder, operator.inputs[0])
    shape = builder.tensor(operator.inputs[0]).shape
    inner = _pads(shape[1:3], extent, _strides(options), options.Padding())
    channels = shape[3]
    inputs = [builder.value(index) if value is None else value, builder.constant(weights)]
    inputs += [builder.value(bias) for bias in operator.inputs[2:] if bias >= 0]
    return builder.add(
        'Conv', inputs, kernel_shape=kernel, strides=_strides(options), dilations=dilations,
        pads=[first + second for first, second in zip(inner, outer, strict=True)],
        group=channels // int(weights.shape[1]),
    )


def _strides(
    options: tflite.Conv2DOptions | tflite.DepthwiseConv2DOptions | tflite.Pool2DOptions,
) -> tuple[int, int]:
    return options.StrideH(), options.StrideW()


def _skip_padding(builder: GraphBuilder, index: int) -> tuple[int, Pads]:
    """Return the tensor before a padding of rows and columns, and that padding."""
    pad = builder.producer(index, 'PAD')
    if pad is None:
        return index, (0, 0, 0, 0)
    amounts = builder.graph.constants[pad.inputs[1]]
    if amounts[0].any() or amounts[3].any():
        return index, (0, 0, 0, 0)
    (above, below), (left, right) = amounts[1].tolist(), amounts[2].tolist()
    return pad.inputs[0], (above, left, below, right)


def _pads(
    size: tuple[int, ...], extent: tuple[int, ...], strides: tuple[int, int], padding: int
) -> Pads:
    """Return what TensorFlow's SAME adds: the odd row goes below, the odd column right."""
    if padding == tflite.Padding.VALID:
        return (0, 0, 0, 0)
    totals = [
        max((-(-length // stride) - 1) * stride + reach - length, 0)
        for length, reach, stride in zip(size, extent, strides, strict=True)
    ]
    above, left = totals[0] // 2, totals[1] // 2
    return (above, left, totals[0] - above, totals[1] - left)


def convert_pool(builder: GraphBuilder, operator: Operator) -> None:
    """MAX_POOL_2D and AVERAGE_POOL_2D; padded pixels count for neither."""
    options = operator.options(tflite.Pool2DOptions)
    kernel = (options.FilterHeight(), options.FilterWidth())
    shape = builder.tensor(operator.inputs[0]).shape
    value = builder.add(
        'MaxPool' if operator.kind == 'MAX_POOL_2D' else 'AveragePool',
        [builder.value(operator.inputs[0])], kernel_shape=kernel, strides=_strides(options),
        pads=_pads(shape[1:3], kernel, _strides(options), options.Padding()),
    )
    value = add_activation(builder, operator, value, options.FusedActivationFunction())
    builder.bind(operator.outputs[0], value)


def convert_pad(builder: GraphBuilder, operator: Operator) -> None:
    """PAD with zeros, where no convolution takes it over."""
    amounts = builder.graph.constants[operator.inputs[1]]
    if amounts[0].any():
        raise builder.fail(operator, 'it pads the batch')
    if len(amounts) == 4 and not amounts[1:3].any():
        channels = builder.tensor(operator.inputs[0]).shape[3]
        first, last = amounts[3].tolist()
        identity = np.pad(np.eye(channels, dtype=np.float32), ((first, last), (0, 0)))
        weights = builder.constant(identity[:, :, None, None])
        value = builder.add('Conv', [builder.value(operator.inputs[0]), weights])
        builder.bind(operator.outputs[0], value)
        return
    order = (0, 3, 1, 2) if len(amounts) == 4 else range(len(amounts))
    pads = [int(amounts[axis][side]) for side in (0, 1) for axis in order]
    value = builder.add('Pad', [builder.value(operator.inputs[0]), builder.integers(*pads)])
    builder.bind(operator.outputs[0], value)


def convert_resize(builder: GraphBuilder, operator: Operator) -> None:
    """RESIZE_BILINEAR by constant factors."""
    value = _add_resize(builder, operator, builder.value(operator.inputs[0]))
    builder.bind(operator.outputs[0], value)


def _add_resize(builder: GraphBuilder, operator: Operator, value: str) -> str:
    options = operator.options(tflite.ResizeBilinearOptions)
    before = nchw_shape(builder.tensor(operator.inputs[0]).shape)
    after = nchw_shape(builder.tensor(operator.outputs[0]).shape)
    scales = [new / old for new, old in zip(after[2:], before[2:], strict=True)]
    if options.AlignCorners():
        mode = 'align_corners'
    else:
        mode = 'half_pixel' if options.HalfPixelCenters() else 'asymmetric'
    return builder.add(
        'Resize', [value, '', builder.floats(1, 1, *scales)],
        mode='linear', coordinate_transformation_mode=mode,
    )


def convert_depth_to_space(builder: GraphBuilder, operator: Operator) -> None:
    """DEPTH_TO_SPACE."""
    block = operator.options(tflite.DepthToSpaceOptions).BlockSize()
    value = builder.add(
        'DepthToSpace', [builder.value(operator.inputs[0])], blocksize=block, mode='DCR'
    )
    builder.bind(operator.outputs[0], value)


def convert_prelu(builder: GraphBuilder, operator: Operator) -> None:
    """PRELU with one slope per channel, as x + (1 - slope) * relu(-x).

    ONNX Runtime has no PRelu in its blocked layout: every one would cost two reorderings of the
    image. These two convolutions take in the Relu and the Add, and stay.
    """
    slopes = builder.graph.constants[operator.inputs[1]]
    channels = builder.tensor(operator.outputs[0]).shape[3]
    if slopes.size != channels:
        raise builder.fail(operator, f'its slopes have shape {slopes.shape}, not one per channel')
    value = builder.value(operator.inputs[0])
    negative = add_channel_scale(builder, value, np.full(channels, -1, np.float32))
    bent = add_channel_scale(builder, builder.add('Relu', [negative]), 1 - slopes.reshape(-1))
    builder.bind(operator.outputs[0], builder.add('Add', [bent, value]))


IMAGE_OPERATORS: dict[str, Callable[[GraphBuilder, Operator], None]] = {
    'CONV_2D': convert_conv,
    'DEPTHWISE_CONV_2D': convert_depthwise_conv,
    'MAX_POOL_2D': convert_pool,
    'AVERAGE_POOL_2D': convert_pool,
    'PAD': convert_pad,
    'RESIZE_BILINEAR': convert_resize,
    'DEPTH_TO_SPACE': convert_depth_to_space,
    'PRELU': convert_prelu,
}
