"""The facts that several files of the package state must agree."""

import configparser
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.resources import config_path

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = sorted(ROOT.glob('msg/*.msg'))
REQUIREMENTS = sorted(ROOT.glob('requirements/*.txt'))
MANIFEST = ElementTree.parse(ROOT / 'package.xml').getroot()


def _entry_points() -> dict[str, str]:
    config = configparser.ConfigParser()
    config.optionxform = str  # type: ignore[assignment, method-assign]
    config.read(ROOT / 'setup.cfg')
    lines = '\n'.join(config['options.entry_points'].values()).split('\n')
    return dict(line.split(' = ', 1) for line in lines if line)


def _pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith('#')]
    return dict(line.split('==', 1) for line in lines)


@pytest.mark.parametrize('path', MESSAGES, ids=lambda path: path.stem)
def test_every_line_of_a_message_says_what_it_means(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith('# ')
    constant = re.compile(r'[A-Z][A-Z0-9_]*=')
    for line in filter(None, lines):
        is_field = not line.startswith('#') and not constant.match(line.split()[1])
        assert not is_field or re.search(r'\S +# \S', line), f'{path.name}: {line!r}'


def test_numbers_in_messages_state_their_unit_or_range() -> None:
    said = re.compile(r'pixel|metre|second|stamp|\d to \d|sum 1|no unit|[A-Z]{3,}|header')
    for path in MESSAGES:
        for line in path.read_text().splitlines():
            if re.match(r'(u?int|float)\d+(\[\w*\])? +[a-z]', line):
                assert said.search(line.split('#')[1]), f'{path.name}: {line!r}'


@pytest.mark.parametrize('path', MESSAGES, ids=lambda path: path.stem)
def test_every_interface_imports(path: Path) -> None:
    if importlib.util.find_spec('ros2_hand_action.msg') is None:
        pytest.skip('the messages are not built: make setup')
    messages = importlib.import_module('ros2_hand_action.msg')
    message = getattr(messages, path.stem)()
    fields = re.findall(r'^[\w/]+(?:\[\w*\])? +([a-z]\w*) ', path.read_text(), re.MULTILINE)
    assert list(message.get_fields_and_field_types()) == fields


def test_entry_points_exist() -> None:
    entry_points = _entry_points()
    assert 'hand-action' in entry_points
    for target in entry_points.values():
        module, function = target.split(':')
        source = ROOT / Path(*module.split('.')).with_suffix('.py')
        assert re.search(rf'^def {function}\(', source.read_text(), re.MULTILINE), target


def test_every_node_has_an_entry_point() -> None:
    nodes = {
        path.stem for path in ROOT.glob('ros2_hand_action/nodes/*.py')
        if re.search(r'^def main\(', path.read_text(), re.MULTILINE)
    }
    assert nodes <= set(_entry_points()), 'a node that setup.cfg does not list'


def test_cmake_installs_every_entry_point() -> None:
    """The expression by which CMakeLists.txt reads setup.cfg finds all that configparser finds."""
    text = (ROOT / 'CMakeLists.txt').read_text()
    match = re.search(r'file\(STRINGS setup\.cfg entry_points REGEX "(.+)"\)', text)
    assert match is not None
    expression = match[1].replace('${PROJECT_NAME}', 'ros2_hand_action')
    lines = (ROOT / 'setup.cfg').read_text().splitlines()
    found = [line.split()[0] for line in lines if re.search(expression, line)]
    assert found == list(_entry_points())


def test_installed_nodes_are_executable() -> None:
    folder = Path(sys.prefix) / 'lib' / 'ros2_hand_action'
    if not folder.is_dir():
        pytest.skip(f'the package is not installed into {sys.prefix}: make setup')
    for name in _entry_points():
        assert os.access(folder / name, os.X_OK), f'{folder / name}'


def test_command_runs_from_any_folder(tmp_path: Path) -> None:
    command = shutil.which('hand-action', path=str(Path(sys.prefix) / 'bin'))
    if command is None:
        pytest.skip(f'hand-action is not installed into {sys.prefix}: make setup')
    done = subprocess.run([command, '--help'], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'COMMAND' in done.stdout


def test_version_is_that_of_the_manifest() -> None:
    done = subprocess.run(
        [sys.executable, 'setup.py', '--version'], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split()[-1:] == [MANIFEST.findtext('version')], done.stderr


def test_changelog_begins_with_what_is_new() -> None:
    titles = re.findall(r'^(.+)\n-+$', (ROOT / 'CHANGELOG.rst').read_text(), re.MULTILINE)
    assert titles[0] == 'Forthcoming' or titles[0].split()[0] == MANIFEST.findtext('version')


@pytest.mark.parametrize('path', REQUIREMENTS, ids=lambda path: path.stem)
def test_requirements_are_pinned_exactly(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith('#')]
    for line in lines:
        assert re.fullmatch(r'[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*', line), f'{path.name}: {line!r}'


def test_no_package_is_pinned_twice() -> None:
    """Only what fits a sourced ROS and what fits its wheels may differ."""
    pins = {path.stem: set(_pins(path)) for path in REQUIREMENTS}
    assert not pins['core'] & pins['dev']
    assert not (pins['core'] | pins['dev']) & (pins['ros-wheels'] | pins['ros-sourced'])
    assert pins['ros-sourced'] <= pins['ros-wheels']


def test_nothing_that_reports_uses_is_installed() -> None:
    pins = {name.lower() for path in REQUIREMENTS for name in _pins(path)}
    assert 'openvino' in pins and 'openvino-telemetry' not in pins


def test_interface_dependencies_agree() -> None:
    """What the messages use, CMake finds and the manifest names."""
    text = '\n'.join(path.read_text() for path in MESSAGES)
    used = set(re.findall(r'^(\w+)/\w+', text, re.MULTILINE))
    cmake = (ROOT / 'CMakeLists.txt').read_text()
    match = re.search(r'set\(interface_dependencies (.+?)\)', cmake)
    assert match is not None
    assert set(match[1].split()) == used
    assert {element.text for element in MANIFEST.findall('depend')} == used


def test_ros_imports_are_in_the_manifest() -> None:
    names = {element.text for element in MANIFEST if element.tag.endswith('depend')}
    imports = re.compile(r'^(?:from|import) (\w+_msgs|\w+_srvs|rcl\w*|launch\w*)\b', re.MULTILINE)
    folders = ('ros2_hand_action', 'launch')
    sources = [path for folder in folders for path in (ROOT / folder).rglob('*.py')]
    for path in sources:
        assert set(imports.findall(path.read_text())) <= names, path


def test_missing_configuration_says_where_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AMENT_PREFIX_PATH', '/somewhere')
    with pytest.raises(ConfigError, match=r"'absent\.yaml'.*/somewhere/share/ros2_hand_action"):
        config_path('absent.yaml')


def test_configuration_is_found_in_an_ament_prefix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = tmp_path / 'share' / 'ros2_hand_action' / 'config' / 'only_here.yaml'
    installed.parent.mkdir(parents=True)
    installed.write_text('{}')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere{os.pathsep}{tmp_path}')
    assert config_path('only_here.yaml') == installed
