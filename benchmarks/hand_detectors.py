"""Compare the networks that find hands: average precision, and processor time.

    python benchmarks/hand_detectors.py DIR [VIDEO ...]

DIR holds pictures and boxes.csv, as `hand-action hands evaluate` takes them. Each picture is
looked at in one view, without bodies, as it is and in quarter turns; the images of the videos go
through the trackers in turns. One thread.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hand_options import MODELS
from ros2_hand_action.perception.hands import (
    HandDetector,
    HandDetectorOptions,
    HandTrackerOptions,
    create_hand_detector,
    create_hand_tracker,
)
from ros2_hand_action.perception.records import Hand
from ros2_hand_action.training.box_dataset import BoxedPicture, read_boxed_pictures
from ros2_hand_action.training.hand_evaluation import evaluate_hands

ONE_THREAD = SessionOptions(threads=1)
TAIL_SCORE = 0.01
FRAMES = 150


class TurnedDetector:
    """Turns each picture counterclockwise, and the boxes back; adds up the time of detection."""

    def __init__(self, detector: HandDetector, quarters: int) -> None:
        self._detector = detector
        self._quarters = quarters
        self.seconds = 0.0

    def detect(self, frame: Frame) -> list[Hand]:
        """Return the hands with their boxes in the picture as it was."""
        turned = Frame(np.ascontiguousarray(np.rot90(frame.pixels, self._quarters)), frame.order)
        start = time.process_time()
        hands = self._detector.detect(turned)
        self.seconds += time.process_time() - start
        return [replace(hand, box_px=self._turn_back(hand.box_px, turned)) for hand in hands]

    def _turn_back(self, box_px: np.ndarray, turned: Frame) -> np.ndarray:
        width, height = turned.width_px, turned.height_px
        for _ in range(self._quarters):
            left, top, right, bottom = box_px
            box_px = np.array([height - bottom, left, height - top, right])
            width, height = height, width
        return box_px


def compare_on_pictures(pictures: list[BoxedPicture], model: str) -> str:
    """Return the figures of one model at the four quarter turns."""
    options = HandDetectorOptions(
        model=model, min_score=TAIL_SCORE, whole_scales=(1.0,), tile_fractions=(),
        use_bodies=False,
    )
    figures = []
    with create_hand_detector(options, ONE_THREAD) as detector:
        for quarters in range(4):
            turned = TurnedDetector(detector, quarters)
            report = evaluate_hands(
                tqdm(pictures, model, file=sys.stderr),
                detector=turned,  # type: ignore[arg-type]  # it needs detect() alone
                threshold=HandDetectorOptions.min_score,
            ).report
            milliseconds = 1000 * turned.seconds / len(pictures)
            figures.append(f'{90 * quarters}: {report.average_precision:.3f}')
    return f'{model}: AP50 at turns {", ".join(figures)}; {milliseconds:.0f} ms a picture'


def compare_on_video(path: Path) -> str:
    """Return how many hands the trackers report, and the time that they take."""
    trackers = {
        model: create_hand_tracker(HandTrackerOptions(model=model), ONE_THREAD)
        for model in MODELS
    }
    hands, seconds = dict.fromkeys(MODELS, 0), dict.fromkeys(MODELS, 0.0)
    capture, read = cv2.VideoCapture(str(path)), 0
    for place in tqdm(range(FRAMES), path.name, file=sys.stderr):
        is_read, pixels = capture.read()
        if not is_read:
            break
        read += 1
        for model, tracker in trackers.items():
            start = time.process_time()
            found = tracker.process(Frame(pixels, PixelOrder.BGR, place * 40_000_000))
            seconds[model] += time.process_time() - start
            hands[model] += len(found.hands)
    for tracker in trackers.values():
        tracker.close()
    figures = [
        f'{model} {hands[model]} hands, {1000 * seconds[model] / max(read, 1):.1f} ms'
        for model in MODELS
    ]
    return f'{path.name}, {read} frames: {"; ".join(figures)} a frame'


def main() -> None:
    """Print a line for each model and video."""
    folder, *videos = map(Path, sys.argv[1:])
    pictures = read_boxed_pictures(folder)
    for model in MODELS:
        print(compare_on_pictures(pictures, model))
    for video in videos:
        print(compare_on_video(video))


if __name__ == '__main__':
    cv2.setNumThreads(1)
    main()
