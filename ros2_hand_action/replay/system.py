"""What a recording was made with: machine, versions, models."""

import os
import platform
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ros2_hand_action.resources import PACKAGE_NAME

_LIBRARIES = (
    'onnxruntime', 'openvino', 'numpy', 'opencv-python-headless', 'ros-rclpy', 'ros-fastrtps',
)


def describe_system(models: Mapping[str, str], *, dated: bool = True) -> dict[str, str]:
    """Return what is worth knowing about this run, as name -> value.

    Parameters
    ----------
    models : Mapping[str, str]
        Node -> the model and back end that it reports.
    dated : bool
        Whether the date is among it: with it no two runs give the same.
    """
    found = {}
    if dated:
        found['date'] = datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC')
    found.update({
        'machine': f'{_processor()}, {os.cpu_count()} cores, {_os_name()}',
        PACKAGE_NAME: package_version(),
        'ROS': os.environ.get('ROS_DISTRO', 'Jazzy, from wheels'),
        'Python': platform.python_version(),
    })
    found.update({name: text for name in _LIBRARIES if (text := _version(name))})
    found.update(models)
    return found


def package_version() -> str:
    """Return this package's version; 'unknown' where its manifest is missing."""
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    folders = [Path(__file__).resolve().parents[2]]
    folders += [Path(prefix) / 'share' / PACKAGE_NAME for prefix in prefixes if prefix]
    for manifest in (folder / 'package.xml' for folder in folders):
        if manifest.is_file():
            return ElementTree.parse(manifest).getroot().findtext('version', 'unknown')
    return _version(PACKAGE_NAME) or 'unknown'


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ''


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()['PRETTY_NAME']
    except (OSError, KeyError):
        return f'{platform.system()} {platform.release()}'
