"""How soon several small people are tracked at once in a stream.

Cut-outs of the pictures of pose_ground_truth.py, six people of one height, lie on a grey image of
640x480, each image with noise of its own. A person counts while a tracked body's hips lie near
the true ones.

Usage: body_crowd.py TRUTH.json
"""

import sys
from pathlib import Path

import numpy as np
from body_reach import SIZE_PX, reduce_picture
from tqdm import tqdm

from ros2_hand_action.perception.body_pose import BodyPoseTracker, create_body_pose_tracker
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.training.pose_dataset import PoseEntry, read_pose_dataset

HEIGHTS_PX = (180, 120, 90, 75, 60)
PEOPLE, SCENES = 6, 3
IMAGES, STEP_NS = 121, 33_333_333
_TOLD_AT = (30, 60, 120)
_MARGIN = 0.3
"""Room around the joints in a cut-out, in body heights."""
_HIT = 0.15
"""A body's hips this near to the true ones, in body heights, are that person's."""
_NOISE, _GREY = 2.0, 114


def main() -> None:
    """Print how many are tracked by height and time."""
    dataset = read_pose_dataset(Path(sys.argv[1]))
    hips = [dataset.joints.index(f'{side}_hip') for side in ('left', 'right')]
    with create_body_pose_tracker() as tracker:
        for height_px in HEIGHTS_PX:
            found = np.zeros(IMAGES)
            for seed in tqdm(range(SCENES), f'{height_px} px', file=sys.stderr):
                generator = np.random.default_rng(seed)
                chosen = generator.choice(len(dataset.entries), PEOPLE, replace=False)
                image, hips_px = _compose(
                    [dataset.entries[place] for place in chosen], hips, height_px, generator
                )
                found += _follow(tracker, image, hips_px, height_px, generator)
            shares = ', '.join(
                f'{100 * found[image] / (SCENES * PEOPLE):.0f} % after {image / 30:.0f} s'
                for image in _TOLD_AT
            )
            print(f'{height_px} px: {shares}', flush=True)


def _compose(
    entries: list[PoseEntry], hips: list[int], height_px: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return an image with these people, three in each of two rows, and their hips (n, 2)."""
    image = np.full((SIZE_PX[1], SIZE_PX[0], 3), _GREY, np.uint8)
    cell_px = np.array(SIZE_PX) // (PEOPLE // 2, 2)
    hips_px = []
    for place, entry in enumerate(entries):
        cutout, points_px = _cut_out(entry, height_px, cell_px)
        size_px = np.array(cutout.shape[1::-1])
        corner = cell_px * (place % (PEOPLE // 2), place // (PEOPLE // 2))
        corner = corner + generator.integers(0, cell_px - size_px + 1)
        (left, top), (right, bottom) = corner, corner + size_px
        image[top:bottom, left:right] = cutout
        hips_px.append(points_px[hips].mean(axis=0) + corner)
    return image, np.array(hips_px)


def _cut_out(
    entry: PoseEntry, height_px: int, room_px: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the person, no larger than the room, and where its joints (k, 2) are."""
    small, points = reduce_picture(entry, height_px)
    margin = _MARGIN * height_px
    low = np.clip(points.min(axis=0) - margin, 0, None).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + margin).astype(int), low + room_px)
    return small[low[1]:high[1], low[0]:high[0]], points - low


def _follow(
    tracker: BodyPoseTracker,
    image: np.ndarray,
    hips_px: np.ndarray,
    height_px: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return how many of the people (IMAGES,) are tracked in each image."""
    tracker.reset()
    counts, noise = [], np.float32(generator.normal(0, _NOISE, image.shape))
    for index in range(IMAGES):
        noisy = np.clip(image + np.roll(noise, 17 * index), 0, 255)
        frame = Frame(noisy.astype(np.uint8), PixelOrder.BGR, (index + 1) * STEP_NS)
        bodies = tracker.process(frame).bodies
        places = np.reshape([body.keypoints_px[INDEX['pelvis']] for body in bodies], (-1, 2))
        gaps = np.linalg.norm(hips_px[:, None] - places[None], axis=2)
        counts.append(int((gaps < _HIT * height_px).any(axis=1).sum()))
    return np.array(counts)


if __name__ == '__main__':
    main()
