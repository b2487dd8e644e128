"""`hand-action doctor`: it says what is wrong, and outlives checks that crash or hang."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import time
from collections import namedtuple

import numpy as np
import pytest

from ros2_hand_action.commands import doctor_machine, doctor_ros
from ros2_hand_action.commands.findings import Check, Finding, Level, fail, ok, warn
from ros2_hand_action.inference.tensorrt import driver

Usage = namedtuple('Usage', 'total used free')


def run_python(code: str, deadline_s: float = 60.0) -> list[Finding]:
    """Return the findings of a check that is this code."""
    return Check('test', [sys.executable, '-c', code]).collect(time.monotonic() + deadline_s)


def levels(findings) -> list[Level]:
    return [each.level for each in findings]


TELL_ONE = (
    'from ros2_hand_action.commands.findings import ok, tell; print("noise"); tell([ok("one")]); '
)


def test_findings_come_out_of_the_noise():
    assert run_python(TELL_ONE) == [ok('one')]


def test_a_check_that_crashes_is_a_finding():
    found = run_python(TELL_ONE + 'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)')
    assert found[0] == ok('one')
    assert found[1].level is Level.FAIL
    assert 'SIGSEGV' in found[1].text


def test_a_check_that_raises_is_a_finding():
    assert 'ZeroDivisionError' in run_python('1 / 0')[0].text


def test_a_check_that_hangs_is_ended():
    begun_s = time.monotonic()
    found = run_python('import time; time.sleep(300)', deadline_s=0.2)
    assert time.monotonic() - begun_s < 100
    assert [each.text for each in found] == ['no answer in time']


def test_the_command_names_what_is_wrong_and_fails(tmp_path):
    environment = {
        **os.environ, 'HAND_ACTION_CACHE': str(tmp_path), 'ROS_DOMAIN_ID': '4711',
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(tmp_path / 'none.xml'),
    }
    done = subprocess.run(
        [sys.executable, '-m', 'ros2_hand_action.cli', 'doctor', '--timeout', '100'],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert all(re.match(r'(OK|WARN|FAIL) +[a-z]+[^:]*: ', line) for line in lines)
    assert all('. Fix: ' in line for line in lines if not line.startswith('OK'))
    failed = [line for line in lines if line.startswith('FAIL')]
    for expected in ("ROS_DOMAIN_ID is '4711'", 'none.xml', 'hand-action models fetch palm_'):
        assert [line for line in failed if expected in line], expected
    names = {re.split(r' +', line, maxsplit=1)[1].partition(':')[0] for line in lines}
    assert {'ros', 'middleware', 'back ends', 'gpu', 'models', 'disk', 'clock'} <= names


def test_ros_that_is_not_there(monkeypatch):
    monkeypatch.setattr(doctor_ros, 'find_spec', lambda _: None)
    (found,) = doctor_ros.check_ros()
    assert found.level is Level.FAIL
    assert 'setup.bash' in found.fix


def test_ros_that_does_not_load(monkeypatch):
    def refuse(name):
        raise ImportError(f'{name}: built for another Python')

    monkeypatch.setattr(doctor_ros, 'import_module', refuse)
    (found,) = doctor_ros.check_ros()
    assert 'built for another Python' in found.text


def test_wheels_and_a_sourced_ros_are_not_mixed(tmp_path, monkeypatch):
    file = tmp_path / 'lib' / 'rclpy' / '__init__.py'
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    for prefixes, level, text in (
        (str(tmp_path), Level.OK, 'jazzy, sourced'),
        (f'{sys.prefix}:/opt/ros/jazzy', Level.WARN, 'is sourced, but'),
        (sys.prefix, Level.OK, 'wheels'),
    ):
        monkeypatch.setenv('AMENT_PREFIX_PATH', prefixes)
        found = doctor_ros._find_installation(file)
        assert found.level is level
        assert text in found.text


def test_segments_of_the_dead_are_told_from_those_in_use(tmp_path):
    for name in ('fastrtps_0123456789abcdef', 'fastrtps_fedcba9876543210'):
        (tmp_path / name).write_bytes(bytes(3_000_000))
        (tmp_path / f'{name}_el').touch()
    (tmp_path / 'fastrtps_port7411_el').touch()
    assert '2 segments of dead' in doctor_ros._find_leftovers(tmp_path).text
    with (tmp_path / 'fastrtps_0123456789abcdef_el').open('rb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert doctor_ros._find_leftovers(tmp_path).text.startswith('1 segments of dead')
        with (tmp_path / 'fastrtps_fedcba9876543210_el').open('rb') as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            assert doctor_ros._find_leftovers(tmp_path).level is Level.OK


def test_small_shared_memory(tmp_path, monkeypatch):
    assert levels(doctor_ros._find_space(tmp_path / 'none')) == [Level.WARN]
    usage = Usage(64e6, 0, 64e6)  # a container's default
    monkeypatch.setattr(doctor_ros.shutil, 'disk_usage', lambda _: usage)
    (found,) = doctor_ros._find_space(tmp_path)
    assert '--shm-size' in found.fix


@pytest.mark.parametrize(('text', 'level'), [
    ('', Level.OK), ('0', Level.OK), ('101', Level.OK), ('102', Level.WARN), ('233', Level.FAIL),
    ('-1', Level.FAIL), ('robot', Level.FAIL),
])
def test_domain(text, level):
    assert doctor_ros._find_domain(text).level is level


@pytest.mark.parametrize(('variable', 'value', 'level'), [
    ('ROS_LOCALHOST_ONLY', '1', Level.WARN), ('ROS_LOCALHOST_ONLY', '0', Level.OK),
    ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST', Level.WARN),
    ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET', Level.OK),
])
def test_reach(monkeypatch, variable, value, level):
    for name in ('ROS_LOCALHOST_ONLY', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert doctor_ros._find_range().level is level


def test_profile(monkeypatch, tmp_path):
    for name in doctor_ros._PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'UDPv4')
    assert 'UDPv4' in doctor_ros._find_profile().text
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', str(tmp_path / 'own.xml'))
    assert doctor_ros._find_profile().level is Level.FAIL
    (tmp_path / 'own.xml').touch()
    assert 'own.xml' in doctor_ros._find_profile().text


def test_a_gpu_without_its_driver(monkeypatch, tmp_path):
    monkeypatch.setattr(driver, 'probe_driver', lambda: driver.Driver((), 0, 'no driver'))
    monkeypatch.setattr(doctor_machine, '_NVIDIA_FILES', (str(tmp_path / 'none'),))
    assert levels(doctor_machine.check_gpu()) == [Level.OK]
    monkeypatch.setattr(doctor_machine, '_NVIDIA_FILES', (str(tmp_path),))
    assert levels(doctor_machine.check_gpu()) == [Level.FAIL]


def test_a_gpu_that_is_not_used(monkeypatch):
    device = driver.Device('Orin', (8, 7))
    monkeypatch.setattr(driver, 'probe_driver', lambda: driver.Driver((device,), 12060, ''))
    monkeypatch.setattr(doctor_machine, 'find_problem', lambda _: 'no Python module pycuda')
    told, unused = doctor_machine.check_gpu()
    assert told == ok('Orin, compute capability 8.7, driver for CUDA 12.6')
    assert unused == warn('the GPU is not used: no Python module pycuda', 'follow docs/jetson.md')


def test_a_processor_that_could_be_faster(monkeypatch):
    problems = {'openvino': 'no Python module openvino'}
    monkeypatch.setattr(doctor_machine, 'find_problem', lambda name: problems.get(name, ''))
    monkeypatch.setattr(doctor_machine.openvino, 'is_bf16_native', lambda: True)
    (found,) = [each for each in doctor_machine.check_back_ends() if each.level is Level.WARN]
    assert 'computes in bf16' in found.text and 'pip install --no-deps openvino' in str(found)
    monkeypatch.setattr(doctor_machine.openvino, 'is_bf16_native', lambda: False)
    assert Level.WARN not in levels(doctor_machine.check_back_ends())


def test_disk(tmp_path, monkeypatch):
    for free, level in ((1e8, Level.FAIL), (1e9, Level.WARN), (1e10, Level.OK)):
        usage = Usage(1e10, 0, free)
        monkeypatch.setattr(doctor_machine.shutil, 'disk_usage', lambda _, usage=usage: usage)
        assert levels(doctor_machine.check_disk(tmp_path / 'not' / 'yet')) == [level]
    monkeypatch.setattr(doctor_machine.os, 'access', lambda *_: False)
    assert levels(doctor_machine.check_disk(tmp_path)) == [Level.WARN]


def test_clock():
    (found,) = doctor_machine.check_clock(0.0)  # a Jetson without a battery
    assert found == fail('the clock says 1970-01-01: certificates and stamps are wrong',
                         'sudo timedatectl set-ntp true, or set the time by hand')
    (found,) = doctor_machine.check_clock()
    assert found.level is not Level.FAIL


def test_cameras_in_the_order_of_their_numbers(tmp_path):
    for name in ('video10', 'video2', 'videoX', 'null'):
        (tmp_path / name).touch()
    names = [path.rpartition('/')[2] for path in doctor_machine.list_cameras(tmp_path)]
    assert names == ['video2', 'video10']


def test_a_device_that_is_no_camera(tmp_path):
    (tmp_path / 'video0').touch()
    (found,) = doctor_machine.check_camera(str(tmp_path / 'video0'))
    assert found.level is Level.OK
    assert 'no camera' in found.text
    assert levels(doctor_machine.check_camera(str(tmp_path / 'none'))) == [Level.FAIL]


@pytest.mark.parametrize(('capability', 'expected'), [
    (0x1, ''),  # V4L2_CAP_VIDEO_CAPTURE
    (0x1000, ''),  # V4L2_CAP_VIDEO_CAPTURE_MPLANE
    (0x800000, 'gives no images'),  # V4L2_CAP_META_CAPTURE: the second device of a USB camera
])
def test_devices_for_metadata_are_passed_over(tmp_path, monkeypatch, capability, expected):
    def ioctl(_, request, answer):  # struct v4l2_capability: driver, card, bus, version, all, this
        assert request == (2 << 30 | len(answer) << 16 | ord('V') << 8)  # _IOR('V', 0, ...)
        struct.pack_into('=16s32s32sIII', answer, 0, b'uvc', b'', b'', 0, 0x80800001, capability)

    monkeypatch.setattr(doctor_machine.fcntl, 'ioctl', ioctl)
    (tmp_path / 'video1').touch()
    found = doctor_machine._find_no_capture(str(tmp_path / 'video1'))
    assert found.startswith(expected)
    assert bool(found) == bool(expected)


class StandInCamera:
    """Gives no image at first."""

    def __init__(self, *_: object) -> None:
        self._left = 2

    def read(self):
        self._left -= 1
        return (True, np.zeros((480, 640, 3), np.uint8)) if self._left < 0 else (False, None)


def test_a_camera_gives_a_picture(tmp_path, monkeypatch):
    (tmp_path / 'video0').touch()
    monkeypatch.setattr(doctor_machine, '_find_no_capture', lambda _: '')
    (found,) = doctor_machine.check_camera(str(tmp_path / 'video0'))  # OpenCV refuses the file
    assert found.level is Level.WARN
    monkeypatch.setattr('cv2.VideoCapture', StandInCamera)
    assert list(doctor_machine.check_camera(str(tmp_path / 'video0'))) == [
        ok('gives images of 640x480')
    ]
