"""A disk that is full leaves what was there before, and nothing half."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name('write_on_full_disk.py')

ERRORS = {
    'video.mp4': 'MediaError: cannot write',
    'timeline.png': 'OSError: [Errno 27] File too large',
    'results.json': 'MediaError: cannot write',
    'figures.json': 'DatasetError: cannot write',
    'model.onnx': 'OSError: [Errno 27] File too large',
    'engine': 'ModelError: cannot write 9,216 bytes',
}


@pytest.fixture(scope='module')
def full(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """Write everything to a full disk; returns where, and what each writer told."""
    folder = tmp_path_factory.mktemp('full')
    for name in ERRORS:
        (folder / name).mkdir()
        (folder / name / name).write_bytes(b'old')
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True,
        timeout=120, check=True,
    )
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize('name', ERRORS)
def test_an_error_is_told_and_the_old_file_stays(full, name):
    folder, told = full
    assert told[name].startswith(ERRORS[name])
    assert (folder / name / name).read_bytes() == b'old'
    left = {path.name for path in (folder / name).iterdir()}
    assert {each for each in left if not each.endswith('.lock')} == {name}
