"""The answers to a source as a bag: rosbag2, mcap, with all that a player or viewer needs."""

import shutil
from pathlib import Path
from typing import NamedTuple

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.frames import body_frames, hand_frames
from ros2_hand_action.replay.inputs import ReplayImage
from ros2_hand_action.replay.mcap_writer import METADATA_VERSION, McapBagWriter
from ros2_hand_action.replay.pipeline import PipelineResult
from ros2_hand_action.replay.results_messages import (
    TF_MESSAGE,
    MessageHeader,
    MessageWriter,
    make_typestore,
    type_name,
)

_ENDLESS = QosTime(0, 0)


class _Topic(NamedTuple):
    """A topic of the results: its name, type, and the depth of its queue."""

    name: str
    type: str
    depth: int


TOPICS = {
    'hands': _Topic('/hands', type_name('HandArray'), 5),
    'gestures': _Topic('/gestures', type_name('GestureArray'), 5),
    'gesture_events': _Topic('/gesture_events', type_name('GestureEvent'), 50),
    'bodies': _Topic('/bodies', type_name('BodyPoseArray'), 5),
    'actions': _Topic('/actions', type_name('ActionArray'), 5),
    'action_events': _Topic('/action_events', type_name('ActionEvent'), 50),
    'tf': _Topic('/tf', TF_MESSAGE, 100),
}
"""As in nodes/topics.py, which needs ROS."""


class ResultsBag:
    """Writes the results of one source; a context manager.

    Messages have the times at which the images were recorded, so that both bags can be played
    together. The folder appears when all is written.

    Parameters
    ----------
    path : Path
        Folder, which is replaced.
    source : str
        What was replayed, which the bag names in its metadata.
    labels, action_labels : tuple of str
        In the order of the probabilities.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: str,
        labels: tuple[str, ...],
        action_labels: tuple[str, ...] = (),
    ) -> None:
        self._path = path
        self._part = part_path(path)
        self._labels, self._action_labels = labels, action_labels
        self._messages = MessageWriter()
        self._types = make_typestore()
        self._connections: dict[str, Connection] = {}
        self._frame_id, self._log_ns = '', 0
        try:
            shutil.rmtree(self._part, ignore_errors=True)
            inner = self._part / path.name  # its name is that of the file in it
            self._writer = McapBagWriter(
                inner, version=METADATA_VERSION, storage_plugin=StoragePlugin.MCAP
            )
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
            self._writer.set_custom_data('source', source)
            self._writer.open()
        except OSError as error:
            raise MediaError(f'cannot write {str(path)!r}: {error}') from error
        for kind in ('hands', 'gestures', 'gesture_events'):
            self._connect(kind)

    def write(self, image: ReplayImage, result: PipelineResult) -> None:
        """Append the answers to an image."""
        frame = image.frame
        if frame is None:
            return
        self._log_ns, self._frame_id = image.log_ns, image.frame_id
        header = MessageHeader(image.stamp_ns, image.frame_id)
        recorded, size = result.frame, (frame.width_px, frame.height_px)
        ids, write = recorded.body_ids, self._messages
        self.write_events(result)
        if recorded.bodies is not None:
            self._append('bodies', write.bodies(recorded.bodies, header, image_size=size))
        self._append(
            'hands', write.hands(recorded.hands or (), header, image_size=size, body_ids=ids)
        )
        self._append(
            'gestures',
            write.gestures(recorded.gestures or (), header, labels=self._labels, body_ids=ids),
        )
        if recorded.actions is not None:
            labels = self._action_labels
            self._append('actions', write.actions(recorded.actions, header, labels=labels))
        self._write_frames(image, result, header)

    def write_events(self, result: PipelineResult) -> None:
        """Append events alone, as those after the last image."""
        write = self._messages
        for event in result.events:
            self._append('gesture_events', write.gesture_event(event, self._frame_id))
        for action_event in result.action_events:
            self._append('action_events', write.action_event(action_event, self._frame_id))

    def close(self) -> None:
        """Finish the bag and put it in its place."""
        try:
            self._writer.close()
            shutil.rmtree(self._path, ignore_errors=True)
            (self._part / self._path.name).replace(self._path)
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    def __enter__(self) -> 'ResultsBag':
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.abort()
            shutil.rmtree(self._part, ignore_errors=True)

    def _write_frames(
        self, image: ReplayImage, result: PipelineResult, header: MessageHeader
    ) -> None:
        """Append the frames of TF, as the nodes publish them where bodies run."""
        bodies = result.frame.bodies
        if bodies is None or not header.frame_id:
            return
        frames = body_frames(bodies)
        if result.camera is not None:
            frames += hand_frames(result.frame.hands or (), result.camera)
        if frames:
            self._append('tf', self._messages.frames(frames, header))

    def _append(self, kind: str, data: bytes) -> None:
        connection = self._connections.get(kind) or self._connect(kind)
        self._writer.write(connection, self._log_ns, data)

    def _connect(self, kind: str) -> Connection:
        topic = TOPICS[kind]
        connection = self._writer.add_connection(
            topic.name, topic.type, typestore=self._types,
            offered_qos_profiles=[_reliable(topic.depth)],
        )  # fmt: skip
        self._connections[kind] = connection
        return connection


def part_path(path: Path) -> Path:
    """Return where a bag is written until it is complete."""
    return path.with_name(f'.{path.name}.part')


def _reliable(depth: int) -> Qos:
    return Qos(
        QosHistory.KEEP_LAST, depth, QosReliability.RELIABLE, QosDurability.VOLATILE,
        _ENDLESS, _ENDLESS, QosLiveliness.AUTOMATIC, _ENDLESS, False,
    )  # fmt: skip
