"""A source played to real nodes over DDS at its own pace, for latencies and dropped images."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.nodes.runner import choose_transport
from ros2_hand_action.replay.inputs import ReplayInput, open_input
from ros2_hand_action.replay.live_player import CLOCK, LivePlayer
from ros2_hand_action.replay.playback import describe_models
from ros2_hand_action.replay.processes import NodeProcess
from ros2_hand_action.replay.recorder import Recorder
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.replay import ReplayOptions
from ros2_hand_action.resources import config_path

_HAND_NODES, _BODY_NODES = ('hand_detector', 'gesture_classifier'), ('body_pose_estimator',)
_ACTION_NODES = ('action_recognizer',)
_START_TIMEOUT_S = 60.0
_SILENCE_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class LiveOptions:
    """What is played to which nodes, and how many seconds of it in a second."""

    replay: ReplayOptions
    rate: float = 1.0


def replay_live(
    path: Path,
    options: LiveOptions,
    *,
    folder: Path,
    on_frame: Callable[[], object] = lambda: None,
) -> ClipRecording:
    """Play one source to nodes in a process of their own, and write down what they answer.

    The nodes run on the time of the source (`use_sim_time`), all under a namespace of this
    process, the clock too, so that no robot obeys the people in a bag. A stamp that occurs twice
    counts once. Images are published as they are decoded.

    Parameters
    ----------
    path : Path
        As of `replay_source`.
    options : LiveOptions
    folder : Path
        For the log of the nodes.
    on_frame : callable
        Called for each image.

    Raises
    ------
    HandActionError
        If the source cannot be played, or nodes do not start, stop, or cannot work.
    """
    choose_transport()
    folder.mkdir(parents=True, exist_ok=True)
    namespace = f'hand_action_replay_{os.getpid()}'
    chosen = options.replay
    has_bodies = chosen.pipeline.has_bodies
    nodes = (
        *_HAND_NODES,
        *(_BODY_NODES if has_bodies else ()),
        *(_ACTION_NODES if chosen.pipeline.actions else ()),
    )
    arguments = [
        '--namespace', namespace, '--nodes', ','.join(nodes),
        '--params', str(chosen.pipeline.params or config_path('default.yaml')),
        '--param', 'use_sim_time:=true', '--remap', f'/clock:=/{namespace}/{CLOCK}',
    ]  # fmt: skip
    with (
        open_input(path, chosen.selection) as source,
        Recorder(namespace) as recorder,
        NodeProcess(arguments, folder / 'nodes.log') as process,
        LivePlayer(source, namespace, rate=options.rate) as player,
    ):
        source.wants_depth = has_bodies

        def check() -> None:
            process.check_running()
            failures = recorder.failures(nodes)
            if failures:
                raise HandActionError(f'{failures}\n{process.log_tail()}')
            if player.error is not None:
                raise HandActionError(f'{str(path)!r} cannot be played: {player.error}')

        recorder.sent_ns = player.sent_ns
        player.start(subscribers=2 + has_bodies)  # of hands, of bodies, and the recorder
        recorder.record(
            with_bodies=has_bodies,
            check=check,
            on_frame=on_frame,
            start_timeout_s=_START_TIMEOUT_S,
            silence_timeout_s=_SILENCE_TIMEOUT_S,
        )
        return _make_clip(path, source, recorder, player, nodes)


def _make_clip(
    path: Path,
    source: ReplayInput,
    recorder: Recorder,
    player: LivePlayer,
    nodes: tuple[str, ...],
) -> ClipRecording:
    return ClipRecording(
        name=source.name, shows='', source=str(path), licence='', video=path,
        width_px=player.size[0], height_px=player.size[1], fps=source.rate_hz,
        frames=recorder.numbered_frames(player.indices), events=recorder.events,
        action_events=recorder.action_events, stages=recorder.stages(nodes),
        selection=source.selection, problems=source.problems.texts(), damage=source.damage,
        labels=recorder.labels, action_labels=recorder.action_labels,
        models=describe_models(recorder),
    )  # fmt: skip
