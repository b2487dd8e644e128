"""What naming gestures costs: the landmark head and the open GestureNet, for 1 to 8 hands.

    python benchmarks/gesture_cost.py [--rounds 200] [--image 1280x720]

Processor time of one call, cut and network together, one thread, fastest tenth; in turns, so that
all share what the machine is busy with.
"""

import argparse
import time
from contextlib import ExitStack

import numpy as np

from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gestures import (
    GestureClassifier,
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.records import Hand, Handedness

MODELS = ('gesture_head', 'open_gesturenet')
HANDS = (1, 2, 4, 8)
HAND_PX = 180


def make_hands(count: int, width: int, height: int) -> list[Hand]:
    """Return hands at random places; their landmarks are noise, which costs the same."""
    random = np.random.default_rng(0)
    hands = []
    for number in range(count):
        corner = random.uniform(0, (width - HAND_PX, height - HAND_PX))
        box = np.concatenate([corner, corner + HAND_PX]).astype(np.float32)
        landmarks = random.normal(0, 1, (2, 21, 3)).astype(np.float32)
        hands.append(Hand(f'h{number}', Handedness.LEFT, 1.0, box, 1.0, 1.0, *landmarks))
    return hands


def measure_ms(classifier: GestureClassifier, hands: list[Hand], frame: Frame) -> float:
    """Return the processor time of one call."""
    begun_ns = time.process_time_ns()
    classifier.classify(hands, frame)
    return (time.process_time_ns() - begun_ns) / 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else '')
    parser.add_argument('--rounds', type=int, default=200)
    parser.add_argument('--image', default='1280x720', metavar='WxH')
    arguments = parser.parse_args()
    width, height = map(int, arguments.image.split('x'))
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    frame = Frame(pixels, PixelOrder.BGR)
    with ExitStack() as stack:
        classifiers = [
            stack.enter_context(create_gesture_classifier(
                GestureClassifierOptions(model), SessionOptions(backend='onnxruntime')
            ))
            for model in MODELS
        ]
        print(f'{"hands":>5}' + ''.join(f'{model:>18}' for model in MODELS))
        for count in HANDS:
            hands = make_hands(count, width, height)
            times = np.array([
                [measure_ms(classifier, hands, frame) for classifier in classifiers]
                for _ in range(arguments.rounds)
            ])
            fast = np.sort(times, axis=0)[:max(1, arguments.rounds // 10)].mean(axis=0)
            print(f'{count:5}' + ''.join(f'{value:15.2f} ms' for value in fast))


if __name__ == '__main__':
    main()
