"""`hand-action doctor`: back ends, GPU, models, disk, clock and cameras."""

import ctypes
import fcntl
import os
import shutil
import struct
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from ros2_hand_action.commands.findings import Finding, fail, ok, warn
from ros2_hand_action.errors import HandActionError
from ros2_hand_action.inference import BACKENDS, choose_backend, find_problem
from ros2_hand_action.inference.openvino import library as openvino
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, cache_folder, model_state

_NVIDIA_FILES = ('/dev/nvidia0', '/dev/nvhost-gpu', '/dev/nvgpu', '/etc/nv_tegra_release')
_MB = 1_000_000
_ENOUGH_MB, _LEAST_MB = 2000, 200
"""For networks, engines and media; for the networks alone."""
_RELEASE_YEAR = 2026
_TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""
_TIMEX_BYTES = 256
"""More than struct timex has; all zeros asks and sets nothing."""
_QUERY_CAPABILITIES = 0x80685600
"""VIDIOC_QUERYCAP, videodev2.h: struct v4l2_capability of 104 bytes, device_caps at 88."""
_CAPTURE = 0x1 | 0x1000
"""V4L2_CAP_VIDEO_CAPTURE and its multi-planar kind."""
_FRAMES, _CAMERA_TIMEOUT_S = 5, 15.0
"""Cameras may give no image at the first reading."""


def check_back_ends() -> Iterator[Finding]:
    """Tell what networks would run on, and why not on something faster."""
    for name in BACKENDS:
        problem = find_problem(name)
        yield ok(f'{name}: not used, {problem}' if problem else f'{name} can be used')
    fault = find_problem('openvino') or openvino.find_fault()
    if fault and openvino.is_bf16_native():
        yield warn('this processor computes in bf16, which halves the time of the networks, but '
                   f'{fault}', 'pip install --no-deps openvino (docs/cpu_backends.md)')
    try:
        yield ok(f'auto takes {choose_backend("auto").reason.partition(";")[0]}')
    except HandActionError as error:
        yield fail(str(error), 'pip install onnxruntime')


def check_gpu() -> Iterator[Finding]:
    """Ask the NVIDIA driver; where it has a device, TensorRT should be there, too."""
    from ros2_hand_action.inference.tensorrt.driver import probe_driver

    driver = probe_driver()
    if driver.problem:
        seen = [file for file in _NVIDIA_FILES if Path(file).exists()]
        if seen:
            yield fail(f'{seen[0]} is there, but {driver.problem}',
                       'install the driver; in a container: --runtime nvidia or --gpus all')
        else:
            yield ok(f'no NVIDIA GPU: {driver.problem}')
        return
    version = f'{driver.version // 1000}.{driver.version % 1000 // 10}'
    for device in driver.devices:
        major, minor = device.capability
        yield ok(f'{device.name}, compute capability {major}.{minor}, driver for CUDA {version}')
    problem = find_problem('tensorrt')
    if problem:
        yield warn(f'the GPU is not used: {problem}', 'follow docs/jetson.md')


def check_models() -> Iterator[Finding]:
    """Look whether the networks that the nodes load by default are here and undamaged."""
    models = [model for model in load_models().values() if model.default]
    ready = 0
    for model in models:
        state = model_state(model)
        ready += state is State.READY
        if state is not State.READY:
            yield fail(f'{model.name}: {state.value}', f'hand-action models fetch {model.name}')
    yield ok(f'{ready} of {len(models)} default models are ready')


def check_disk(folder: Path | None = None) -> Iterator[Finding]:
    """Look at the room for models and engines."""
    folder = folder or cache_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free / _MB
    text = f'{folder} has {free_mb:,.0f} MB free'
    fix = 'make room, or set HAND_ACTION_CACHE to a folder with more'
    if not os.access(existing, os.W_OK):
        yield warn(f'{existing} cannot be written: nothing can be fetched or built',
                   'set HAND_ACTION_CACHE to a folder of your own')
    elif free_mb < _LEAST_MB:
        yield fail(text, fix)
    elif free_mb < _ENOUGH_MB:
        yield warn(text, fix)
    else:
        yield ok(text)


def check_clock(now_s: float | None = None) -> Iterator[Finding]:
    """Look whether the time is one that other machines' stamps can be compared with."""
    now = datetime.fromtimestamp(time.time() if now_s is None else now_s, timezone.utc)
    if now.year < _RELEASE_YEAR:
        yield fail(f'the clock says {now:%Y-%m-%d}: certificates and stamps are wrong',
                   'sudo timedatectl set-ntp true, or set the time by hand')
        return
    status = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if status == _TIME_ERROR:
        yield warn(f'{now:%Y-%m-%d %H:%M:%S} UTC, not synchronised: stamps of several machines '
                   'differ', 'run chrony or systemd-timesyncd on all of them')
    else:
        yield ok(f'{now:%Y-%m-%d %H:%M:%S} UTC')


def list_cameras(folder: Path = Path('/dev')) -> list[str]:
    """Return the video devices, in the order of their numbers."""
    found = [path for path in folder.glob('video*') if path.name[5:].isdecimal()]
    return [str(path) for path in sorted(found, key=lambda path: int(path.name[5:]))]


def check_camera(device: str) -> Iterator[Finding]:
    """Take a picture."""
    if not os.access(device, os.R_OK | os.W_OK):
        yield fail('no permission', 'sudo usermod -aG video $USER, then log in again')
        return
    problem = _find_no_capture(device)
    if problem:
        yield ok(problem)
        return
    import cv2

    camera = cv2.VideoCapture(device, cv2.CAP_V4L2)
    end_s = time.monotonic() + _CAMERA_TIMEOUT_S
    for _ in range(_FRAMES):
        is_read, image = camera.read()
        if is_read:
            yield ok(f'gives images of {image.shape[1]}x{image.shape[0]}')
            return
        if time.monotonic() > end_s:
            break
    yield warn('gives no image: another program, perhaps its driver node, has it, or it is stuck',
               f'fuser -v {device} says who; plug it in again')


def _find_no_capture(device: str) -> str:
    """Return why a device is none that images come from, such as the metadata of a camera."""
    capabilities = bytearray(104)
    try:
        with open(device, 'rb', buffering=0) as file:
            fcntl.ioctl(file, _QUERY_CAPABILITIES, capabilities)
    except OSError as error:
        return f'is no camera ({error.strerror})'
    if not struct.unpack_from('I', capabilities, 88)[0] & _CAPTURE:
        return 'gives no images (metadata, or an encoder)'
    return ''
