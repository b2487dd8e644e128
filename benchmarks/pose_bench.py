"""Body poses against MediaPipe's own, in turns on the same frames: time per image, and agreement.

Usage: pose_bench.py [PYTHON_WITH_MEDIAPIPE], by default the .bench-venv that bench.py makes.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import cv2
import numpy as np

from ros2_hand_action.inference import create_session
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception import body_network
from ros2_hand_action.perception.body_landmarks import BodyLandmarker, BodyLandmarks
from ros2_hand_action.perception.body_pose import BodyPoseTracker
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.stage_times import StageClock

HERE = Path(__file__).resolve().parent
FRAMES, ROUNDS, WARM_UP = 120, 3, 30
SIZE_PX = (640, 480)
STEP_NS = 33_333_333
_COMPLEXITY = '1'
"""The full model's number at MediaPipe."""


class _Recorder(BodyLandmarker):
    """A landmarker that keeps the world landmarks of the first body of every image."""

    rows: ClassVar[list[np.ndarray]] = []

    def find(
        self, frame: Frame, regions_px: np.ndarray, clock: StageClock | None = None
    ) -> BodyLandmarks:
        """Find the landmarks and keep them."""
        seen = super().find(frame, regions_px, clock)
        self.rows.append(seen.landmarks_m[0])
        return seen


def main() -> None:
    """Print times of both, their ratio, and how far their world landmarks lie apart."""
    rival = sys.argv[1] if len(sys.argv) > 1 else str(HERE.parent / '.bench-venv/bin/python')
    clip = _read_clip()
    ratios, gaps = [], []
    with tempfile.TemporaryDirectory() as folder:
        clip_file, answer = Path(folder) / 'clip.npy', Path(folder) / 'answer.npz'
        np.save(clip_file, clip)
        for _ in range(ROUNDS):
            subprocess.run(
                [rival, str(HERE / 'mediapipe_pose.py'), str(clip_file), _COMPLEXITY,
                 str(answer)],
                check=True, stderr=subprocess.DEVNULL,
            )
            theirs = np.load(answer)
            ours_s, landmarks_m = _follow(clip)
            theirs_s = theirs['latencies_s'][WARM_UP:]
            ratios.append(np.median(ours_s) / np.median(theirs_s))
            gaps.append(np.linalg.norm(landmarks_m - theirs['landmarks_m'], axis=2))
            print(f'ours {_describe(ours_s)}, MediaPipe {_describe(theirs_s)}, '
                  f'ratio {ratios[-1]:.2f}', flush=True)
    print(f'ratio {np.median(ratios):.2f} (median of {ROUNDS}); world landmarks '
          f'{1000 * np.median(gaps):.1f} mm apart (median), '
          f'{1000 * np.percentile(gaps, 90):.1f} mm (90 %)')


def _follow(clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return times per image after the warm-up, and world landmarks (n, 33, 3) of one person."""
    _Recorder.rows.clear()
    times_s = []
    with patch.object(body_network, 'BodyLandmarker', _Recorder), BodyPoseTracker(
        detector=create_session(model_path('pose_detection')),
        landmarks=create_session(model_path('pose_landmark_full')),
    ) as tracker:
        for index, pixels in enumerate(clip):
            frame = Frame(pixels, PixelOrder.RGB, (index + 1) * STEP_NS)
            start_s = time.perf_counter()
            tracker.process(frame)
            times_s.append(time.perf_counter() - start_s)
    return np.array(times_s[WARM_UP:]), np.array(_Recorder.rows)


def _read_clip() -> np.ndarray:
    """Return the walking man, uint8 (frames, 480, 640, 3), RGB."""
    capture = cv2.VideoCapture(str(media_path('walking_man')))
    frames = []
    for _ in range(FRAMES):
        _, pixels = capture.read()
        left = (pixels.shape[1] - pixels.shape[0] * 4 // 3) // 2
        cut = pixels[:, left:pixels.shape[1] - left]
        small = cv2.resize(cut, SIZE_PX, interpolation=cv2.INTER_AREA)
        frames.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
    return np.array(frames)


def _describe(times_s: np.ndarray) -> str:
    p50, p95 = np.percentile(1000 * times_s, (50, 95))
    return f'{p50:.1f} ms (p95 {p95:.1f})'


if __name__ == '__main__':
    main()
