"""Files of expectations: keys, places of errors, and the source beside them."""

import pytest

from ros2_hand_action.errors import ExpectationError
from ros2_hand_action.replay.expectation_file import expectation_path, read_expectation_file

TEXT = """# a wave
source: wave.mcap
replay:
  bodies: true
expect:
  - at 3.2 s +-0.3: gesture stop STARTED right hand  # a comment
  - 'never: fall_floor'
  - body count 1 +-0
golden: wave.json
damaged: true
"""


def write(folder, text, name='wave.replay.yaml'):
    path = folder / name
    path.write_text(text, encoding='utf-8')
    return path


def test_a_file_is_read(tmp_path):
    (tmp_path / 'wave.mcap').touch()
    file = read_expectation_file(write(tmp_path, TEXT))
    assert [(each.line, each.text) for each in file.expectations] == [
        (6, 'at 3.2 s +-0.3: gesture stop STARTED right hand'),
        (7, 'never: fall_floor'),
        (8, 'body count 1 +-0'),
    ]
    assert file.replay == {'bodies': True}
    assert file.replay_places == {'bodies': f'{file.path}:4:3'}
    assert file.golden == tmp_path / 'wave.json'
    assert file.is_damaged is True
    assert file.find_source() == str(tmp_path / 'wave.mcap')


@pytest.mark.parametrize(
    ('text', 'place', 'words'),
    [
        ('', ':1:1: ', 'not a mapping'),
        ('- never: stop', ':1:1: ', 'allowed keys: source'),
        ('expects:\n  - never: stop', ':1:1: ', 'did you mean expect?'),
        ('source: wave.mcap', ':1:1: ', 'neither `expect` nor `golden`'),
        ('expect: never', ':1:9: ', 'is no list'),
        ('expect: []', ':1:9: ', '`expect` is empty: write an expectation, or leave it out'),
        ('expect:\n  - never: stop\n    hand count: 1', ':2:5: ', 'not one line'),
        ('expect:\n  - [never, stop]', ':2:5: ', 'not one line'),
        ('expect:\n  - hand\n    count 1', ':2:5: ', 'not one line'),
        ('expect:\n  - never: "unclosed', ':3:', 'not YAML'),
        ('expect:\n  - hand count 1\n  - hand cont 1', ':3:10: ', 'did you mean count?'),
        ("expect:\n  - 'hand cont 1'", ':2:11: ', "'cont'"),
        ('damaged: perhaps\nexpect:\n  - hand count 1', ':1:10: ', 'neither true nor false'),
        ('golden: [a]', ':1:9: ', 'no text'),
        ('replay: fast\nexpect:\n  - hand count 1', ':1:9: ', 'no mapping'),
    ],
)
def test_an_error_names_the_file_and_the_place(tmp_path, text, place, words):
    path = write(tmp_path, text)
    with pytest.raises(ExpectationError) as caught:
        read_expectation_file(path)
    message = str(caught.value)
    assert message.startswith(f'{path}:')
    assert words in message
    if not text.startswith('expect:\n  - never: "'):
        assert message.startswith(f'{path}{place}')


def test_a_file_that_is_absent_or_binary_is_named(tmp_path):
    with pytest.raises(ExpectationError, match='absent'):
        read_expectation_file(tmp_path / 'absent.replay.yaml')
    binary = tmp_path / 'binary.replay.yaml'
    binary.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ExpectationError, match='binary'):
        read_expectation_file(binary)


@pytest.mark.parametrize(
    ('source', 'name'),
    [('wave', 'wave.replay.yaml'), ('wave.mcap', 'wave.mcap.replay.yaml'),
     ('wave.mcap', 'wave.replay.yaml'), ('a.b.mp4', 'a.b.replay.yaml')],
)
def test_the_source_lies_beside_the_file(tmp_path, source, name):
    (tmp_path / source).touch()
    path = write(tmp_path, 'expect:\n  - hand count 1', name)
    assert read_expectation_file(path).find_source() == str(tmp_path / source)
    assert expectation_path(tmp_path / source) == path


def test_no_source_and_several_sources_are_errors(tmp_path):
    path = write(tmp_path, 'expect:\n  - hand count 1')
    with pytest.raises(ExpectationError, match=r"no source of the name 'wave'"):
        read_expectation_file(path).find_source()
    (tmp_path / 'wave.mcap').touch()
    (tmp_path / 'wave.mp4').touch()
    with pytest.raises(ExpectationError, match=r'2 sources \(wave.mcap, wave.mp4\)'):
        read_expectation_file(path).find_source()
    path.write_text('source: other.mcap\nexpect:\n  - hand count 1')
    with pytest.raises(ExpectationError, match=r'other.mcap'):
        read_expectation_file(path).find_source()


def test_a_source_without_expectations_has_none(tmp_path):
    assert expectation_path(tmp_path / 'wave.mcap') is None
