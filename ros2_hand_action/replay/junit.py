"""Judgements as JUnit XML, which every continuous integration shows."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from ros2_hand_action.errors import ExpectationError
from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.replay.judgement import Judgement

_NOT_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
"""What XML 1.0 cannot hold, https://www.w3.org/TR/xml/#charsets"""


def make_junit(
    judgements: Sequence[Judgement], errors: Mapping[str, str] | None = None
) -> bytes:
    """Return a test suite for each judgement, with a test case for each check.

    Parameters
    ----------
    judgements : sequence of Judgement
    errors : mapping of str to str, optional
        Source -> why it could not be replayed or judged.
    """
    root = ElementTree.Element('testsuites')
    for judgement in judgements:
        _add_suite(root, judgement)
    for source, reason in (errors or {}).items():
        suite = _add_element(root, 'testsuite', name=source, tests='1', failures='0', errors='1')
        case = _add_element(suite, 'testcase', classname=source, name='replay', time='0')
        _add_element(case, 'error', message=reason)
    for count in ('tests', 'failures', 'errors'):
        root.set(count, str(sum(int(suite.get(count, '0')) for suite in root)))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding='utf-8', xml_declaration=True)) + b'\n'


def write_junit(
    path: Path, judgements: Sequence[Judgement], errors: Mapping[str, str] | None = None
) -> None:
    """Write the file as a whole; raises ExpectationError where that is impossible."""
    try:
        write_atomically(path, make_junit(judgements, errors))
    except OSError as error:
        raise ExpectationError(f'cannot write {str(path)!r}: {error}') from error


def _add_suite(root: ElementTree.Element, judgement: Judgement) -> None:
    suite = _add_element(
        root, 'testsuite', name=judgement.clip, tests=str(len(judgement.checks)),
        failures=str(len(judgement.failed)), errors='0',
    )
    for check in judgement.checks:
        case = _add_element(
            suite, 'testcase', classname=judgement.against, time='0',
            name=f'{check.label}: {check.expected}',
        )
        if not check.passed:
            failure = _add_element(case, 'failure', message=check.found)
            failure.text = _clean('\n'.join((check.found, *judgement.history)))


def _add_element(
    parent: ElementTree.Element, tag: str, **attributes: str
) -> ElementTree.Element:
    clean = {name: _clean(value) for name, value in attributes.items()}
    return ElementTree.SubElement(parent, tag, clean)


def _clean(text: str) -> str:
    return _NOT_XML.sub('?', text)
