"""TensorFlow Lite models written as ONNX: NCHW, pads folded, constants folded, free batch."""

from collections.abc import Mapping

import onnx
from onnx import TensorProto, helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.tflite import CONVERTER_VERSION
from ros2_hand_action.models.tflite.builder import BATCH, GraphBuilder, nchw_shape
from ros2_hand_action.models.tflite.images import IMAGE_OPERATORS
from ros2_hand_action.models.tflite.operators import OPERATORS
from ros2_hand_action.models.tflite.reader import read_graph

OPSET = 17
IR_VERSION = 8


def convert_tflite(
    data: bytes, *, source: str, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> onnx.ModelProto:
    """Return a TensorFlow Lite model as ONNX; the same bytes give the same model.

    Images are (N, channels, height, width) in the result, the batch N is free, and weights
    are float32.

    Parameters
    ----------
    data : bytes
        The .tflite file.
    source : str
        Its name, for messages.
    inputs, outputs : mapping of str to str
        Name in the result -> tensor name in the file. Outputs may be any tensors of the
        graph; what they do not need is left out.

    Raises
    ------
    ModelError
        Naming file, operator and tensor, where the model cannot be expressed.
    """
    graph = read_graph(data, source=source)
    builder = GraphBuilder(graph)
    by_name = {tensor.name: tensor for tensor in graph.tensors}
    for name in (*inputs.values(), *outputs.values()):
        if name not in by_name:
            raise ModelError(f'{source!r} has no tensor {name!r}: correct the catalogue')
    for name, tensor_name in inputs.items():
        builder.bind(by_name[tensor_name].index, name)
    converters = {**OPERATORS, **IMAGE_OPERATORS}
    for operator in graph.operators:
        if operator.kind not in converters:
            raise builder.fail(operator, 'this operator is not known')
        converters[operator.kind](builder, operator)
    renamed: dict[str, str] = {}
    for name, tensor_name in outputs.items():
        value = builder.value(by_name[tensor_name].index)
        if value in renamed or value in inputs or value in builder.initializers:
            value = builder.add('Identity', [value])
        renamed[value] = name
    nodes = builder.used_nodes(list(renamed))
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    used = {name for node in nodes for name in node.input}
    model = helper.make_model(
        helper.make_graph(
            nodes, 'main',
            [_describe(name, by_name[tensor].shape) for name, tensor in inputs.items()],
            [_describe(name, by_name[tensor].shape) for name, tensor in outputs.items()],
            [value for name, value in builder.initializers.items() if name in used],
        ),
        opset_imports=[helper.make_opsetid('', OPSET)], ir_version=IR_VERSION,
        producer_name='ros2_hand_action', producer_version=str(CONVERTER_VERSION),
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _describe(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    wanted: list[str | int | None] = [BATCH, *nchw_shape(shape)[1:]]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, wanted)
