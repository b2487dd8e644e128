"""What all tests share: a ROS domain of their own and the shared data."""

import os
from pathlib import Path

import pytest

# Before any test imports rclpy. Domain 0 is everybody's; above 101 ports may be taken (Linux).
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 101)
if os.environ.get('ROS_DISTRO') == 'humble':
    os.environ['ROS_LOCALHOST_ONLY'] = '1'
else:
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

# Before any test imports numpy, as `hand-action` does: see ros2_hand_action/commands/__init__.py.
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')

# Expectations are those of single precision, on every machine; the default's own tests unset it.
os.environ.setdefault('HAND_ACTION_BACKEND', 'onnxruntime')


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Return the folder of data sets that are too large or too private for the repository."""
    beside = Path(__file__).resolve().parents[2] / 'shared' / 'data'
    folder = Path(os.environ.get('HAND_ACTION_SHARED', beside))
    if not folder.is_dir():
        pytest.skip(f'no shared data at {folder}: set HAND_ACTION_SHARED to its folder')
    return folder
