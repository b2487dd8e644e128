"""Write what TensorFlow.js says of a picture, for test/models/test_tfjs.py; compare others.

    npm install --prefix tfjs --ignore-scripts @tensorflow/tfjs@0.15.3
    hand-action models fetch egohands_ssd five_hands
    python benchmarks/egohands_reference.py tfjs test/models/data/egohands.npz [PICTURE ...]

The picture is the photo of five hands, 100 x 100 pixels, each repeated 3 x 3 times. Of further
pictures it prints the largest differences between TensorFlow.js and this package.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ros2_hand_action.inference import create_session
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import media_path, model_path, source_file
from ros2_hand_action.perception.egohands import INPUT_SIZE, decode_egohands

ANCHORS = 1917
LEAST_SCORE = 0.01


class Reference(NamedTuple):
    """Raw boxes (1917, 4) and logits (1917, 2); decoded boxes (1917, 4) and scores (1917,)."""

    raw_boxes: np.ndarray
    logits: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


def run_tfjs(folder: Path, picture: np.ndarray) -> Reference:
    """Run the network on a picture, uint8 (300, 300, 3), RGB."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        with tarfile.open(source_file(load_models()['egohands_ssd'])) as archive:
            archive.extractall(work)
        (work / 'pixels').write_bytes(picture.tobytes())
        script = Path(__file__).with_suffix('.js')
        subprocess.run(
            ['node', str(script), str(work), str(work / 'pixels'), str(work / 'out')],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, 'NODE_PATH': str(folder.resolve() / 'node_modules')},
        )
        values = np.fromfile(work / 'out', np.float32)
    raw, logits, boxes, scores = np.split(values, np.cumsum([4, 2, 4])[:3] * ANCHORS)
    return Reference(raw.reshape(-1, 4), logits.reshape(-1, 2), boxes.reshape(-1, 4), scores)


def compare(folder: Path, path: Path) -> str:
    """Return the largest differences in a picture, which is letterboxed for both."""
    picture = letterbox(read_picture(path))
    reference = run_tfjs(folder, picture)
    blob = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / 127.5 - 1
    with closing(create_session(model_path('egohands_ssd'))) as session:
        outputs = session.run({'image': blob})
    found = decode_egohands(outputs['boxes'], outputs['scores'], 1e-9)
    half = found.sides_crop / 2
    boxes = np.concatenate([found.points_crop[:, 0] - half, found.points_crop[:, 0] + half], 1)
    wanted = INPUT_SIZE * reference.boxes[:, [1, 0, 3, 2]]
    return (
        f'{path.name}: boxes {np.abs(boxes - wanted).max():.1e} px, scores '
        f'{np.abs(found.scores - reference.scores).max():.1e}, best {found.scores.max():.3f}'
    )


def read_picture(path: Path) -> np.ndarray:
    """Return a picture as RGB."""
    pixels = cv2.imread(str(path))
    if pixels is None:
        raise SystemExit(f'{str(path)!r} is no picture')
    return pixels[:, :, ::-1]


def letterbox(picture: np.ndarray) -> np.ndarray:
    """Return a picture scaled into the network's input, black around it."""
    scale = INPUT_SIZE / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    square = np.zeros((INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    square[:small.shape[0], :small.shape[1]] = small
    return square


def main() -> None:
    """Write the reference and compare what else is named."""
    folder, target, *others = map(Path, sys.argv[1:])
    photo = read_picture(media_path('five_hands'))
    picture = cv2.resize(photo, (100, 100), interpolation=cv2.INTER_AREA)
    reference = run_tfjs(folder, picture.repeat(3, axis=0).repeat(3, axis=1))
    likely = reference.scores >= LEAST_SCORE
    np.savez_compressed(
        target, picture=picture, raw_boxes=reference.raw_boxes, logits=reference.logits,
        boxes=reference.boxes[likely], scores=reference.scores[likely],
    )
    for path in others:
        print(compare(folder, path))


if __name__ == '__main__':
    main()
