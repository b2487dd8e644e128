"""A bag, video or folder of pictures through the nodes' perception, every image, in order."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.replay.frame_store import FrameWriter
from ros2_hand_action.replay.inputs import ReplayImage, ReplayInput, open_input
from ros2_hand_action.replay.pipeline import (
    BegunImage,
    Pipeline,
    PipelineOptions,
    PipelineResult,
)
from ros2_hand_action.replay.recording import (
    ClipRecording,
    RecordedActionEvent,
    RecordedEvent,
    RecordedFrame,
    Selection,
)
from ros2_hand_action.replay.results_bag import ResultsBag

OnFrame = Callable[[RecordedFrame, Frame | None], object]
"""Called for each image with its answers; without the image where it could not be used."""


_GAP_NS = 1_000_000_000


@dataclass(frozen=True)
class ReplayOptions:
    """What of a source is played, through what."""

    selection: Selection = field(default_factory=Selection)
    pipeline: PipelineOptions = field(default_factory=PipelineOptions)


def replay_source(
    path: Path,
    options: ReplayOptions | None = None,
    *,
    store: Path,
    bag: Path | None = None,
    on_frame: OnFrame = lambda *_: None,
) -> ClipRecording:
    """Play one source and return what was seen in it.

    The same source gives the same answers, in every run and process. Where the source is damaged,
    all before the damage is played; `ClipRecording.damage` says so.

    Parameters
    ----------
    path : Path
        A rosbag2 folder or file, a ROS 1 bag, a video, a picture or a folder of pictures.
    options : ReplayOptions, optional
    store : Path
        File for the frames, which is needed as long as the recording is used.
    bag : Path, optional
        Folder for the results as a bag, which is replaced.
    on_frame : callable
        See OnFrame.

    Raises
    ------
    MediaError
        If the source holds no image that can be played; says what it holds.
    ModelError
        If a network is missing.
    """
    options = options or ReplayOptions()
    with open_input(path, options.selection) as source, Pipeline(options.pipeline) as pipeline:
        source.wants_depth = options.pipeline.has_bodies
        frames = FrameWriter(store)
        player = _Player(pipeline, frames, on_frame)
        try:
            with ExitStack() as stack:
                if bag is not None:
                    results = ResultsBag(
                        bag, source=str(path), labels=pipeline.labels,
                        action_labels=pipeline.action_labels,
                    )  # fmt: skip
                    player.bag = stack.enter_context(results)
                player.play(source)
        finally:
            kept = frames.close()
        return ClipRecording(
            name=source.name, shows='', source=str(path), licence='', video=path,
            width_px=player.size[0], height_px=player.size[1], fps=source.rate_hz, frames=kept,
            events=tuple(player.events), action_events=tuple(player.action_events),
            selection=source.selection, problems=source.problems.texts(), damage=source.damage,
            labels=pipeline.labels, action_labels=pipeline.action_labels, models=pipeline.models,
        )  # fmt: skip


def _note_jump(source: ReplayInput, image: ReplayImage, before_ns: int | None) -> None:
    """Tell where stamps do not go on as those of a camera do."""
    if before_ns is None:
        return
    step_ns = image.stamp_ns - before_ns
    if step_ns < 0:
        source.problems.add('stamps went back: all tracks start anew', image.index)
    elif step_ns > _GAP_NS:
        source.problems.add('more than 1 s without an image: all gestures end', image.index)
    elif not step_ns:
        source.problems.add('stamps that occur twice: both images are answered', image.index)


class _Player:
    """Feeds the images of one source to a pipeline and keeps the answers."""

    def __init__(self, pipeline: Pipeline, frames: FrameWriter, on_frame: OnFrame) -> None:
        self._pipeline = pipeline
        self._frames = frames
        self._on_frame = on_frame
        self.bag: ResultsBag | None = None
        self.size = (0, 0)
        self.events: list[RecordedEvent] = []
        self.action_events: list[RecordedActionEvent] = []

    def play(self, source: ReplayInput) -> None:
        """Play all images, the bodies of the next one while the last one is completed."""
        before: tuple[ReplayImage, BegunImage | None] | None = None
        for image in source:
            _note_jump(source, image, before[0].stamp_ns if before else None)
            begun = None
            if image.frame is not None:
                begun = self._pipeline.begin(image.frame, image.camera, image.depth)
            if before is not None:
                self._complete(*before)
            before = image, begun
        if before is not None:
            self._complete(*before)
        rest = self._pipeline.reset()
        if self.bag is not None:
            self.bag.write_events(rest)
        self._add_events(rest)

    def _complete(self, image: ReplayImage, begun: BegunImage | None) -> None:
        if image.frame is None or begun is None:
            self._keep(RecordedFrame(image.index, image.stamp_ns), None)
            return
        if not any(self.size):
            self.size = (image.frame.width_px, image.frame.height_px)
        result = self._pipeline.complete(begun)
        if self.bag is not None:
            self.bag.write(image, result)
        self._add_events(result)
        self._keep(replace(result.frame, index=image.index), image.frame)

    def _keep(self, recorded: RecordedFrame, frame: Frame | None) -> None:
        self._frames.write(recorded)
        self._on_frame(recorded, frame)

    def _add_events(self, result: PipelineResult) -> None:
        self.events += [RecordedEvent(event) for event in result.events]
        self.action_events += [RecordedActionEvent(event) for event in result.action_events]
