"""Clips played to real nodes in processes of their own, and their answers recorded."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.catalogue import find_asset, load_media
from ros2_hand_action.nodes.runner import choose_transport
from ros2_hand_action.replay.clips import HEIGHT_PX, WIDTH_PX, DemoClip
from ros2_hand_action.replay.processes import NodeProcess
from ros2_hand_action.replay.recorder import Recorder
from ros2_hand_action.replay.recording import ClipRecording, Recording
from ros2_hand_action.replay.system import describe_system
from ros2_hand_action.resources import config_path

HAND_NODES = ('hand_detector', 'gesture_classifier', 'overlay')
"""In one process, as on a robot; the overlay costs nothing until somebody looks at it."""

BODY_NODES = ('body_pose_estimator', 'action_recognizer')
"""In a process of their own, so that Python lets them work beside the others; only while clips
with whole people are played."""

_START_TIMEOUT_S = 60.0
_SILENCE_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class PreparedClip:
    """A clip as a video file, ready to be played."""

    clip: DemoClip
    video: Path
    frame_count: int
    fps: float


def record_clips(
    clips: Sequence[PreparedClip],
    folder: Path,
    *,
    gesture_model: str | None = None,
    on_clip: Callable[[PreparedClip], object] = lambda _: None,
    on_frame: Callable[[], object] = lambda: None,
) -> Recording:
    """Play clips one after the other and write down what the nodes answer.

    Topics are under a namespace of this process, so that no robot obeys the people in the clips.

    Parameters
    ----------
    clips : Sequence[PreparedClip]
    folder : Path
        For the nodes' parameters and logs.
    gesture_model : str, optional
        Instead of the one in config/default.yaml.
    on_clip, on_frame : callable
        Called before each clip, and for each image.

    Raises
    ------
    HandActionError
        If nodes do not start, stop, or cannot work; with the end of their log.
    """
    choose_transport()
    namespace = f'hand_action_demo_{os.getpid()}'
    # hands and bodies get a core each where there are two
    changes: dict[str, dict[str, object]] = {'hand_detector': {'threads': 1}}
    if gesture_model:
        changes['gesture_classifier'] = {'model': gesture_model}
    params = write_params(folder / 'nodes.yaml', changes)
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(namespace))
        bodies = stack.enter_context(ExitStack())
        hands = stack.enter_context(_start(HAND_NODES, namespace, params))
        running = [hands]
        recorded = []
        for clip in clips:
            on_clip(clip)
            if clip.clip.has_people and len(running) == 1:
                running.append(bodies.enter_context(_start(BODY_NODES, namespace, params)))
            elif not clip.clip.has_people:
                bodies.close()
                running = [hands]
            recorded.append(_record_clip(clip, recorder, running, namespace, on_frame))
        system = describe_system(describe_models(recorder))
        return Recording(tuple(recorded), recorder.labels, system, recorder.action_labels)


def _start(nodes: Sequence[str], namespace: str, params: Path) -> NodeProcess:
    arguments = ['--namespace', namespace, '--nodes', ','.join(nodes), '--params', str(params)]
    return NodeProcess(arguments, params.with_name(f'{nodes[0]}.log'))


def write_params(path: Path, changes: Mapping[str, Mapping[str, object]]) -> Path:
    """Write config/default.yaml with other values, by node and parameter."""
    content = yaml.safe_load(config_path('default.yaml').read_text())
    for node, values in changes.items():
        content[f'/**/{node}']['ros__parameters'].update(values)
    path.write_text(yaml.safe_dump(content))
    return path


def _record_clip(
    prepared: PreparedClip,
    recorder: Recorder,
    running: Sequence[NodeProcess],
    namespace: str,
    on_frame: Callable[[], object],
) -> ClipRecording:
    """Play one clip by a video source that lives as long as the clip."""
    nodes = (*HAND_NODES, *BODY_NODES) if prepared.clip.has_people else HAND_NODES
    lookers = len(running) + 1  # of each process one node looks at images, and the recorder
    values = {'source': str(prepared.video), 'wait_for_subscribers': lookers}
    params = write_params(prepared.video.with_suffix('.yaml'), {'video_source': values})
    arguments = [
        '--namespace', namespace, '--nodes', 'video_source', '--exit-at-end',
        '--params', str(params),
    ]  # fmt: skip
    with NodeProcess(arguments, prepared.video.with_suffix('.log')) as source:

        def check() -> None:
            for process in running:
                process.check_running()
            source.check_not_failed()
            failures = recorder.failures(nodes)
            if failures:
                tails = '\n'.join(process.log_tail() for process in running)
                raise HandActionError(f'{failures}\n{tails}')

        recorder.record(
            with_bodies=prepared.clip.has_people,
            check=check,
            on_frame=on_frame,
            start_timeout_s=_START_TIMEOUT_S,
            silence_timeout_s=_SILENCE_TIMEOUT_S,
        )
    asset = find_asset(load_media(), prepared.clip.media)
    return ClipRecording(
        name=asset.name,
        shows=asset.about,
        source=str(asset.package),
        licence=asset.licence,
        video=prepared.video,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        fps=prepared.fps,
        frames=recorder.frames(prepared.frame_count, prepared.fps),
        events=recorder.events,
        action_events=recorder.action_events,
        stages=recorder.stages(nodes),
    )


def describe_models(recorder: Recorder) -> dict[str, str]:
    """Return node -> its model and back end, as it reports them."""
    found = {}
    for name, status in recorder.statuses.items():
        values = {pair.key: pair.value for pair in status.values}
        parts = [values[key] for key in ('model', 'back end') if values.get(key)]
        if parts:
            found[name] = ', '.join(parts)
    return found
