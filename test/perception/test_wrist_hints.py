import numpy as np
import pytest
from bodies import FakeSession, camera, standing_body

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.perception.ssd import make_anchors
from ros2_hand_action.perception.stage_times import StageClock
from ros2_hand_action.perception.wrist_hints import WristFinder, hints_of_bodies

ANCHORS = make_anchors(224, ((8, 2), (16, 2), (32, 6)))
HIPS, HEAD = np.array([112, 150]), np.array([112, 70])
ARM = {16: (60, 100), 18: (40, 80), 20: (52, 80)}  # right wrist, pinky, index in the crop


class Session(FakeSession):
    """A network that returns what it is told."""

    def __init__(self, size, **outputs):
        super().__init__(size, {name: value.shape for name, value in outputs.items()})
        self._answers = outputs
        self.inputs_seen = []

    def see(self, image):
        self.inputs_seen.append(image)
        return self._answers


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
        landmarker = Session(
            256, landmarks=landmarks.ravel(), presence=np.ones(1),
            heatmaps=np.full((39, 64, 64), -9.0), world_landmarks=np.zeros(117),
        )
        return WristFinder(detector, landmarker), detector, landmarker

    return make


def make_body(x_m=0.0, confidence=0.9):
    points = standing_body() + (x_m, 0, 3.0)
    return Body(
        'p1', 1.0, np.zeros(4), camera().project(points), np.full(34, confidence), points
    )


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
    assert landmarker.images == 1


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


def test_a_body_has_a_hand_at_each_wrist():
    body = make_body()
    hints = hints_of_bodies([body])
    assert hints.regions_px.shape == (2, 4)
    np.testing.assert_allclose(hints.visibility, 0.9)
    for region, view, side in zip(hints.regions_px, hints.views_px, ('left', 'right')):
        wrist, index = (
            body.keypoints_px[INDEX[f'{side}_{part}']] for part in ('wrist', 'index_knuckle')
        )
        assert region[2] >= 3 * np.linalg.norm(index - wrist)
        assert np.linalg.norm(region[:2] - index) < 0.1 * region[2]
        np.testing.assert_allclose(view, [*region[:2], 2 * region[2], 0])


def test_a_hand_that_points_at_the_camera_has_a_region_of_a_hands_size():
    body = make_body()
    knuckles = [INDEX['left_pinky_knuckle'], INDEX['left_index_knuckle']]
    body.keypoints_px[knuckles] = body.keypoints_px[INDEX['left_wrist']]
    side_px = hints_of_bodies([body]).regions_px[0, 2]
    assert side_px == pytest.approx(0.28 * 550 / 3, rel=0.15)  # metres, focal length, distance


@pytest.mark.parametrize('bodies', [
    [], [make_body(confidence=0.0)], [make_body(confidence=0.2)],
])
def test_bodies_without_visible_wrists_give_no_hint(bodies):
    assert hints_of_bodies(bodies).regions_px.shape == (0, 4)


def test_an_unknown_wrist_gives_no_hint():
    body = make_body()
    for array in (body.keypoints_px, body.keypoints_m):
        array[INDEX['left_wrist']] = np.nan
    body.confidence[INDEX['left_wrist']] = 0
    assert len(hints_of_bodies([body, make_body(0.5)]).visibility) == 3
