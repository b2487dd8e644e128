"""A known human body, seen by a known camera, and networks that see it without error."""

from dataclasses import dataclass

import cv2
import numpy as np

from ros2_hand_action.inference.session import TensorSpec, check_feeds
from ros2_hand_action.perception.camera import CameraModel, make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.lifting import _ENDS, _JOINTS, _LENGTHS
from ros2_hand_action.perception.skeleton import BLAZEPOSE, INDEX, KEYPOINTS, from_blazepose

FLOAT = np.dtype(np.float32)
K = (550.0, 0, 320.0, 0, 550.0, 240.0, 0, 0, 1)


def camera(width: int = 640, height: int = 480) -> CameraModel:
    return make_camera(image_size=(width, height), k=K)


def standing_body(height_m: float = 1.7) -> np.ndarray:
    """Return a standing person (34, 3) facing the camera, pelvis at the origin, y down.

    Its limbs have exactly the proportions that the lifting assumes.
    """
    lengths = {}
    for (first, second), length in zip(_ENDS, _LENGTHS * height_m):
        names = (KEYPOINTS[_JOINTS[first]], KEYPOINTS[_JOINTS[second]])
        lengths[names] = length
    shoulders = lengths['left_shoulder', 'right_shoulder'] / 2
    hips = lengths['left_hip', 'right_hip'] / 2
    side = lengths['left_shoulder', 'left_hip']
    trunk = np.sqrt(side**2 - (shoulders - hips) ** 2)
    points = np.full((34, 3), np.nan)
    for sign, name in ((1, 'left'), (-1, 'right')):  # the person's left is at the image's right
        hip = np.array([sign * hips, 0, 0])
        shoulder = np.array([sign * shoulders, -trunk, 0])
        knee = hip + (0, lengths[f'{name}_hip', f'{name}_knee'], 0)
        elbow = shoulder + lengths[f'{name}_shoulder', f'{name}_elbow'] * np.array(
            [0.6 * sign, 0.64, -0.48])
        wrist = elbow + lengths[f'{name}_elbow', f'{name}_wrist'] * np.array(
            [0.0, -0.6, -0.8])
        ankle = knee + lengths[f'{name}_knee', f'{name}_ankle'] * np.array([0, 0.96, 0.28])
        for joint, place in (
            ('hip', hip), ('shoulder', shoulder), ('knee', knee), ('elbow', elbow),
            ('wrist', wrist), ('ankle', ankle), ('heel', ankle + (0, 0.05, 0.04)),
            ('big_toe', ankle + (0, 0.06, -0.14)),
            ('small_toe', ankle + (sign * 0.05, 0.06, -0.1)),
            ('eye', (sign * 0.03, -trunk - 0.22, -0.08)),
            ('ear', (sign * 0.07, -trunk - 0.2, 0.0)),
            ('index_knuckle', wrist + (0, -0.06, -0.06)),
            ('pinky_knuckle', wrist + (sign * 0.04, -0.05, -0.05)),
            ('thumb_tip', wrist + (-sign * 0.04, -0.05, -0.06)),
            ('middle_tip', wrist + (0, -0.1, -0.12)),
        ):
            points[INDEX[f'{name}_{joint}']] = place
    points[INDEX['nose']] = (0, -trunk - 0.18, -0.11)
    points[INDEX['pelvis']] = (points[1] + points[2]) / 2
    points[INDEX['neck']] = (points[20] + points[21]) / 2
    points[INDEX['torso']] = (points[0] + points[6]) / 2
    return points


def as_blazepose(points: np.ndarray) -> np.ndarray:
    """Return keypoints (34, d) as BlazePose's landmarks (33, d)."""
    order = np.arange(33.0)[:, None]
    kept, _ = from_blazepose(order, np.ones(33))
    landmarks = np.repeat(points[INDEX['nose']][None], 33, axis=0)
    for index, source in enumerate(kept[:, 0]):
        if np.isfinite(source) and KEYPOINTS[index] not in ('pelvis', 'neck', 'torso'):
            landmarks[int(source)] = points[index]
    assert len(BLAZEPOSE) == 33
    return landmarks


