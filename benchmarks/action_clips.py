"""What recognising actions on clips of images costs: seconds of processor time, one thread.

    hand-action models fetch i3d_kinetics_400 i3d_kinetics_400_t32
    python benchmarks/action_clips.py
"""

import time
from collections.abc import Callable

import cv2
import numpy as np

from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.i3d import IMAGES, I3dOptions, create_i3d
from ros2_hand_action.perception.image_clips import ImageClipOptions, ImageClipRecognizer
from ros2_hand_action.perception.optical_flow import DisFlow, flow_images

_ROUNDS = 7


def measure_ms(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Return the median of the processor time of a call, after one that does not count."""
    work()
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return 1e3 * float(np.median(times))


def measure_i3d(pixels: np.ndarray, images: int) -> None:
    """Print what a clip costs, and what taking an image does."""
    clip = [np.roll(pixels, 2 * shift, axis=1) for shift in range(images)]
    stamps = iter(range(0, 10**12, 33_333_333))
    with create_i3d(I3dOptions(images=images), SessionOptions(threads=1)) as network:
        recognizer = ImageClipRecognizer(network, ImageClipOptions(whole_image=True))

        def collect() -> None:
            frame = Frame(pixels, PixelOrder.BGR, next(stamps))
            recognizer.collect([], stamp_ns=frame.stamp_ns, frame=frame)

        print(f'I3D, {images} images: {measure_ms(lambda: network.classify([clip])):.0f} ms')
        print(f'taking an image of 640x480: {measure_ms(collect, 200):.2f} ms')


def measure_flow(pixels: np.ndarray, size: tuple[int, int]) -> None:
    """Print what the optical flow of ActionRecognitionNet's clip costs."""
    flow = DisFlow()
    clip = [cv2.resize(np.roll(pixels, 2 * shift, axis=1), size) for shift in range(33)]
    cost = measure_ms(lambda: flow_images(flow, clip))
    print(f'optical flow of 32 pairs of {size[0]}x{size[1]}: {cost:.0f} ms')


def main() -> None:
    """Print the figures."""
    cv2.setNumThreads(1)
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    pixels = cv2.GaussianBlur(noise, (0, 0), 5)
    for images in IMAGES:
        measure_i3d(pixels, images)
    for size in ((320, 240), (480, 360)):
        measure_flow(pixels, size)


if __name__ == '__main__':
    main()
