"""Results as a bag: other readers accept it, and its messages are the nodes' own bytes."""

import shutil
import zlib
from dataclasses import replace

import bags
import numpy as np
import pytest
import yaml
from backports import zstd
from recordings import gesture_event, make_body, make_gesture, make_hand

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.perception.records import Action, ActionEvent, Handedness, Phase
from ros2_hand_action.replay.inputs import ReplayImage
from ros2_hand_action.replay.pipeline import PipelineResult
from ros2_hand_action.replay.recording import RecordedFrame
from ros2_hand_action.replay.results_bag import TOPICS, ResultsBag
from ros2_hand_action.replay.results_messages import make_typestore

LABELS, ACTION_LABELS = GESTURES, ('walk', 'other')
STAMP_NS = bags.BEGIN_NS
SIZE = (640, 480)


def make_result(index):
    stamp_ns = STAMP_NS + index * bags.PERIOD_NS
    random = np.random.default_rng(0)
    body = replace(make_body('p1'), keypoints_m=random.normal(size=(34, 3)).astype(np.float32))
    hand = replace(
        make_hand('h1'), landmarks_px=np.arange(63, dtype=np.float32).reshape(21, 3),
        handedness=Handedness.LEFT,
    )
    frame = RecordedFrame(
        index, stamp_ns, (hand,), (make_gesture('h1', 'stop'),),
        bodies=(body,), body_ids={'h1': 'p1'},
        actions=(Action('p1', 'walk', 0.75, np.array([0.75, 0.25], np.float32), 5, stamp_ns),),
    )
    action_event = ActionEvent(Phase.STARTED, 'walk', 'p1', 0.75, 5, stamp_ns)
    camera = make_camera(image_size=SIZE, k=(0,) * 9)
    return PipelineResult(frame, (gesture_event(0.5).event,), (action_event,), camera)


def make_image(index):
    stamp_ns = STAMP_NS + index * bags.PERIOD_NS
    frame = Frame(np.zeros((SIZE[1], SIZE[0]), np.uint8), PixelOrder.MONO, stamp_ns)
    return ReplayImage(index, stamp_ns, frame, log_ns=stamp_ns + 7, frame_id='optical')


@pytest.fixture
def written(tmp_path):
    path = tmp_path / 'results'
    with ResultsBag(
        path, source='a_bag', labels=LABELS, action_labels=ACTION_LABELS
    ) as bag:
        for index in range(3):
            bag.write(make_image(index), make_result(index))
    return path


def test_rosbags_reads_every_message_by_the_definitions_in_the_bag(written):
    from rosbags.highlevel import AnyReader

    with AnyReader([written]) as reader:
        messages = {}
        for connection, log_ns, data in reader.messages():
            assert log_ns in {STAMP_NS + 7 + index * bags.PERIOD_NS for index in range(3)}
            message = reader.deserialize(data, connection.msgtype)
            messages.setdefault(connection.topic, []).append(message)
    assert {topic: len(found) for topic, found in messages.items()} == {
        topic.name: 3 for topic in TOPICS.values()
    }
    (hand,) = messages['/hands'][0].hands
    assert (hand.id, hand.body_id, hand.handedness) == ('h1', 'p1', 1)
    assert [(p.x, p.y) for p in hand.landmarks_px[:2]] == [(0.0, 1.0), (3.0, 4.0)]
    assert messages['/gestures'][0].labels == list(LABELS)
    assert messages['/gesture_events'][0].label == 'stop'
    assert messages['/actions'][0].actions[0].label == 'walk'
    assert messages['/action_events'][0].body_id == 'p1'
    names = {each.child_frame_id for each in messages['/tf'][0].transforms}
    assert 'body_p1' in names
    assert messages['/tf'][0].transforms[0].header.frame_id == 'optical'