@dataclass
class Disc:
    """A person: a white disc at the hips, a fifth of the circle around the body in radius."""

    x: float
    y: float
    radius: float = 20.0


# A standing body in radii of the circle around it, x right, y down.
FIGURE = as_blazepose(standing_body(1.7))[:, :2]
FIGURE = FIGURE / np.abs(FIGURE).max()


def picture(discs: list[Disc], stamp_ns: int, size: tuple[int, int] = (640, 480)) -> Frame:
    pixels = np.zeros((size[1], size[0]), np.uint8)
    for disc in discs:
        cv2.circle(pixels, (round(disc.x), round(disc.y)), round(disc.radius), 255, -1)
    return Frame(pixels, PixelOrder.MONO, stamp_ns)


def find_discs(image: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Return centre and radius of the bright discs of a network's input (3, h, w)."""
    mask = (image[0] > 0.3).astype(np.uint8)
    count, _, boxes, centers = cv2.connectedComponentsWithStats(mask)
    return [
        (centers[i] + 0.5, float(np.sqrt(boxes[i, cv2.CC_STAT_AREA] / np.pi)))
        for i in range(1, count) if boxes[i, cv2.CC_STAT_AREA] > 8
    ]


class FakeSession:
    """Base of the fake networks: counts its images."""

    description = 'fake'

    def __init__(self, side: int, outputs: dict[str, tuple[int, ...]]) -> None:
        self.inputs = (TensorSpec('image', (None, 3, side, side), FLOAT),)
        self.outputs = tuple(TensorSpec(k, (None, *v), FLOAT) for k, v in outputs.items())
        self.images = 0
        self.is_closed = False

    def run(self, feeds):
        check_feeds(self.inputs, feeds)
        self.images += len(feeds['image'])
        seen = [self.see(image) for image in feeds['image']]
        return {
            spec.name: np.stack([one[spec.name] for one in seen]).astype(np.float32)
            for spec in self.outputs
        }

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class DiscDetector(FakeSession):
    """Gives the disc's place as middle of the hips to the anchor nearest to it."""

    def __init__(self) -> None:
        super().__init__(224, {'boxes': (2254, 12), 'scores': (2254, 1)})

    def see(self, image):
        from ros2_hand_action.perception.body_detection import ANCHORS

        anchors = ANCHORS
        boxes, scores = np.zeros((2254, 12)), np.full((2254, 1), -9.0)
        for center, radius in find_discs((image + 1) / 2):
            index = int(np.argmin(np.linalg.norm(anchors - center, axis=1)))
            rim = center - (0, 5 * radius)
            face = center - (0, 4 * radius)
            values = [face - anchors[index], (radius, radius), center - anchors[index],
                      rim - anchors[index]]
            boxes[index, :8] = np.concatenate(values)
            scores[index] = 3.0
        return {'boxes': boxes, 'scores': scores}


class DiscLandmarks(FakeSession):
    """Draws FIGURE around the disc nearest to the middle of the region."""

    def __init__(self) -> None:
        super().__init__(256, {
            'landmarks': (195,), 'presence': (1,), 'heatmaps': (39, 64, 64),
            'world_landmarks': (117,),
        })
        self.is_mirrored = False

    def see(self, image):
        discs = find_discs(image)
        landmarks, world = np.full((39, 5), 9.0), np.zeros((39, 3))
        presence = 0.0
        if discs:
            center, radius = min(discs, key=lambda disc: np.linalg.norm(disc[0] - 128))
            presence = float(np.linalg.norm(center - 128) < 90)
            figure = FIGURE * (-1, 1) if self.is_mirrored else FIGURE
            landmarks[:33, :2] = center + 5 * radius * figure
            landmarks[33, :2], landmarks[34, :2] = center, center - (0, 5 * radius)
            world[:33] = as_blazepose(standing_body(1.6))
        return {
            'landmarks': landmarks.ravel(), 'presence': [presence],
            'heatmaps': np.full((39, 64, 64), -9.0), 'world_landmarks': world.ravel(),
        }
