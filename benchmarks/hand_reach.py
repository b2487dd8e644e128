"""How far away hands are found in a stream, with and without the wrists of tracked bodies.

Pictures of people with a hand raised are reduced, so that the hand is as large as at 2, 4 and
6 m, and put somewhere into 640x480; a second of such images, each with noise of its own, is a
stream. The bodies come from the same images through the body tracker, one image late, as between
nodes.

Distance: focal length of FOCAL_PX times the hand's size in metres over that in pixels, both from
the landmark network in the picture as it is: its metric landmarks are those of an adult's hand.

Usage: hand_reach.py FOLDER [EVERY], by default every fifth picture.
"""

import sys
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from ros2_hand_action.perception.body_pose import BodyPoseTracker, create_body_pose_tracker
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hands import (
    HandTracker,
    HandTrackerOptions,
    create_hand_detector,
    create_hand_tracker,
)
from ros2_hand_action.perception.records import Body, Hand
from ros2_hand_action.perception.regions import box_iou

DISTANCES_M = (2, 4, 6)
FOCAL_PX = 554.0  # 640 pixels over 60 degrees
SIZE_PX = (640, 480)
IMAGES, STEP_NS = 30, 33_333_333
_WRIST_VIEWS = (0, HandTrackerOptions().wrist_views)
_NOISE = 2.0
_GREY = (114, 114, 114)
_SAME_IOU = 0.3


class Tally(NamedTuple):
    """What a tracker made of one stream."""

    first_found: list[int]
    """For each true hand, the image from which on it was tracked; IMAGES = not at the end."""
    false_alarms: int
    seconds: list[float]


def main() -> None:
    """Print hands found by distance."""
    files = sorted(Path(sys.argv[1]).glob('*.jpg'))[::int(sys.argv[2]) if sys.argv[2:] else 5]
    with create_hand_detector() as detector:
        pictures = [
            (pixels, hands) for pixels in map(_read, tqdm(files, 'hands', file=sys.stderr))
            if (hands := detector.detect(Frame(pixels, PixelOrder.BGR)))
        ]
    trackers = {
        views: create_hand_tracker(HandTrackerOptions(wrist_views=views)) for views in _WRIST_VIEWS
    }
    with create_body_pose_tracker() as body_tracker:
        for distance_m in DISTANCES_M:
            _compare(pictures, distance_m, body_tracker, trackers)


def _compare(
    pictures: list[tuple[np.ndarray, tuple[Hand, ...]]],
    distance_m: float,
    body_tracker: BodyPoseTracker,
    trackers: dict[int, HandTracker],
) -> None:
    """Print what each tracker finds at this distance."""
    tallies: dict[int, list[Tally]] = {views: [] for views in trackers}
    with_body = []
    for seed, (pixels, hands) in enumerate(tqdm(pictures, f'{distance_m} m', file=sys.stderr)):
        stream, boxes_px = _make_stream(pixels, hands, distance_m, seed)
        bodies = _follow_bodies(body_tracker, stream)
        with_body.append(bool(bodies[-1]))
        for views, tracker in trackers.items():
            tallies[views].append(_follow_hands(tracker, stream, bodies, boxes_px))
    print(f'{distance_m} m: bodies tracked in {100 * np.mean(with_body):.0f} % of the streams')
    for views, rows in tallies.items():
        beside = [row for row, has_body in zip(rows, with_body, strict=True) if has_body]
        print(f'  {views} wrist views: {_describe(rows)}; beside a body: {_count(beside)}',
              flush=True)


def _read(file: Path) -> np.ndarray:
    pixels = cv2.imread(str(file))
    if pixels is None:
        raise SystemExit(f'cannot read the picture {str(file)!r}')
    return pixels


def _distance_m(hand: Hand) -> float:
    """Return how far away a camera of FOCAL_PX would be."""
    spread_m, spread_px = (
        np.sqrt(points[:, :2].var(axis=0).sum())
        for points in (hand.landmarks_m, hand.landmarks_px)
    )
    return float(FOCAL_PX * spread_m / spread_px)


def _make_stream(
    pixels: np.ndarray, hands: tuple[Hand, ...], distance_m: float, seed: int
) -> tuple[list[Frame], np.ndarray]:
    """Return images in which the surest hand is so far away, and the boxes of all (n, 4)."""
    generator = np.random.default_rng(seed)
    scale = _distance_m(hands[0]) / distance_m
    # no larger than the image: people who are too near are farther away than asked for
    scale = min(scale, *(size / side for size, side in zip(SIZE_PX, pixels.shape[1::-1])))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    left, top = (int(generator.integers(0, room - side + 1))
                 for room, side in zip(SIZE_PX, (width, height)))
    image = cv2.copyMakeBorder(
        small, top, SIZE_PX[1] - top - height, left, SIZE_PX[0] - left - width,
        cv2.BORDER_CONSTANT, value=_GREY,
    )
    stream, noise = [], np.float32(generator.normal(0, _NOISE, image.shape))
    for index in range(IMAGES):
        noisy = np.clip(image + np.roll(noise, 17 * index), 0, 255).astype(np.uint8)
        stream.append(Frame(noisy, PixelOrder.BGR, (index + 1) * STEP_NS))
    boxes = np.array([hand.box_px for hand in hands]) * scale + (left, top, left, top)
    return stream, boxes


def _follow_bodies(tracker: BodyPoseTracker, stream: list[Frame]) -> list[tuple[Body, ...]]:
    """Return the bodies that are known when each image comes."""
    tracker.reset()
    bodies: list[tuple[Body, ...]] = [()]
    bodies += [tracker.process(frame).bodies for frame in stream]
    return bodies[:-1]


def _follow_hands(
    tracker: HandTracker,
    stream: list[Frame],
    bodies: list[tuple[Body, ...]],
    boxes_px: np.ndarray,
) -> Tally:
    first_found, seconds = [IMAGES] * len(boxes_px), []
    tracker.reset()
    for index, (frame, known) in enumerate(zip(stream, bodies, strict=True)):
        start_s = time.perf_counter()
        hands = tracker.process(frame, known).hands
        seconds.append(time.perf_counter() - start_s)
        found = np.reshape([hand.box_px for hand in hands], (-1, 4))
        same = box_iou(boxes_px, found) > _SAME_IOU
        for place, hits in enumerate(same):
            first_found[place] = min(first_found[place], index) if hits.any() else IMAGES
    return Tally(first_found, int(np.sum(~same.any(axis=0))), seconds)


def _count(rows: list[Tally]) -> str:
    """Return how many of the hands were tracked at the end."""
    is_found = [first < IMAGES for row in rows for first in row.first_found]
    return f'{sum(is_found)} of {len(is_found)} hands ({100 * np.mean(is_found):.0f} %)'


def _describe(rows: list[Tally]) -> str:
    first = np.concatenate([row.first_found for row in rows])
    waits_s = first[first < IMAGES] * STEP_NS * 1e-9
    times_ms = 1000 * np.concatenate([row.seconds for row in rows])
    return (
        f'{_count(rows)}, after '
        f'{np.mean(waits_s):.2f} s (mean), {sum(row.false_alarms for row in rows)} false alarms, '
        f'{np.median(times_ms):.1f} ms an image (p95 {np.percentile(times_ms, 95):.1f})'
    )


if __name__ == '__main__':
    main()
