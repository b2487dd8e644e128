"""A simulated world: hands before a camera, the real event detector, the real commander, a robot.

Time is virtual: nothing here waits.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ros2_hand_action.commanding.commander import Commander
from ros2_hand_action.commanding.decisions import Decision, Firing, State
from ros2_hand_action.commanding.map_file import load_command_map
from ros2_hand_action.commanding.stamps import Now
from ros2_hand_action.perception.events import GestureEventDetector
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.perception.records import Body, Gesture, Hand, Handedness
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.resources import config_path

MS = 1_000_000
START_NS = 1_700_000_000 * 1_000_000_000
WIDTH_PX, HEIGHT_PX = 640, 480
TICK_MS = 10
EXAMPLE = config_path('commands.yaml')


@dataclass
class Shown:
    """A hand before the camera, as it is now."""

    hand_id: str
    label: str = NONE
    x_px: float = 320.0
    y_px: float = 240.0
    size_px: float = 60.0
    handedness: Handedness = Handedness.RIGHT
    body_id: str = ''
    score: float = 0.95


@dataclass
class Robot:
    """A differential drive that does at once what it is told."""

    x_m: float = 0.0
    y_m: float = 0.0
    heading_rad: float = 0.0
    path: list[tuple[float, float]] = field(default_factory=list)

    def move(self, decision: Decision, dt_s: float) -> None:
        self.heading_rad += decision.velocity.angular_z * dt_s
        step_m = decision.velocity.linear_x * dt_s
        self.x_m += step_m * math.cos(self.heading_rad)
        self.y_m += step_m * math.sin(self.heading_rad)
        self.path.append((self.x_m, self.y_m))


class World:
    """Steps camera, detector, commander and robot together.

    `hands` and `bodies` are what the camera sees. `camera_runs`, `stamp_offset_ms` and so on are
    the faults.
    """

    def __init__(self, path: Path = EXAMPLE, person_id: str = '') -> None:
        self.commander = Commander(load_command_map(path), person_id)
        self.robot = Robot()
        self.events = GestureEventDetector()
        self.hands: dict[str, Shown] = {}
        self.bodies: list[Body] = []
        self.time_ms = 0
        self.period_ms, self.latency_ms = 33, 20
        self.camera_runs = self.classifier_runs = True
        self.stamp_offset_ms = 0
        self.clock_offset_ms = 0
        self.frozen_stamp_ns: int | None = None
        self.twin: tuple[int, list[Shown] | None] | None = None  # later by ms, hands it sees
        self.labels: tuple[str, ...] = GESTURES
        self.fired: list[Firing] = []
        self.decisions: list[tuple[int, Decision]] = []
        self._sent: list[tuple[int, Any]] = []
        self._next_image_ms = 0

    @property
    def now(self) -> Now:
        ros_ns = START_NS + (self.time_ms + self.clock_offset_ms) * MS
        return Now(ros_ns, self.time_ms * MS)

    @property
    def decision(self) -> Decision:
        return self.decisions[-1][1]

    @property
    def is_moving(self) -> bool:
        return not self.decision.velocity.is_zero

    def show(self, hand_id: str, label: str = NONE, **place: Any) -> None:
        """Let a hand show a gesture from now on."""
        before = self.hands.get(hand_id, Shown(hand_id))
        self.hands[hand_id] = replace(before, label=label, **place)

    def glide(self, hand_id: str, x_px: float) -> None:
        """Let a hand go to the side as fast as hands do."""
        while abs(self.hands[hand_id].x_px - x_px) > 1.0:
            here_px = self.hands[hand_id].x_px
            self.show(
                hand_id, self.hands[hand_id].label,
                x_px=here_px + min(max(x_px - here_px, -5.0), 5.0),
            )
            self.run(TICK_MS / 1000)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_ms = self.time_ms + round(seconds * 1000)
        while self.time_ms < end_ms:
            if self.camera_runs and self.time_ms >= self._next_image_ms:
                self._next_image_ms = self.time_ms + self.period_ms
                image = self._photograph()
                self._sent.append((self.time_ms + self.latency_ms, image))
                if self.twin is not None:  # another publisher on the same topics
                    later_ms, seen = self.twin
                    stamp_ns, hands, bodies = image
                    other = (stamp_ns + later_ms * MS, hands if seen is None else seen, bodies)
                    self._sent.append((self.time_ms + self.latency_ms, other))
            while self._sent and self._sent[0][0] <= self.time_ms:
                self._deliver(*self._sent.pop(0)[1])
            decision = self.commander.tick(self.now)
            self.decisions.append((self.time_ms, decision))
            self.robot.move(decision, TICK_MS / 1000)
            self.time_ms += TICK_MS

    def run_until_moving(self, seconds: float = 2.0) -> None:
        end_ms = self.time_ms + seconds * 1000
        while self.time_ms < end_ms:
            self.run(TICK_MS / 1000)
            if self.is_moving:
                return
        raise AssertionError(f'did not move: {self.decision}')

    def stopped_after_ms(self, since_ms: int) -> int:
        """Return the time from `since_ms` until the robot stood still for good."""
        moving = [when for when, each in self.decisions if not each.velocity.is_zero]
        return max(moving, default=since_ms) + TICK_MS - since_ms

    def claim(self, hand_id: str = 'h1', **place: Any) -> None:
        """Let a hand claim control."""
        self.show(hand_id, 'thumbs_up', **place)
        self.run(1.0)
        assert self.decision.state is State.READY, self.decision

    def drive(self, label: str = 'fist', hand_id: str = 'h1', **place: Any) -> None:
        """Claim control and move."""
        self.claim(hand_id, **place)
        self.show(hand_id, label)
        self.run_until_moving()
        self.run(0.5)
        assert self.is_moving

    def _photograph(self) -> tuple[int, list[Shown], list[Body]]:
        stamp_ns = START_NS + (self.time_ms + self.stamp_offset_ms) * MS
        if self.frozen_stamp_ns is not None:
            stamp_ns = self.frozen_stamp_ns
        return stamp_ns, [replace(each) for each in self.hands.values()], list(self.bodies)

    def _deliver(self, stamp_ns: int, shown: list[Shown], bodies: list[Body]) -> None:
        if not self.classifier_runs:
            return
        body_ids = {each.hand_id: each.body_id for each in shown}
        self.commander.observe_bodies(bodies, stamp_ns=stamp_ns)
        self.commander.observe_hands(
            [_hand(each) for each in shown],
            stamp_ns=stamp_ns, body_ids=body_ids, width_px=WIDTH_PX,
        )
        gestures = [_gesture(each, self.labels) for each in shown]
        known = list({each.hand_id: each for each in gestures}.values())
        for event in self.events.process(known, stamp_ns, self.labels, body_ids):
            self.fired += self.commander.observe_event(event, self.now)
        self.fired += self.commander.observe_gestures(
            gestures, labels=self.labels, stamp_ns=stamp_ns, now=self.now
        )


def _hand(shown: Shown) -> Hand:
    half = shown.size_px / 2
    landmarks_px = np.zeros((21, 3), np.float32)
    landmarks_px[:, :2] = shown.x_px, shown.y_px
    return Hand(
        track_id=shown.hand_id,
        handedness=shown.handedness,
        handedness_score=0.95,
        box_px=np.array(
            (shown.x_px - half, shown.y_px - half, shown.x_px + half, shown.y_px + half),
            np.float32,
        ),
        score=0.9,
        presence=0.9,
        landmarks_px=landmarks_px,
        landmarks_m=np.zeros((21, 3), np.float32),
    )


def _gesture(shown: Shown, labels: tuple[str, ...]) -> Gesture:
    rest = (1 - shown.score) / (len(labels) - 1)
    probabilities = np.full(len(labels), rest, np.float32)
    probabilities[labels.index(shown.label)] = shown.score
    return Gesture(shown.hand_id, shown.handedness, shown.label, shown.score, probabilities)


def make_person(body_id: str, distance_m: float, shoulder_y_px: float = 200.0) -> Body:
    """Return a body of which the trunk is known."""
    keypoints_px = np.full((34, 2), np.nan, np.float32)
    keypoints_m = np.full((34, 3), np.nan, np.float32)
    for name in ('left_shoulder', 'right_shoulder'):
        keypoints_px[INDEX[name]] = 320.0, shoulder_y_px
    for name in ('pelvis', 'neck'):
        keypoints_m[INDEX[name]] = 0.0, 0.0, distance_m
    confidence = np.isfinite(keypoints_m[:, 0]).astype(np.float32)
    box_px = np.array((200.0, 100.0, 440.0, 470.0), np.float32)
    return Body(body_id, 0.9, box_px, keypoints_px, confidence, keypoints_m)
