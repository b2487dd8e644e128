"""Make 3D ground truth for body poses from four calibrated cameras around a balancing man.

The pictures are pose2sim's demonstration (BSD-3-Clause, a package on PyPI): four synchronised
videos and their calibration. docs/body_pose.md says how the truth is made and how good it is.

Usage: pose_ground_truth.py OUT_DIR
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from multiview import View, read_qualisys, settle, triangulate
from tqdm import tqdm

from ros2_hand_action.inference import create_session
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.body_detection import BodyDetector, circle_regions
from ros2_hand_action.perception.body_landmarks import BodyLandmarker
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hand_search import whole_frame_view
from ros2_hand_action.perception.skeleton import INDEX, LIMB_JOINTS, MIRROR, from_blazepose

CAMERAS = ('cam01', 'cam02', 'cam03', 'cam04')
FRAME_RATE_HZ = 60.0
STEP = 2
"""Every second frame is used."""
HEIGHT_M = 1.68
"""The man's: (shank + thigh + trunk) / 0.779, from the triangulated joints."""

_LOOKS = ((1.0, 0.1), (1.1, -0.1))
"""Scale and turn of the regions of each look; each is taken as it is and mirrored."""
_SMOOTHING = 4
_JOINTS = [INDEX[name] for name in LIMB_JOINTS]


def main() -> None:
    """Write OUT_DIR/truth.json, its pictures, and the truth's own error."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    points_px, weights = zip(*(annotate(name, folder) for name in CAMERAS))
    shape = points_px[0].shape[:2]
    pixels = np.stack(points_px).reshape(len(CAMERAS), -1, 2) - 0.5
    trust = np.stack(weights).reshape(len(CAMERAS), -1) ** 2 + 0.01
    given = read_qualisys(media_path('balancing_calibration'))
    views = settle(given, pixels, trust)
    report(given, views, pixels, trust)
    entries = []
    for index, name in enumerate(CAMERAS):
        others = [place for place in range(len(CAMERAS)) if place != index]
        world = triangulate([views[i] for i in others], pixels[others], trust[others])
        smooth = smoothen(world.reshape(*shape, 3))
        entries += list(make_entries(name, views[index], smooth))
    truth = {'joints': list(LIMB_JOINTS), 'entries': entries}
    (folder / 'truth.json').write_text(json.dumps(truth) + '\n', encoding='utf-8')
    print(f'{len(entries)} poses in {folder / "truth.json"}')


def annotate(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the 12 limb joints (frames, 12, 2) and their confidence (frames, 12) in a video.

    The largest network looks at each picture four times; the median counts.
    """
    detector = BodyDetector(create_session(model_path('pose_detection')))
    landmarker = BodyLandmarker(create_session(model_path('pose_landmark_heavy')))
    capture = cv2.VideoCapture(str(media_path(f'balancing_{name}')))
    circle: np.ndarray = np.empty((0, 2))
    points, weights = [], []
    for index in tqdm(range(int(capture.get(cv2.CAP_PROP_FRAME_COUNT))), name, file=sys.stderr):
        _, pixels = capture.read()
        if index % STEP:
            continue
        frame = Frame(pixels, PixelOrder.BGR)
        cv2.imwrite(str(folder / f'{name}_{index:03d}.jpg'), pixels)
        if not len(circle):
            regions = detector.detect(frame, whole_frame_view(frame)).regions_px
            region = regions[np.argmax(regions[:, 2])][None]
            for _ in range(3):
                seen = landmarker.find(frame, region)
                region = circle_regions(seen.alignment_px[:, 0], seen.alignment_px[:, 1])
                circle = seen.alignment_px[0]
        joints, sure, circle = _look(landmarker, frame, circle)
        points.append(joints)
        weights.append(sure)
    return np.array(points), np.array(weights)


def _look(
    landmarker: BodyLandmarker, frame: Frame, circle_px: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return joints (12, 2), confidence (12,) and circle (2, 2) of several looks."""
    region = circle_regions(circle_px[None, 0], circle_px[None, 1])
    mirrored = Frame(np.ascontiguousarray(frame.pixels[:, ::-1]), frame.order)
    found = []
    for scale, turn in _LOOKS:
        looked = region * (1, 1, scale, 1) + (0, 0, 0, turn)
        found.append(_arrange(landmarker, frame, looked))
        flipped = looked * (1, 1, 1, -1)
        flipped[:, 0] = frame.width_px - looked[:, 0]
        points, sure, circle = _arrange(landmarker, mirrored, flipped)
        points[:, 0] = frame.width_px - points[:, 0]
        circle[:, 0] = frame.width_px - circle[:, 0]
        found.append((points[MIRROR], sure[MIRROR], circle))
    points, sure, circles = (np.array(part) for part in zip(*found))
    return (np.median(points, axis=0)[_JOINTS], sure.mean(axis=0)[_JOINTS],
            circles.mean(axis=0))


def _arrange(
    landmarker: BodyLandmarker, frame: Frame, region: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    seen = landmarker.find(frame, region)
    sure = seen.visibility[0] * seen.landmark_presence[0]
    points, weights = from_blazepose(seen.landmarks_px[0], np.maximum(sure, 1e-6))
    return points, weights, seen.alignment_px[0].copy()


def smoothen(points_m: np.ndarray) -> np.ndarray:
    """Return tracks (frames, joints, 3) after a local parabola over 9 frames (Savitzky-Golay)."""
    steps = np.arange(-_SMOOTHING, _SMOOTHING + 1)
    basis = np.stack([np.ones_like(steps), steps, steps**2], axis=1).astype(float)
    kernel = np.linalg.pinv(basis)[0]
    padded = np.concatenate([
        2 * points_m[:1] - points_m[_SMOOTHING:0:-1], points_m,
        2 * points_m[-1:] - points_m[-2:-_SMOOTHING - 2:-1],
    ])
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=0)
    smooth: np.ndarray = windows @ kernel
    return smooth


def make_entries(name: str, view: View, world_m: np.ndarray) -> Iterator[dict[str, object]]:
    """Yield the entries of a camera for poses (frames, 12, 3) of the world."""
    for place, joints in enumerate(world_m):
        index = place * STEP
        yield {
            'image': f'{name}_{index:03d}.jpg',
            'sequence': name,
            'stamp_s': index / FRAME_RATE_HZ,
            'k': view.matrix.ravel().tolist(),
            'd': view.distortion.tolist(),
            'height_m': HEIGHT_M,
            'joints_m': view.to_camera(joints).round(4).tolist(),
        }


def report(
    given: list[View], views: list[View], pixels: np.ndarray, trust: np.ndarray
) -> None:
    """Print how far the cameras were moved, and what a camera left out says of the others."""
    for index, (name, before, now) in enumerate(zip(CAMERAS, given, views)):
        others = [place for place in range(len(views)) if place != index]
        world = triangulate([views[i] for i in others], pixels[others], trust[others])
        gaps_px = np.linalg.norm(now.project(world) - pixels[index], axis=1)
        gaps_mm = 1000 * gaps_px * now.to_camera(world)[:, 2] / now.matrix[0, 0]
        turn, _ = cv2.Rodrigues(now.rotation @ before.rotation.T)
        move = before.rotation.T @ before.translation - now.rotation.T @ now.translation
        print(
            f'{name}: turned {np.degrees(np.linalg.norm(turn)):.2f} degrees, moved '
            f'{1000 * np.linalg.norm(move):.0f} mm; left out, its joints are '
            f'{np.median(gaps_px):.1f} px = {np.median(gaps_mm):.0f} mm from the others (median)'
        )


if __name__ == '__main__':
    main()
