"""Real images of a hand through real processes over DDS, one of which is killed."""

import itertools
import os
import signal
import time

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import Twist
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.perception.frame import PixelOrder
from ros2_hand_action.replay.processes import NodeProcess

NAME = '/gesture_commander'
PERIOD_S = 1 / 15
DEADLINE_S = 60.0
TWO_X_PX = slice(112, 192)
"""Columns of the photo that show the hand with two fingers."""

MAP = """
safety: {timeout_s: 0.5}
control: {policy: nearest}
velocity:
  limits: {linear: {x: 0.5}}
  acceleration: {linear: {x: 10}}
  keep_zero: true
commands:
  - {name: forward, when: {gesture: two}, velocity: {linear: {x: 0.5}}}
"""


@pytest.fixture
def hand_image(hand_models) -> np.ndarray:
    try:
        photo = cv2.imread(str(media_path('five_hands')))
    except HandActionError as error:
        pytest.skip(str(error))
    crop = cv2.resize(photo[:, TWO_X_PX], None, fx=2, fy=2)
    image = np.full((480, 640, 3), np.median(photo, axis=(0, 1)), np.uint8)
    image[: len(crop), 240:240 + crop.shape[1]] = crop
    return image


class Camera:
    """Publishes a hand, or an image without one, stamped now."""

    def __init__(self, probe, image: np.ndarray) -> None:
        self._publisher = probe.publisher(Image, 'image')
        self._images = {True: image, False: np.full_like(image, 128)}

    def send(self, *, hand: bool) -> None:
        header = Header(stamp=stamp_from_ns(time.time_ns()), frame_id='camera')
        self._publisher.publish(image_message(self._images[hand], PixelOrder.BGR, header))

    def show_until(self, condition, what: str) -> None:
        """Show the hand for three seconds and take it away for one, until something comes."""
        end_s = time.monotonic() + DEADLINE_S
        for index in itertools.count():
            if condition():
                return
            assert time.monotonic() < end_s, f'missing: {what}'
            self.send(hand=index % 60 < 45)
            time.sleep(PERIOD_S)  # the rate of the camera


def test_robot_stops_when_the_camera_freezes_and_when_the_nodes_are_killed(
    probe, hand_image, tmp_path
):
    path = tmp_path / 'map.yaml'
    path.write_text(MAP)
    velocities = probe.listen(Twist, 'cmd_vel')
    camera = Camera(probe, hand_image)

    def moves() -> bool:
        return bool(velocities) and velocities[-1].linear.x == 0.5

    def stands() -> bool:
        return velocities[-1].linear.x == 0.0

    perception = ('--nodes', 'hand_detector,gesture_classifier')
    commander = ('--nodes', 'gesture_commander', '--commands', str(path))
    with NodeProcess(perception, tmp_path / 'a.log') as nodes:
        with NodeProcess(commander, tmp_path / 'b.log'):
            camera.show_until(moves, 'motion')
            probe.wait(stands, 'a stop without images')
            camera.show_until(moves, 'motion after the camera froze')
            os.kill(nodes.pid, signal.SIGKILL)
            probe.wait(stands, 'a stop without the nodes that see')
            for _ in range(10):
                camera.send(hand=True)
            probe.wait_for_value(NAME, 'state', 'no fresh images')
            assert stands()
