"""JUnit XML that any reader takes."""

import xml.etree.ElementTree as ElementTree

import pytest

from ros2_hand_action.errors import ExpectationError
from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.junit import make_junit, write_junit

JUDGEMENT = Judgement(
    'wave <&"\x00>', 'wave.replay.yaml',
    (
        Check('line 1', 'never: stop', 'as expected', None, True),
        Check('line 2', 'hand count >= 1', 'found in 0.0 % of 9 \x1b images', 5, False),
    ),
    ('+ 3.2 s stop',),
)


def test_each_check_is_a_case():
    root = ElementTree.fromstring(make_junit([JUDGEMENT], {'gone.mcap': 'no such file'}))
    assert root.attrib == {'tests': '3', 'failures': '1', 'errors': '1'}
    suite, lost = root
    assert suite.get('name') == 'wave <&"?>'
    good, bad = suite
    assert (good.get('name'), list(good)) == ('line 1: never: stop', [])
    (failure,) = bad
    assert failure.get('message') == 'found in 0.0 % of 9 ? images'
    assert failure.text.endswith('+ 3.2 s stop')
    assert lost.find('testcase/error').get('message') == 'no such file'


def test_nothing_to_judge_is_an_empty_file():
    assert ElementTree.fromstring(make_junit([])).get('tests') == '0'


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ExpectationError, match='file'):
        write_junit(tmp_path / 'file' / 'junit.xml', [JUDGEMENT])
