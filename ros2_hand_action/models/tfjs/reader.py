"""A frozen model of TensorFlow.js as plain records.

It is a GraphDef (TensorFlow's `graph.proto`, `node_def.proto`, `attr_value.proto`) that lacks its
constants, and a manifest that says where those lie in one or more binary files. Of the protobuf
only the wire format is needed: https://protobuf.dev/programming-guides/encoding.
"""

import io
import json
import math
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ros2_hand_action.errors import ModelError

GRAPH_FILE = 'tensorflowjs_model.pb'
MANIFEST_FILE = 'weights_manifest.json'
_DTYPES = {'float32': np.dtype('<f4'), 'int32': np.dtype('<i4')}

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_GRAPH_NODE = 1
_NODE_NAME, _NODE_KIND, _NODE_INPUT, _NODE_ATTRIBUTE = 1, 2, 3, 5
_KEY, _VALUE = 1, 2
_ATTRIBUTE_LIST, _ATTRIBUTE_TEXT = 1, 2
_LIST_INTEGERS = 3


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    Attributes
    ----------
    name, kind : str
    inputs : tuple of str
        Names of nodes, `:1` and so on behind them where it is not their first output.
    attributes : mapping of str to bytes
        Each an AttrValue as it is written.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, bytes]

    def text(self, key: str) -> str:
        """Return an attribute that is a string; '' where it is not there."""
        values = _by_number(self.attributes.get(key, b''))
        return bytes(values.get(_ATTRIBUTE_TEXT, b'')).decode()

    def integers(self, key: str) -> tuple[int, ...]:
        """Return an attribute that is a list of integers; empty where it is not there."""
        values = _by_number(self.attributes.get(key, b'')).get(_ATTRIBUTE_LIST, b'')
        return _unpack_integers(_by_number(values).get(_LIST_INTEGERS, b''))


@dataclass(frozen=True)
class Graph:
    """A model: its file's name for messages, nodes and constants by name."""

    source: str
    nodes: Mapping[str, Node]
    constants: Mapping[str, np.ndarray]


def read_graph(data: bytes, *, source: str) -> Graph:
    """Return the graph of a tarball of a frozen model's files.

    Raises
    ------
    ModelError
        If a file is missing, damaged, or holds weights other than float32 and int32.
    """
    try:
        files = _read_files(data)
        nodes = [
            _read_node(value) for number, value in _fields(files[GRAPH_FILE])
            if number == _GRAPH_NODE
        ]
        constants = _read_constants(files)
    except (tarfile.TarError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f'{source!r} is no frozen model of TensorFlow.js, or damaged ({error!r}): '
            'fetch it again'
        ) from error
    return Graph(source, {node.name: node for node in nodes}, constants)


def _read_files(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode='r:') as archive:
        opened = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in opened.items() if file is not None}


def _read_constants(files: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    constants = {}
    for group in json.loads(files[MANIFEST_FILE]):
        data = b''.join(files[path] for path in group['paths'])
        start = 0
        for entry in group['weights']:
            if 'quantization' in entry:
                raise ValueError(f'{entry["name"]!r} is quantised')
            dtype, count = _DTYPES[entry['dtype']], math.prod(entry['shape'])
            values = np.frombuffer(data, dtype, count, start)
            constants[entry['name']] = values.reshape(entry['shape'])
            start += values.nbytes
    return constants


def _read_node(data: Any) -> Node:
    name, kind, inputs, attributes = '', '', [], {}
    for number, value in _fields(data):
        if number == _NODE_NAME:
            name = bytes(value).decode()
        elif number == _NODE_KIND:
            kind = bytes(value).decode()
        elif number == _NODE_INPUT:
            inputs.append(bytes(value).decode())
        elif number == _NODE_ATTRIBUTE:
            entry = _by_number(value)
            attributes[bytes(entry[_KEY]).decode()] = bytes(entry[_VALUE])
    data_inputs = (text.removesuffix(':0') for text in inputs if not text.startswith('^'))
    return Node(name, kind, tuple(data_inputs), attributes)


def _by_number(data: Any) -> dict[int, Any]:
    return dict(_fields(data))


def _fields(data: Any) -> Iterator[tuple[int, Any]]:
    """Yield number and value of a message's fields: an integer, or bytes."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, place = _read_varint(data, place)
            yield number, value
            continue
        if wire_type == _LENGTH:
            length, place = _read_varint(data, place)
        elif wire_type in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if wire_type == _EIGHT_BYTES else 4
        else:
            raise ValueError(f'wire type {wire_type} of a protobuf field')
        if place + length > len(data):
            raise ValueError('a protobuf field ends behind the file')
        yield number, data[place:place + length]
        place += length


def _unpack_integers(data: Any) -> tuple[int, ...]:
    values, place = [], 0
    while place < len(data):
        value, place = _read_varint(data, place)
        values.append(value)
    return tuple(values)


def _read_varint(data: Any, place: int) -> tuple[int, int]:
    """Return an integer of at most 64 bits, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError('an integer of the protobuf is too long')
