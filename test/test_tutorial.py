"""docs/tutorial.md, followed to the letter."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.store import media_path, model_path

DOCUMENT = Path(__file__).resolve().parents[1] / 'docs' / 'tutorial.md'
DEADLINE_S = 100.0


class Block(NamedTuple):
    """A block of code, and the file that the text before it says to save it as."""

    kind: str
    code: str
    file: str


def read_blocks() -> list[Block]:
    text = DOCUMENT.read_text(encoding='utf-8')
    found = re.finditer(r'^```(\w+)\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    return [Block(match[1], match[2], _file_before(text[: match.start()])) for match in found]


def _file_before(text: str) -> str:
    """Return the file that the text before a block ends with naming."""
    found = re.search(r'Save as `([\w.]+)`:$', text.rstrip())
    return found[1] if found else ''


def test_blocks_are_told_apart() -> None:
    blocks = read_blocks()
    assert {block.kind for block in blocks} == {'sh', 'python', 'yaml', 'text'}
    assert [block.file for block in blocks if block.kind in ('python', 'yaml')] == [
        'make_pictures.py', 'my_commands.yaml', 'robot.py',
    ]


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    try:
        media_path('five_hands')
        model_path('hand_landmark_full')
    except HandActionError as error:
        pytest.skip(str(error))
    blocks = read_blocks()
    promised = next(block.code for block in blocks if block.code.startswith('it drives'))
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    printed = ''
    for block in blocks:
        if block.kind in ('python', 'yaml'):
            (tmp_path / block.file).write_text(block.code)
        elif block.kind == 'sh':
            done = subprocess.run(
                ['bash', '-e', '-c', block.code], cwd=tmp_path, env={**os.environ, 'PATH': path},
                stdout=subprocess.PIPE, text=True, timeout=DEADLINE_S,
            )
            assert done.returncode == 0, block.code
            printed += done.stdout
    assert printed.endswith(promised)
