"""Jitter of a person who stands still, and lag of one who moves at 1 m/s, before and after.

A picture of a real person is shown again and again with new sensor noise and new JPEG blocks, at
rest and shifted at constant speed; the tracker runs once as it is and once without smoothing.

Usage: pose_jitter.py [MODEL]
"""

import sys

import cv2
import numpy as np
from tqdm import tqdm

from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_pose import create_body_pose_tracker
from ros2_hand_action.perception.camera import CameraModel, make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.skeleton import INDEX, LIMB_JOINTS

STEP_NS = 33_333_333
SIZE_PX = (640, 480)
SPEED_M_S = 1.0
_UNSMOOTHED_HZ = 1e6
_WARM_UP = 30
_NOISE = 4.0
_JOINTS = [INDEX[name] for name in LIMB_JOINTS]


def main() -> None:
    """Print jitter and lag of the limb joints."""
    model = sys.argv[1] if len(sys.argv) > 1 else BodyPoseOptions.model
    picture = _read_picture()
    rest = [_disturb(picture, index, 0.0) for index in range(150)]
    raw, smooth = (follow(rest, model, cutoff)[_WARM_UP:] for cutoff in (_UNSMOOTHED_HZ, None))
    print(f'{model}: at rest, standard deviation over {len(raw)} images, median of limb joints')
    for name, axes in (('sideways', [0, 1]), ('in depth', [2])):
        spreads = [np.median(track.std(axis=0)[:, axes]) * 1000 for track in (raw, smooth)]
        print(f'  {name}: {spreads[0]:.2f} mm raw, {spreads[1]:.2f} mm smoothed, '
              f'ratio {spreads[1] / spreads[0]:.2f}')
    camera = _camera()
    depth_m = float(np.median(raw[:, :, 2]))
    shift_px = SPEED_M_S * camera.matrix[0, 0] / depth_m * STEP_NS * 1e-9
    moving = [_disturb(picture, index, shift_px * (index - 20)) for index in range(41)]
    tracks = [follow(moving, model, cutoff) for cutoff in (_UNSMOOTHED_HZ, None)]
    speed = np.median(np.diff(tracks[0][15:, :, 0], axis=0)) / (STEP_NS * 1e-9)
    lags = (tracks[0] - tracks[1])[15:, :, 0] / speed
    print(f'at {speed:.2f} m/s sideways: {1000 * np.median(lags):.0f} ms behind (median)')


def follow(frames: list[np.ndarray], model: str, cutoff_hz: float | None) -> np.ndarray:
    """Return the limb joints (n, 12, 3) of the first person in metres."""
    options = BodyPoseOptions(model=model, max_bodies=1)
    if cutoff_hz is not None:
        options = BodyPoseOptions(model=model, max_bodies=1, smoothing_cutoff_hz=cutoff_hz)
    camera, found = _camera(), []
    with create_body_pose_tracker(options) as tracker:
        for index, pixels in enumerate(tqdm(frames, file=sys.stderr)):
            frame = Frame(pixels, PixelOrder.BGR, (index + 1) * STEP_NS)
            bodies = tracker.process(frame, camera).bodies
            found.append(
                bodies[0].keypoints_m[_JOINTS] if bodies else np.full((len(_JOINTS), 3), np.nan)
            )
    tracks = np.array(found, np.float64)
    return tracks[:, np.isfinite(tracks).all(axis=(0, 2))]


def _camera() -> CameraModel:
    return make_camera(image_size=SIZE_PX, k=(0.0,) * 9)


def _read_picture() -> np.ndarray:
    capture = cv2.VideoCapture(str(media_path('walking_man')))
    _, pixels = capture.read()
    left = (pixels.shape[1] - pixels.shape[0] * 4 // 3) // 2
    return cv2.resize(pixels[:, left:pixels.shape[1] - left], SIZE_PX,
                      interpolation=cv2.INTER_AREA)


def _disturb(picture: np.ndarray, seed: int, shift_px: float) -> np.ndarray:
    """Return the picture moved sideways, with noise and JPEG blocks of its own."""
    generator = np.random.default_rng(seed)
    moved = cv2.warpAffine(
        picture, np.array([[1, 0, shift_px], [0, 1, 0]]), SIZE_PX,
        borderMode=cv2.BORDER_REPLICATE,
    )
    noisy = moved + generator.normal(0, _NOISE, moved.shape)
    _, jpeg = cv2.imencode('.jpg', np.clip(noisy, 0, 255).astype(np.uint8),
                           [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(70, 96))])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


if __name__ == '__main__':
    main()