def test_the_mcap_library_reads_every_message(written):
    reader_module = pytest.importorskip('mcap.reader')
    decoder = pytest.importorskip('mcap_ros2.decoder')
    (file,) = written.glob('*.mcap')
    with file.open('rb') as stream:
        reader = reader_module.make_reader(
            stream, validate_crcs=True, decoder_factories=[decoder.DecoderFactory()]
        )
        summary = reader.get_summary()
        assert {schema.encoding for schema in summary.schemas.values()} == {'ros2msg'}
        assert {channel.message_encoding for channel in summary.channels.values()} == {'cdr'}
        found = [
            (schema.name, message) for schema, _, _, message in reader.iter_decoded_messages()
        ]
    assert len(found) == 3 * len(TOPICS)
    hands = [message for name, message in found if name.endswith('HandArray')]
    assert hands[0].hands[0].landmarks_px[1].x == 3.0


def test_chunks_and_summary_have_their_checksums(written):
    stream_reader = pytest.importorskip('mcap.stream_reader')
    (file,) = written.glob('*.mcap')
    content = file.read_bytes()
    with file.open('rb') as stream:
        records = list(stream_reader.StreamReader(stream, emit_chunks=True).records)
    chunks = [record for record in records if type(record).__name__ == 'Chunk']
    assert chunks
    for chunk in chunks:
        assert zlib.crc32(zstd.decompress(chunk.data)) == chunk.uncompressed_crc
    footer = records[-1]
    covered = content[footer.summary_start:-len(b'\x89MCAP0\r\n') - 4]
    assert zlib.crc32(covered) == footer.summary_crc


def test_what_a_player_needs_is_in_the_metadata(written):
    content = yaml.safe_load((written / 'metadata.yaml').read_text())
    content = content['rosbag2_bagfile_information']
    assert content['storage_identifier'] == 'mcap'
    assert content['relative_file_paths'] == ['results.mcap']
    assert content['message_count'] == 3 * len(TOPICS)
    assert content['custom_data'] == {'source': 'a_bag'}
    for entry in content['topics_with_message_count']:
        topic = entry['topic_metadata']
        assert topic['type_description_hash'].startswith('RIHS01_')
        (qos,) = yaml.safe_load(topic['offered_qos_profiles'])
        assert (qos['history'], qos['reliability'], qos['durability']) == (1, 1, 2)


def test_the_types_are_those_that_ros_generates(written):
    """Type hashes differ where a definition does."""
    import json
    import sys
    from pathlib import Path

    folder = Path(sys.prefix) / 'share' / 'ros2_hand_action' / 'msg'
    if not folder.is_dir():
        pytest.skip('the messages are not built: make setup')
    store = make_typestore()
    for name in ('HandArray', 'BodyPoseArray', 'GestureEvent', 'ActionArray'):
        hashes = json.loads((folder / f'{name}.json').read_text())['type_hashes']
        full = f'ros2_hand_action/msg/{name}'
        (expected,) = (h['hash_string'] for h in hashes if h['type_name'] == full)
        assert store.hash_rihs01(full) == expected


def test_the_bag_is_replaced_as_a_whole(tmp_path, written):
    with pytest.raises(RuntimeError), ResultsBag(written, source='b', labels=LABELS):
        raise RuntimeError('stop')
    assert (written / 'metadata.yaml').is_file()
    assert [each.name for each in tmp_path.iterdir()] == ['results']
    with ResultsBag(written, source='b', labels=LABELS) as bag:
        bag.write(make_image(0), make_result(0))
    content = yaml.safe_load((written / 'metadata.yaml').read_text())
    assert content['rosbag2_bagfile_information']['message_count'] == len(TOPICS)


def test_a_bag_without_any_image_is_still_one(tmp_path):
    with ResultsBag(tmp_path / 'results', source='a', labels=LABELS):
        pass
    assert (tmp_path / 'results' / 'metadata.yaml').is_file()


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(MediaError, match='cannot write'):
        ResultsBag(tmp_path / 'file' / 'results', source='a', labels=LABELS)


def test_a_run_twice_gives_the_same_bytes(tmp_path):
    contents = []
    for _ in range(2):
        path = tmp_path / 'results'
        with ResultsBag(path, source='a', labels=LABELS, action_labels=ACTION_LABELS) as bag:
            bag.write(make_image(0), make_result(0))
        contents.append({each.name: each.read_bytes() for each in path.iterdir()})
        shutil.rmtree(path)
    assert contents[0] == contents[1]
