"""How small a person the body detector still finds, in the whole image and in tiles.

The pictures of pose_ground_truth.py are reduced and put somewhere into 640x480.

Usage: body_reach.py TRUTH.json
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ros2_hand_action.inference import create_session
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.body_detection import BodyDetector
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hand_search import tile_views, whole_frame_view
from ros2_hand_action.training.pose_dataset import PoseEntry, read_pose_dataset

HEIGHTS_PX = (300, 200, 150, 100, 75, 50)
SIZE_PX = (640, 480)
EVERY = 4
_HEIGHT_OF_JOINTS = 1.22
"""Body height over the span from shoulders to ankles."""
_HIT = 0.25
"""A find this near to the hips, in body heights, is that person."""


def main() -> None:
    """Print recall by height."""
    dataset = read_pose_dataset(Path(sys.argv[1]))
    hips = [dataset.joints.index(f'{side}_hip') for side in ('left', 'right')]
    entries = dataset.entries[::EVERY]
    detector = BodyDetector(create_session(model_path('pose_detection')))
    for height_px in HEIGHTS_PX:
        found = np.zeros(3)
        for seed, entry in enumerate(tqdm(entries, f'{height_px} px', file=sys.stderr)):
            pixels, points_px = _shrink(entry, height_px, seed)
            frame = Frame(pixels, PixelOrder.BGR)
            views = (whole_frame_view(frame), tile_views(frame, 1 / 2), tile_views(frame, 1 / 3))
            for place, view in enumerate(views):
                centers = detector.detect(frame, view).regions_px[:, :2]
                gaps = np.linalg.norm(centers - points_px[hips].mean(axis=0), axis=1)
                found[place] += bool((gaps < _HIT * height_px).any())
        recall = ', '.join(
            f'{name} {100 * count / len(entries):.0f} %'
            for name, count in zip(('whole', 'tiles of 1/2', 'tiles of 1/3'), found)
        )
        print(f'{height_px} px: {recall}', flush=True)


def reduce_picture(entry: PoseEntry, height_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture, the person in it so tall, and where the joints (k, 2) are."""
    pixels = cv2.imread(str(entry.image))
    if pixels is None:
        raise SystemExit(f'cannot read the picture {str(entry.image)!r}')
    camera = make_camera(
        image_size=(pixels.shape[1], pixels.shape[0]), k=entry.k, d=entry.d
    )
    points = camera.project(entry.joints_m)
    scale = height_px / (_HEIGHT_OF_JOINTS * float(np.ptp(points[:, 1])))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small, points * scale


def _shrink(entry: PoseEntry, height_px: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of SIZE_PX with the person so tall, and where its joints (k, 2) are."""
    small, points = reduce_picture(entry, height_px)
    generator = np.random.default_rng(seed)
    corner, pads = np.zeros(2, int), []
    for axis, (length, room) in enumerate(zip(small.shape[1::-1], SIZE_PX)):
        middle = points[:, axis].mean()
        corner[axis] = int(np.clip(middle - room / 2, 0, max(length - room, 0)))
        before = int(generator.integers(0, max(room - length, 0) + 1))
        pads.append((before, max(room - length - before, 0)))
    left, top = corner
    cut = small[top:top + SIZE_PX[1], left:left + SIZE_PX[0]]
    padded = cv2.copyMakeBorder(cut, *pads[1], *pads[0], cv2.BORDER_REPLICATE)
    return padded, points - corner + (pads[0][0], pads[1][0])


if __name__ == '__main__':
    main()
