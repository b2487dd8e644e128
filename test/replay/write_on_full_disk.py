"""Run by test_full_disk.py: writes everything where no file can grow beyond 3000 bytes.

A write beyond that fails as on a full disk. Prints what each writer told, as JSON.
"""

import json
import resource
import sys
from pathlib import Path

import matplotlib.font_manager  # noqa: F401  its cache is made before
import numpy as np
from recordings import make_clip, make_frame

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.inference.tensorrt.cache import EngineCache, EngineKey
from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.results import write_results
from ros2_hand_action.replay.timeline_picture import write_timeline
from ros2_hand_action.replay.video import VideoWriter

LIMIT_BYTES = 3000
NOISE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


def make_recording() -> Recording:
    frames = [make_frame(index, index / 10, hands={'h1': 'fist'}) for index in range(40)]
    return Recording((make_clip(frames),), GESTURES)


def film(path: Path) -> None:
    with VideoWriter(path, width_px=64, height_px=48, fps=10.0) as writer:
        for shift in range(40):
            writer.write(np.roll(NOISE, shift, axis=1))


def build_engine(path: Path) -> None:
    key = EngineKey('network', '10', 'card', 'fp32', 1)
    EngineCache(path.parent).load(key, build=NOISE.tobytes, accept=lambda plan: True)


WRITERS = {
    'video.mp4': film,
    'timeline.png': lambda path: write_timeline(make_recording(), path),
    'results.json': lambda path: write_results(make_recording(), path),
    'figures.json': lambda path: write_json(path, {'noise': NOISE.ravel().tolist()}),
    'model.onnx': lambda path: write_atomically(path, NOISE.tobytes()),
    'engine': build_engine,
}


def try_to_write(name: str) -> str:
    try:
        WRITERS[name](Path(sys.argv[1]) / name / name)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return ''


resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
print(json.dumps({name: try_to_write(name) for name in WRITERS}))
