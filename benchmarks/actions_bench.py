"""The recogniser of actions on poses: real walks, what changes its mind, time, late falls.

Usage: actions_bench.py [DIR], DIR as `hand-action actions train` takes it; without it only the
videos (those of config/media.yaml, fetched) are looked at and the time is measured.
"""

import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm
from walk_score import WALKS_S, Moment, find_walker, score_walk

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
from ros2_hand_action.perception.records import ActionEvent, Phase
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
_EACH = 8
"""Sequences of each source and label that are played with changes."""
CHANGES = {
    'mirror': PlayOptions(mirror=True), 'twice the size': PlayOptions(scale=2),
    '15 Hz': PlayOptions(rate_hz=15), '60 Hz': PlayOptions(rate_hz=60),
    '20 % dropped': PlayOptions(dropped=0.2),
}

OTHER_VIDEOS = (
    'jumping_jacks', 'rooftop_dance', 'balancing_cam01', 'balancing_cam02', 'balancing_cam03',
    'balancing_cam04',
)


def _keep_every(count: int, *, step: int, first: int) -> range:
    return range(first, count, step)


def _keep_half(count: int, *, seed: int) -> list[int]:
    return np.flatnonzero(np.random.default_rng(seed).random(count) < 0.5).tolist()


_THINNED: dict[str, Callable[[int], Sequence[int]]] = {
    **{f'every second image from {k}': partial(_keep_every, step=2, first=k) for k in range(2)},
    **{f'every third image from {k}': partial(_keep_every, step=3, first=k) for k in range(3)},
    **{f'half of the images, seed {k}': partial(_keep_half, seed=k) for k in range(4)},
}
"""Which images are looked at, of how many."""


def main() -> None:
    """Print everything."""
    with create_pose_action_recognizer() as recognizer:
        for name in (*WALKS_S, *OTHER_VIDEOS):
            print(_look_at_video(name, recognizer), flush=True)
        for name, (how, thin) in itertools.product(WALKS_S, _THINNED.items()):
            print(f'{how}, ', end='')
            print(_look_at_video(name, recognizer, thin), flush=True)
        if len(sys.argv) > 1:
            folder = Path(sys.argv[1])
            _print_changes(_choose(folder), recognizer)
            _print_latency(read_falls(folder / 'upfall3d.npz'), recognizer)


def _look_at_video(
    name: str, recognizer: PoseActionRecognizer, thin: Callable[[int], Sequence[int]] = range
) -> str:
    """Return lines on what is named in a video, of which some images are looked at."""
    recognizer.reset()
    machine, watch = ActionEventMachine(), StanceWatch()
    events: list[ActionEvent] = []
    labels: list[str] = []
    moments: list[Moment] = []
    times_s = []
    with create_body_pose_tracker() as tracker:
        frames = list(_read_video(name))
        for place in tqdm(thin(len(frames)), desc=name, file=sys.stderr):
            frame = frames[place]
            bodies = tracker.process(frame).bodies
            start_s = time.process_time()
            actions = recognizer.process(bodies, stamp_ns=frame.stamp_ns)
            if actions:
                times_s.append((time.process_time() - start_s) / len(actions))
            stances = watch.update(bodies, stamp_ns=frame.stamp_ns)
            events += machine.process(
                actions, stamp_ns=frame.stamp_ns, labels=recognizer.labels, stances=stances
            )
            actions = machine.withhold_falls(
                actions, labels=recognizer.labels, stances=stances
            )
            walker = find_walker(bodies, frame.height_px)
            named = {action.body_id: action.label for action in actions}
            labels += named.values()
            moments.append(Moment(
                frame.stamp_ns / _SECOND_NS, frame.stamp_ns, walker, named.get(walker, '')
            ))
    started = [f'{e.body_id} {e.label}' for e in events if e.phase is Phase.STARTED]
    lines = [f'{name}: started {started}, falls {labels.count(FALL)} of '
             f'{len(labels)} labels; {1000 * np.median(times_s):.2f} ms of processor time per '
             f'person and image (p95 {1000 * np.percentile(times_s, 95):.2f})']
    if name in WALKS_S:
        lines.append(score_walk(name, moments, events))
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


def _print_latency(falls: Sequence[PoseSequence], recognizer: PoseActionRecognizer) -> None:
    """Print how long after the floor is reached a fall's event starts."""
    for what, least_drop in (('all', -np.inf), ('head sinks by half and more', 0.5)):
        latencies_s, count = [], 0
        for sequence in falls:
            contact_s = _find_contact(sequence, least_drop)
            if contact_s is None:
                continue
            count += 1
            for event in _play_events(_hold_last(sequence), recognizer):
                if event.phase is Phase.STARTED and event.label == FALL:
                    latencies_s.append(event.stamp_ns / _SECOND_NS - 1 - contact_s)
                    break
        print(f'falls, {what}: event in {len(latencies_s)} of {count}, after contact with the '
              f'floor: median {np.median(latencies_s):.2f} s, 90 % '
              f'{np.percentile(latencies_s, 90):.2f} s')


def _hold_last(sequence: PoseSequence) -> PoseSequence:
    """Return a sequence whose last pose stays for a second: many end right after the fall."""
    added = 30
    later_s = sequence.stamps_s[-1] + np.arange(1, added + 1) / added
    return replace(
        sequence, stamps_s=np.concatenate([sequence.stamps_s, later_s]),
        joints=np.concatenate([sequence.joints, np.repeat(sequence.joints[-1:], added, axis=0)]),
        active=np.concatenate([sequence.active, np.repeat(sequence.active[-1:], added)]),
    )


def _find_contact(sequence: PoseSequence, least_drop: float) -> float | None:
    """Return when the head is nearly as low as it will be, None where no fall is in view.

    `least_drop`: how far it must sink, as a part of its height above the feet.
    """
    if sequence.action != 'fall' or sequence.stamps_s[-1] - sequence.stamps_s[0] < _CLIP_S:
        return None
    head = sequence.joints[:, 0, 1]
    drop = np.median(head[-5:]) - head[0]
    if drop < least_drop * (sequence.joints[:5, 11:13, 1].mean() - head[0]):
        return None
    low = head[0] + 0.9 * drop
    return float(sequence.stamps_s[np.argmax(head >= low)])


def _play_events(
    sequence: PoseSequence, recognizer: PoseActionRecognizer
) -> Iterable[ActionEvent]:
    recognizer.reset()
    machine, watch = ActionEventMachine(), StanceWatch()
    for stamp_ns, body in make_bodies(sequence):
        actions = recognizer.process([body], stamp_ns=stamp_ns)
        yield from machine.process(
            actions, stamp_ns=stamp_ns, labels=recognizer.labels,
            stances=watch.update([body], stamp_ns=stamp_ns),
        )


if __name__ == '__main__':
    main()
