"""The recogniser of actions on poses: real walks, what changes its mind, time, late falls.

Usage: actions_bench.py [DIR], DIR as `hand-action actions train` takes it; without it only the
videos are looked at and the time is measured.
"""

import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.action_events import ActionEventMachine
from ros2_hand_action.perception.action_pose import (
    PoseActionRecognizer,
    create_pose_action_recognizer,
)
from ros2_hand_action.perception.action_stance import StanceWatch
from ros2_hand_action.perception.body_pose import create_body_pose_tracker
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.labels import FALL
from ros2_hand_action.perception.records import ActionEvent, Body, Phase
from ros2_hand_action.training.action_falls import read_falls
from ros2_hand_action.training.action_playback import (
    PlayOptions,
    compare_labels,
    make_bodies,
    play,
)
from ros2_hand_action.training.action_sequences import (
    PoseSequence,
    read_jhmdb,
    read_kard,
    read_utd,
)

_SECOND_NS = 1_000_000_000
_CLIP_S = 1.27
_ALL = slice(None)
_EACH = 8
"""Sequences of each source and label that are played with changes."""
CHANGES = {
    'mirror': PlayOptions(mirror=True), 'twice the size': PlayOptions(scale=2),
    '15 Hz': PlayOptions(rate_hz=15), '60 Hz': PlayOptions(rate_hz=60),
    '20 % dropped': PlayOptions(dropped=0.2),
}


WALKS_S = {
    'walking_woman': ((2.0, 6.2),),  # a man on a roof is above her; he jumps down later
    # One step backwards at a time, with pauses.
    'walking_man': ((0.55, 2.1), (2.9, 4.7), (5.3, 6.6), (7.3, 9.0), (10.1, 12.4)),
}
"""When the person lowest in the image walks, as somebody who watched the video noted."""
OTHER_VIDEOS = ('jumping_jacks',)


def main() -> None:
    """Print everything."""
    with create_pose_action_recognizer() as recognizer:
        for name in (*WALKS_S, *OTHER_VIDEOS):
            print(_look_at_video(name, recognizer), flush=True)
        for name, first in itertools.product(WALKS_S, (0, 1)):
            thinned = slice(first, None, 2)
            print(f'every second image from {first}, ', end='')
            print(_look_at_video(name, recognizer, thinned), flush=True)
        if len(sys.argv) > 1:
            folder = Path(sys.argv[1])
            _print_changes(_choose(folder), recognizer)
            _print_latency(read_falls(folder / 'upfall3d.npz'), recognizer)


def _look_at_video(
    name: str, recognizer: PoseActionRecognizer, images: slice = _ALL
) -> str:
    """Return lines on what is named in a video, of which some images are looked at."""
    recognizer.reset()
    machine, watch = ActionEventMachine(), StanceWatch()
    events: list[ActionEvent] = []
    labels: list[tuple[int, bool, str]] = []
    times_s = []
    with create_body_pose_tracker() as tracker:
        for frame in tqdm(list(_read_video(name))[images], desc=name, file=sys.stderr):
            bodies = tracker.process(frame).bodies
            start_s = time.process_time()
            actions = recognizer.process(bodies, stamp_ns=frame.stamp_ns)
            if actions:
                times_s.append((time.process_time() - start_s) / len(actions))
            events += machine.process(
                actions, stamp_ns=frame.stamp_ns, labels=recognizer.labels,
                stances=watch.update(bodies, stamp_ns=frame.stamp_ns),
            )
            walker = find_walker(bodies, frame.height_px)
            labels += [
                (frame.stamp_ns, action.body_id == walker, action.label) for action in actions
            ]
    started = [f'{e.body_id} {e.label}' for e in events if e.phase is Phase.STARTED]
    lines = [f'{name}: started {started}, falls {sum(label == FALL for *_, label in labels)} of '
             f'{len(labels)} labels; {1000 * np.median(times_s):.2f} ms of processor time per '
             f'person and image (p95 {1000 * np.percentile(times_s, 95):.2f})']
    if name in WALKS_S:
        lines.append(score_walk(WALKS_S[name], labels))
    return '\n'.join(lines)


