"""Time MediaPipe's own Python body pose on a clip; runs in a venv of its own, without ROS.

Usage: mediapipe_pose.py CLIP.npy MODEL_COMPLEXITY OUT.npz
"""

import sys
import time

import mediapipe
import numpy as np


def main() -> None:
    """Follow one person through the clip in video mode; write times and world landmarks."""
    clip = np.load(sys.argv[1], mmap_mode='r')
    tracker = mediapipe.solutions.pose.Pose(
        static_image_mode=False, model_complexity=int(sys.argv[2]), smooth_landmarks=False
    )
    latencies_s = []
    landmarks = np.full((len(clip), 33, 3), np.nan)
    cpu_start_s = time.process_time()
    for index, frame in enumerate(clip):
        image = np.ascontiguousarray(frame)
        start_s = time.perf_counter()
        result = tracker.process(image)
        latencies_s.append(time.perf_counter() - start_s)
        if result.pose_world_landmarks:
            landmarks[index] = [
                (point.x, point.y, point.z) for point in result.pose_world_landmarks.landmark
            ]
    np.savez(
        sys.argv[3], latencies_s=latencies_s, landmarks_m=landmarks,
        cpu_s_per_frame=(time.process_time() - cpu_start_s) / len(clip),
    )


if __name__ == '__main__':
    main()
