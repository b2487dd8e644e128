"""What a parameter file sets in vain, or so that nodes cannot start."""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from ros2_hand_action.errors import did_you_mean
from ros2_hand_action.nodes.parameters import QOS_OVERRIDES, NodeParameter
from ros2_hand_action.replay.parameter_file import (
    EVERY_NODE,
    FileParameter,
    NodeEntry,
    read_parameter_file,
)

_NEAR = 0.85
"""Similarity from which the name of a node is taken for a slip: files name others' nodes, too."""


class ParameterFaults(NamedTuple):
    """Faults of a parameter file, each with file and line.

    Attributes
    ----------
    nodes : tuple of str
        Names that are nearly one of ours.
    parameters : tuple of str
        Parameters that our nodes do not have.
    values : tuple of str
        Values that keep a node from starting.
    """

    nodes: tuple[str, ...]
    parameters: tuple[str, ...]
    values: tuple[str, ...]


def find_faults(
    path: Path, tables: Mapping[str, Sequence[NodeParameter]], nodes: Collection[str]
) -> ParameterFaults:
    """Check what a parameter file sets; what it sets for nodes of other packages is theirs.

    Parameters
    ----------
    path : Path
    tables : mapping of str to sequence of NodeParameter
        Nodes whose parameters are checked.
    nodes : collection of str
        All nodes of this package.

    Raises
    ------
    ParameterFileError
        If it is no parameter file.
    """
    entries = read_parameter_file(path)
    ours = [each for each in entries if each.node in (*EVERY_NODE, *tables)]
    parameters = [each for entry in ours for each in entry.parameters]

    def place(line: int, fault: str) -> tuple[str, ...]:
        return (f'{path}:{line}: {fault}',) if fault else ()

    return ParameterFaults(
        nodes=sum((place(each.line, _node_fault(each, nodes)) for each in entries), ()),
        parameters=sum((place(each.line, _name_fault(each, tables)) for each in parameters), ()),
        values=sum((place(each.line, _value_fault(each, tables)) for each in parameters), ()),
    )


def _node_fault(entry: NodeEntry, nodes: Collection[str]) -> str:
    name = entry.node
    if name in (*EVERY_NODE, *nodes) or any(_is_variant(name, each) for each in nodes):
        return ''
    near = get_close_matches(name, list(nodes), n=1, cutoff=_NEAR)
    return f'no node {name!r} (did you mean {near[0]}?)' if near else ''


def _is_variant(name: str, node: str) -> bool:
    """Whether somebody may have renamed a node so, as one of several."""
    return bool(re.fullmatch(rf'{node}(\d+|_.+)|.+_{node}', name))


def _name_fault(
    parameter: FileParameter, tables: Mapping[str, Sequence[NodeParameter]]
) -> str:
    known = [each.name for each in _candidates(parameter, tables)]
    if parameter.name in known or parameter.name.startswith(QOS_OVERRIDES):
        return ''
    hint = did_you_mean(parameter.name, known)
    if parameter.node in EVERY_NODE:  # which others' nodes may have
        return f'no node has a parameter {parameter.name!r}{hint}' if hint else ''
    return f'{parameter.node} has no parameter {parameter.name!r}{hint}'


def _value_fault(
    parameter: FileParameter, tables: Mapping[str, Sequence[NodeParameter]]
) -> str:
    for node, table in tables.items():
        if parameter.node not in (*EVERY_NODE, node):
            continue
        for each in table:
            fault = each.find_fault(parameter.value) if each.name == parameter.name else ''
            if fault:
                return f'{node}: {fault}'
    return ''


def _candidates(
    parameter: FileParameter, tables: Mapping[str, Sequence[NodeParameter]]
) -> list[NodeParameter]:
    if parameter.node in EVERY_NODE:
        return [each for table in tables.values() for each in table]
    return list(tables[parameter.node])
