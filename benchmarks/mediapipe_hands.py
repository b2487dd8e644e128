"""Time MediaPipe's own Python hand tracking on a clip; runs in a venv of its own, without ROS.

Usage: mediapipe_hands.py CLIP.npy MAX_HANDS OUT.json
"""

import json
import resource
import sys
import time

import mediapipe
import numpy as np


def main() -> None:
    """Track hands through the clip in video mode and write per-frame times."""
    clip = np.load(sys.argv[1], mmap_mode='r')
    tracker = mediapipe.solutions.hands.Hands(
        static_image_mode=False, max_num_hands=int(sys.argv[2]), model_complexity=1
    )
    latencies_s, found = [], []
    warm = len(clip) // 4
    cpu_start_s = 0.0
    for index, frame in enumerate(clip):
        if index == warm:
            cpu_start_s = time.process_time()
        image = np.ascontiguousarray(frame)
        start_s = time.perf_counter()
        result = tracker.process(image)
        latencies_s.append(time.perf_counter() - start_s)
        found.append(len(result.multi_hand_landmarks or ()))
    report = {
        'latencies_s': latencies_s[warm:],
        'hands_found': found[warm:],
        'cpu_s_per_frame': (time.process_time() - cpu_start_s) / (len(clip) - warm),
        'peak_memory_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    with open(sys.argv[3], 'w', encoding='utf-8') as file:
        json.dump(report, file)


if __name__ == '__main__':
    main()