def _read_video(name: str) -> Iterable[Frame]:
    capture = cv2.VideoCapture(str(media_path(name)))
    rate_hz, number = capture.get(cv2.CAP_PROP_FPS), 0
    while True:
        is_read, pixels = capture.read()
        if not is_read:
            return
        yield Frame(pixels, PixelOrder.BGR, round(number / rate_hz * _SECOND_NS) + 1)
        number += 1


def find_walker(bodies: Sequence[Body], height_px: int) -> str:
    """Return the id of the body lowest in the image, '' where none reaches its lower half."""
    low = [body for body in bodies if body.box_px[3] > height_px / 2]  # not the man on the roof
    return max(low, key=lambda body: body.box_px[3]).track_id if low else ''


def score_walk(
    walks_s: Sequence[tuple[float, float]], labels: Sequence[tuple[int, bool, str]]
) -> str:
    """Return how often (stamp in the video, whether of the one who walks, label) was walk."""
    clips, moments = [], []
    for stamp_ns, is_walker, label in labels:
        if not is_walker:
            continue
        times_s = stamp_ns / _SECOND_NS - np.linspace(0, _CLIP_S, 60)
        walking = np.array([any(a <= t <= b for a, b in walks_s) for t in times_s])
        if walking[times_s >= 0].mean() >= 0.5:
            clips.append(label == 'walk')
        if walking[0]:
            moments.append(label == 'walk')
    return (f'  walk: {100 * np.mean(clips):.0f} % of {len(clips)} clips that show walking for '
            f'half of their time or more, {100 * np.mean(moments):.0f} % of {len(moments)} '
            'images in which the person walks')


def _choose(folder: Path) -> list[PoseSequence]:
    sequences = [
        *read_jhmdb(folder / 'jhmdb_split1_train.npz'), *read_utd(folder / 'utd_mhad.npz'),
        *read_kard(folder / 'kard.npz'),
    ]
    groups: dict[tuple[str, str], list[PoseSequence]] = {}
    for sequence in sequences:
        groups.setdefault((sequence.source, sequence.label), []).append(sequence)
    random = np.random.default_rng(0)
    return [
        group[place] for group in groups.values()
        for place in random.permutation(len(group))[:_EACH]
    ]


def _print_changes(sequences: Sequence[PoseSequence], recognizer: PoseActionRecognizer) -> None:
    counts = {name: Counter[str]() for name in CHANGES}
    for sequence in tqdm(sequences, desc='changes', file=sys.stderr):
        reference = play(sequence, recognizer)
        for name, options in CHANGES.items():
            changed, count = compare_labels(reference, play(sequence, recognizer, options))
            counts[name].update(changed=changed, count=count)
    for name, result in counts.items():
        print(f'{name}: another label for {100 * result["changed"] / result["count"]:.1f} % of '
              f'{result["count"]} clips')


def _print_latency(falls: Iterable[PoseSequence], recognizer: PoseActionRecognizer) -> None:
    """Print how long after the floor is reached a fall's event starts."""
    latencies_s, count = [], 0
    for sequence in falls:
        contact_s = _find_contact(sequence)
        if contact_s is None:
            continue
        count += 1
        for event in _play_events(sequence, recognizer):
            if event.phase is Phase.STARTED and event.label == FALL:
                latencies_s.append(event.stamp_ns / _SECOND_NS - 1 - contact_s)
                break
    print(f'falls: event in {len(latencies_s)} of {count}, after contact with the floor: median '
          f'{np.median(latencies_s):.2f} s, 90 % {np.percentile(latencies_s, 90):.2f} s')


def _find_contact(sequence: PoseSequence) -> float | None:
    """Return when the head is nearly as low as it will be, None where no fall is in view."""
    if sequence.action != 'fall' or sequence.stamps_s[-1] - sequence.stamps_s[0] < _CLIP_S:
        return None
    head = sequence.joints[:, 0, 1]
    low = head[0] + 0.9 * (np.median(head[-5:]) - head[0])
    return float(sequence.stamps_s[np.argmax(head >= low)])


def _play_events(
    sequence: PoseSequence, recognizer: PoseActionRecognizer
) -> Iterable[ActionEvent]:
    recognizer.reset()
    machine = ActionEventMachine()
    for stamp_ns, body in make_bodies(sequence):
        actions = recognizer.process([body], stamp_ns=stamp_ns)
        yield from machine.process(actions, stamp_ns=stamp_ns, labels=recognizer.labels)


if __name__ == '__main__':
    main()
