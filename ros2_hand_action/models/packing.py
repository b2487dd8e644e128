"""Weights in half the space: where half precision holds an array exactly, it is kept so."""

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

_LEAST_VALUES = 1000
"""Smaller arrays are left as they are."""
_SUFFIX = '_packed'


def pack_weights(network: Any) -> Any:
    """Keep weights in half precision, and make them single by a Cast before they are used.

    Only those that lose nothing by it; what the network computes stays the same.
    """
    casts = []
    for array in network.graph.initializer:
        values = numpy_helper.to_array(array)
        if values.dtype != np.float32 or values.size < _LEAST_VALUES:
            continue
        with np.errstate(over='ignore'):  # infinite, so not equal
            halves = values.astype(np.float16)
        if not np.array_equal(halves.astype(np.float32), values):
            continue
        name = array.name
        array.CopyFrom(numpy_helper.from_array(halves, name + _SUFFIX))
        casts.append(helper.make_node('Cast', [array.name], [name], to=TensorProto.FLOAT))
    _set_nodes(network.graph, [*casts, *network.graph.node])
    return network


def unpack_weights(network: Any) -> Any:
    """Make weights single that `pack_weights` packed: converters look for them without a Cast."""
    arrays = {array.name: array for array in network.graph.initializer}
    kept = []
    for node in network.graph.node:
        array = arrays.get(node.input[0]) if node.op_type == 'Cast' else None
        if array is None or array.name != node.output[0] + _SUFFIX:
            kept.append(node)
            continue
        values = numpy_helper.to_array(array).astype(np.float32)
        array.CopyFrom(numpy_helper.from_array(values, node.output[0]))
    _set_nodes(network.graph, kept)
    return network


def _set_nodes(graph: Any, nodes: list[Any]) -> None:
    del graph.node[:]
    graph.node.extend(nodes)
