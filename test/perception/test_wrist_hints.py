import numpy as np
import pytest

from ros2_hand_action.inference.session import TensorSpec
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.ssd import make_anchors
from ros2_hand_action.perception.stage_times import StageClock
from ros2_hand_action.perception.wrist_hints import WristFinder

FLOAT = np.dtype(np.float32)
ANCHORS = make_anchors(224, ((8, 2), (16, 2), (32, 6)))
HIPS, HEAD = np.array([112, 150]), np.array([112, 70])
ARM = {16: (60, 100), 18: (40, 80), 20: (52, 80)}  # right wrist, pinky, index in the crop


class Session:
    """A network that returns what it is told."""

    description = 'told'

    def __init__(self, size, **outputs):
        self.inputs = (TensorSpec('image', (None, 3, size, size), FLOAT),)
        self.outputs = tuple(
            TensorSpec(name, (None, *value.shape), FLOAT) for name, value in outputs.items()
        )
        self._answers = outputs
        self.inputs_seen = []

    def run(self, feeds):
        self.inputs_seen.append(feeds['image'])
        return {
            name: np.repeat(value[None], len(feeds['image']), axis=0).astype(np.float32)
            for name, value in self._answers.items()
        }


@pytest.fixture
def make_finder():
    def make(*, persons=1, visibility=8.0):
        boxes, scores = np.zeros((2254, 12)), np.full((2254, 1), -50.0)
        anchor = int(np.hypot(*(ANCHORS - 112).T).argmin())
        for place in range(persons):
            boxes[anchor + place, 2:4] = 60
            boxes[anchor + place, 4:8] = np.concatenate([HIPS, HEAD]) - np.tile(
                ANCHORS[anchor + place], 2
            )
            scores[anchor + place] = 3
        landmarks = np.full((39, 5), -8.0)
        for index, place in ARM.items():
            landmarks[index] = (*place, 0, visibility, 8)
        detector = Session(224, boxes=boxes, scores=scores)
        landmarker = Session(256, landmarks=landmarks.ravel(), presence=np.ones(1))
        return WristFinder(detector, landmarker), detector, landmarker

    return make


def frame(width=448, height=448):
    return Frame(np.full((height, width, 3), 90, np.uint8), PixelOrder.RGB)


def test_the_visible_hand_is_where_the_arm_ends(make_finder):
    hints = make_finder()[0].find(frame(), StageClock())
    # The person's region: 2.5 x 160 pixels around the hips at (224, 300).
    scale, corner = 400 / 256, np.array([224, 300]) - 200
    knuckles = corner + scale * np.array([(2 * 52 + 40) / 3, 80])
    wrist = corner + scale * np.array([60, 100])
    assert hints.regions_px.shape == (1, 4)
    np.testing.assert_allclose(hints.regions_px[0, :2], knuckles, rtol=1e-5)
    np.testing.assert_allclose(
        hints.regions_px[0, 2], 3.3 * np.linalg.norm(knuckles - wrist), rtol=1e-5
    )
    up = knuckles - wrist
    assert hints.regions_px[0, 3] == pytest.approx(np.arctan2(up[0], -up[1]), abs=1e-5)
    assert hints.visibility[0] > 0.99


def test_hidden_hands_give_no_hint(make_finder):
    assert len(make_finder(visibility=-3.0)[0].find(frame(), StageClock()).visibility) == 0


def test_one_person_is_found_once(make_finder):
    finder, _, landmarker = make_finder(persons=2)
    finder.find(frame(), StageClock())
    assert len(landmarker.inputs_seen[0]) == 1


def test_without_people_there_are_no_hints(make_finder):
    finder, _, landmarker = make_finder(persons=0)
    hints = finder.find(frame(1, 1), StageClock())
    assert hints.regions_px.shape == (0, 4) and len(hints.visibility) == 0
    assert not landmarker.inputs_seen


def test_networks_get_their_own_ranges(make_finder):
    finder, detector, landmarker = make_finder()
    finder.find(frame(), StageClock())
    value = 90 / 255
    assert detector.inputs_seen[0].max() == pytest.approx(2 * value - 1, abs=1e-5)
    assert landmarker.inputs_seen[0].max() == pytest.approx(value, abs=1e-5)
