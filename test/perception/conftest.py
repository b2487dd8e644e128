"""A world of coloured discs, and networks that see a hand in each disc."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.session import TensorSpec, check_feeds
from ros2_hand_action.perception.egohands import make_egohands_anchors
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.regions import box_iou

RIGHT, LEFT = (255, 0, 0), (0, 0, 255)
FLOAT = np.dtype(np.float32)
PALM_ANCHORS = np.concatenate([
    np.repeat(
        np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2), count, axis=0
    )
    for places, count in ((np.arange(4, 192, 8), 2), (np.arange(8, 192, 16), 6))
])

EGOHANDS_ANCHORS = make_egohands_anchors()
EGOHANDS_CORNERS = EGOHANDS_ANCHORS[:, [0, 1, 0, 1]] + np.concatenate(
    [-EGOHANDS_ANCHORS[:, 2:], EGOHANDS_ANCHORS[:, 2:]], axis=1
) / 2

# Joints of an upright hand around the middle of its disc, in radii: wrist, thumb, four fingers.
TEMPLATE = np.array(
    [(0, 1), (0.5, 0.8), (0.7, 0.5), (0.9, 0.3), (1, 0.1)]
    + [(x, y) for x in (0.5, 0, -0.5, -0.8) for y in (0, -0.4, -0.7, -1)]
)


@dataclass
class Disc:
    """A hand: where it is, in pixels, how large, and whether it is a right one."""

    x: float
    y: float
    radius: float = 30.0
    is_right: bool = True


class DiscNetwork:
    """Base of the two networks: finds discs by their colour and counts its calls."""

    def __init__(self, size: int, outputs: dict[str, tuple[int, ...]]) -> None:
        self.inputs = (TensorSpec('image', (None, 3, size, size), FLOAT),)
        self.outputs = tuple(
            TensorSpec(name, (None, *shape), FLOAT) for name, shape in outputs.items()
        )
        self.description = 'discs'
        self.images = 0
        self.is_closed = False

    def run(self, feeds):
        if self.is_closed:
            raise ModelError('closed')
        check_feeds(self.inputs, feeds)
        self.images += len(feeds['image'])
        seen = [self.see(image) for image in feeds['image']]
        return {
            spec.name: np.stack([one[spec.name] for one in seen]).astype(np.float32)
            for spec in self.outputs
        }

    def warm_up(self):
        self.run({'image': np.zeros((1, *self.inputs[0].shape[1:]), np.float32)})

    def close(self):
        self.is_closed = True


class DiscPalms(DiscNetwork):
    """Finds discs of 4 to 40 pixels radius in its input."""

    def __init__(self):
        super().__init__(192, {'boxes': (2016, 18), 'scores': (2016, 1)})

    def see(self, image):
        boxes, scores = np.zeros((2016, 18)), np.full((2016, 1), -100.0)
        for x, y, radius, _ in find_discs(image):
            if 4 <= radius <= 40:
                anchor = int(np.hypot(*(PALM_ANCHORS - (x, y)).T).argmin())
                middle = np.array((x, y)) - PALM_ANCHORS[anchor]
                points = [(0, 1), (0.5, 0), (0, 0), (-0.5, 0), (-0.8, 0), (0.5, 0.8), (0.7, 0.5)]
                boxes[anchor, :4] = (*middle, 1.2 * radius, 1.2 * radius)
                boxes[anchor, 1] += 0.5 * radius  # the palm is the lower part of the hand
                boxes[anchor, 4:] = (middle + radius * np.array(points)).ravel()
                scores[anchor] = 4.0
        return {'boxes': boxes, 'scores': scores}


class DiscBoxes(DiscNetwork):
    """Puts a box on each disc of its input, as the EgoHands network writes them."""

    def __init__(self):
        super().__init__(300, {'boxes': (1917, 4), 'scores': (1917, 2)})
        self.lowest, self.highest = np.inf, -np.inf

    def see(self, image):
        self.lowest = min(self.lowest, image.min())
        self.highest = max(self.highest, image.max())
        boxes, scores = np.zeros((1917, 4)), np.full((1917, 2), -9.0)
        for x, y, radius, _ in find_discs((image + 1) / 2):
            box = np.array([[x - radius, y - radius, x + radius, y + radius]])
            overlaps = box_iou(EGOHANDS_CORNERS, box)[:, 0]
            for anchor in np.argsort(-overlaps)[:2]:  # two anchors see one disc
                center, sides = EGOHANDS_ANCHORS[anchor, :2], EGOHANDS_ANCHORS[anchor, 2:]
                shift = 10 * ((x, y) - center) / sides
                growth = 5 * np.log(2 * radius / sides)
                boxes[anchor] = (*shift[::-1], *growth[::-1])
                scores[anchor, 1] = 4.0
        return {'boxes': boxes, 'scores': scores}


class DiscLandmarks(DiscNetwork):
    """Puts a hand on the disc nearest to the middle of its input."""

    def __init__(self):
        super().__init__(224, {
            'landmarks': (63,), 'presence': (1,), 'handedness': (1,), 'world_landmarks': (63,),
        })

    def see(self, image):
        discs = find_discs(image)
        points, presence, right = np.zeros((21, 3)), 0.0, 0.5
        if discs:
            x, y, radius, is_right = min(discs, key=lambda d: np.hypot(d[0] - 112, d[1] - 112))
            points[:, :2] = (x, y) + radius * TEMPLATE
            presence = 0.99 if radius > 8 else 0.0
            right = 0.95 if is_right else 0.05
        world = np.concatenate([TEMPLATE * 0.05, np.zeros((21, 1))], axis=1)
        return {
            'landmarks': points.ravel(), 'presence': np.array([presence]),
            'handedness': np.array([right]), 'world_landmarks': world.ravel(),
        }


def find_discs(image):
    """Return x, y, radius, is_right of each disc in a network's input (3, side, side)."""
    found = []
    for channel, is_right in ((0, True), (2, False)):
        mask = (image[channel] > 0.5) & (image[1] < 0.5)
        _, _, stats, centers = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        for (_, _, width, height, area), center in zip(stats[1:], centers[1:], strict=True):
            if area > 20:
                found.append((*(center + 0.5), max(width, height) / 2, is_right))
    return found


@pytest.fixture
def disc_palms():
    return DiscPalms()


@pytest.fixture
def disc_boxes():
    return DiscBoxes()


@pytest.fixture
def disc_landmarks():
    return DiscLandmarks()


@pytest.fixture
def disc():
    return Disc


@pytest.fixture
def draw_discs():
    """Return a function that paints discs, later ones in front, into a read-only frame."""

    def draw(*discs, stamp_ns=0, size=(640, 480), order=PixelOrder.RGB):
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        for one in discs:
            color = RIGHT if one.is_right else LEFT
            color = color[::-1] if order is PixelOrder.BGR else color
            center, radius = (round(one.x), round(one.y)), round(one.radius)
            cv2.circle(pixels, center, radius + 5, (0, 0, 0), -1)  # an outline parts two discs
            cv2.circle(pixels, center, radius, color, -1)
        pixels.flags.writeable = False
        return Frame(pixels, order, stamp_ns)

    return draw
