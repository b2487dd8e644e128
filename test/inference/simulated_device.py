"""What the TensorRT back end does on a device; test_tensorrt.py runs this file in a process of its
own, with real PyCUDA on the CUDA driver simulator and a stand-in for TensorRT.
"""

import importlib
import json
import os
import subprocess
import sys
import threading

import numpy as np
import onnx
import pytest
import tensorrt
from nvidia_networks import SIGNATURES, make_feeds
from nvidia_networks import write_network as write_nvidia
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.cli import main
from ros2_hand_action.errors import ModelError, NotBuiltError, TensorMismatchError
from ros2_hand_action.inference import available_backends, choose_backend, create_session
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.inference.tensorrt import bindings, build
from ros2_hand_action.inference.tensorrt import session as tensorrt_session
from ros2_hand_action.inference.tensorrt.cache import EngineCache, EngineKey, network_sha256
from ros2_hand_action.inference.tensorrt.engine import MAX_BATCH, largest_batch
from ros2_hand_action.models.quantisation import quantise
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.action_recognition_net import ActionRecognitionNet
from ros2_hand_action.perception.bodypose3dnet import BodyPose3DNet
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gesture_features import GEOMETRY, GEOMETRY_SIZE
from ros2_hand_action.perception.stage_times import StageClock

OPTIONS = SessionOptions(backend='tensorrt')
ON_PROCESSOR = SessionOptions(backend='onnxruntime')


def write_network(path, shape=('N', 3)):
    """Write a network that doubles its image and sums it up."""
    nodes = [
        helper.make_node('Add', ['image', 'image'], ['double']),
        helper.make_node('ReduceSum', ['double', 'axes'], ['sum'], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, 'tiny', [helper.make_tensor_value_info('image', TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info('double', TensorProto.FLOAT, shape),
            helper.make_tensor_value_info('sum', TensorProto.FLOAT, shape[:1]),
        ],
        [helper.make_tensor('axes', TensorProto.INT64, [1], [1])],
    )
    opset = helper.make_opsetid('', 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.fixture(autouse=True)
def builds(tmp_path, monkeypatch):
    """Return the file that has a line for each engine that was built."""
    monkeypatch.setenv('HAND_ACTION_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setenv('TENSORRT_BUILDS', str(tmp_path / 'builds'))
    return tmp_path / 'builds'


@pytest.fixture
def network(tmp_path):
    return write_network(tmp_path / 'tiny.onnx')


@pytest.fixture
def session(network):
    with_device = create_session(network, OPTIONS)
    yield with_device
    with_device.close()


def count(builds):
    return len(builds.read_text().splitlines()) if builds.exists() else 0


def images(size, seed=0):
    return np.random.default_rng(seed).normal(size=(size, 3)).astype(np.float32)


def check(session, size, seed=0):
    given = images(size, seed)
    outputs = session.run({'image': given})
    np.testing.assert_allclose(outputs['double'], 2 * given, rtol=1e-6)
    np.testing.assert_allclose(outputs['sum'], 2 * given.sum(1), rtol=1e-5)


def test_it_is_the_first_choice_on_a_device():
    assert available_backends()[0] == 'tensorrt' and available_backends()[-1] == 'onnxruntime'
    assert choose_backend('auto') == (
        'tensorrt', 'tensorrt in fp32, the best there is', 'fp32'
    )


def test_network_is_described(session):
    assert [str(spec) for spec in session.inputs] == ['image: float32 (?, 3)']
    assert [spec.name for spec in session.outputs] == ['double', 'sum']
    assert session.description == f'tensorrt {tensorrt.__version__} simulated GPU 0 fp32'


@pytest.mark.parametrize('size', [1, 2, MAX_BATCH, MAX_BATCH + 1, 3 * MAX_BATCH + 2])
def test_any_number_of_images(session, size):
    session.warm_up()
    check(session, size)


def test_sizes_may_change_from_call_to_call(session):
    for turn, size in enumerate([3, 1, 3, 20, 1, 9, 3]):
        check(session, size, seed=turn)


def test_outputs_stay_when_the_next_call_comes(session):
    first = session.run({'image': images(2, 1)})['double']
    session.run({'image': images(2, 2)})
    np.testing.assert_allclose(first, 2 * images(2, 1), rtol=1e-6)


def test_fixed_shapes_need_no_profile(tmp_path):
    fixed = create_session(write_network(tmp_path / 'fixed.onnx', (1, 3)), OPTIONS)
    check(fixed, 1)
    fixed.close()


def test_device_without_graphs_is_used_call_by_call(network, monkeypatch):
    monkeypatch.setenv('SIM_CUDA_NO_GRAPHS', '1')
    plain = create_session(network, OPTIONS)
    for size in (2, 2, 11):
        check(plain, size)
    plain.close()


@pytest.mark.parametrize('status', ['1', '900'])
def test_copy_that_cannot_be_recorded_leads_to_plain_runs(session, monkeypatch, capsys, status):
    """Whether or not the driver says afterwards that the recording is spoilt."""
    monkeypatch.setenv('SIM_CUDA_CAPTURED_COPY', status)
    for size in (2, 2, 11):
        check(session, size)
    assert 'cuMemcpyDtoHAsync' in session.capture_problem
    told = [line for line in capsys.readouterr().err.splitlines() if 'no CUDA graph' in line]
    assert len(told) == 1
    assert 'tiny.onnx' in told[0]


def start_together(work, count):
    """Call `work` with 0 to count - 1, all at the same time; returns what they raised."""
    problems, begin = [], threading.Barrier(count)

    def run(number):
        begin.wait()
        try:
            work(number)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def test_threads_take_turns(session):
    """Each has other inputs, of another size, and gets its own answers."""
    def run(number):
        for turn in range(50):
            check(session, 3 + 3 * number, seed=100 * number + turn)

    assert start_together(run, 4) == []


def test_sessions_of_a_device_are_used_at_the_same_time(network):
    sessions = [create_session(network, OPTIONS) for _ in range(3)]

    def run(number):
        for turn in range(50):
            check(sessions[number], 3 + 3 * number, seed=100 * number + turn)
        sessions[number].close()

    assert start_together(run, 3) == []


def test_closing_waits_for_runs(network):
    """Those that come after it are refused; none sees memory that was given back."""
    opened, ran = create_session(network, OPTIONS), threading.Event()

    def run(number):
        if number == 0:
            ran.wait()
            opened.close()
            return
        try:
            while True:
                check(opened, 2, seed=number)
                ran.set()
        finally:
            ran.set()

    problems = start_together(run, 3)
    assert [str(error) for error in problems] == [str(problems[0])] * 2
    assert 'is closed' in str(problems[0])


def test_closed_in_another_thread(network):
    opened = create_session(network, OPTIONS)
    thread = threading.Thread(target=opened.close)
    thread.start()
    thread.join()
    opened.close()
    for feeds in ({'image': images(1)}, {}):
        with pytest.raises(ModelError, match=r"tiny\.onnx' is closed"):
            opened.run(feeds)


def test_thread_without_the_context_is_told():
    """The simulator is as strict as the driver."""
    with pytest.raises(bindings.load_bindings().cuda.LogicError, match='invalid device context'):
        bindings.load_bindings().cuda.mem_alloc(16)


@pytest.mark.parametrize('feeds', [
    {'image': np.zeros((2, 4), np.float32)}, {'image': np.zeros((0, 3), np.float32)}, {},
])
def test_wrong_arrays_are_refused(session, feeds):
    with pytest.raises(TensorMismatchError):
        session.run(feeds)
    check(session, 2)


@pytest.mark.parametrize(('fault', 'message'), [
    ('create_network', 'cannot start .*no memory for a network'),
    ('parse', r'cannot read .*importHardmax\): UNSUPPORTED_NODE; use backend: onnxruntime'),
    ('profile', r'refuses the shapes .*\(8, 3\)'),
    ('build', 'cannot build .*Could not find any implementation for node Conv_0'),
    ('deserialize', 'does not load the engine that it has just built'),
    ('dtype', 'BF16, which numpy does not have'),
    ('context', 'cannot start .*out of memory'),
    ('shape', r'cannot take \(8, 3\) in .*does not say why'),
    ('output_shape', r"output 'double' has shape \(-1, 3\), which depends on the data"),
])
def test_what_fails_at_loading_is_explained(network, monkeypatch, fault, message):
    monkeypatch.setenv('TENSORRT_FAULT', fault)
    with pytest.raises(ModelError, match=message):
        create_session(network, OPTIONS)


def test_what_fails_at_running_is_explained(session, monkeypatch):
    monkeypatch.setenv('TENSORRT_FAULT', 'execute')
    with pytest.raises(ModelError, match=r"cannot run '.*tiny\.onnx': Cask convolution"):
        session.run({'image': images(2)})
    monkeypatch.delenv('TENSORRT_FAULT')
    check(session, 2)


def test_other_free_dimensions_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"input 'image' has shape \(\?, \?\); only its first"):
        create_session(write_network(tmp_path / 'free.onnx', ('N', 'M')), OPTIONS)


def test_full_device_is_no_crash(network, monkeypatch):
    monkeypatch.setenv('SIM_CUDA_MEMORY', '150')
    with pytest.raises(ModelError, match=r"the GPU has no \d+ bytes left for '.*run fewer"):
        create_session(network, OPTIONS)
    monkeypatch.delenv('SIM_CUDA_MEMORY')
    again = create_session(network, OPTIONS)
    check(again, 2)
    again.close()


def test_engine_is_built_once(network, builds):
    for _ in range(3):
        create_session(network, OPTIONS).close()
    assert count(builds) == 1


@pytest.mark.parametrize('damage', [b'', b'garbage'])
def test_damaged_engine_is_built_again(network, builds, tmp_path, damage):
    create_session(network, OPTIONS).close()
    [plan] = (tmp_path / 'cache' / 'engines').glob('*.plan')
    plan.write_bytes(damage)
    create_session(network, OPTIONS).close()
    create_session(network, OPTIONS).close()
    assert count(builds) == 2


def test_engine_that_is_not_taken_is_built_again(network, builds, tmp_path):
    """Its sha256 is right, and yet TensorRT refuses it, as after an upgrade of the driver."""
    create_session(network, OPTIONS).close()
    [record] = (tmp_path / 'cache' / 'engines').glob('*.json')
    content = json.loads(record.read_text())
    key = EngineKey(**{name: content[name] for name in EngineKey._fields})
    EngineCache()._write(key, b'an engine of another day')
    create_session(network, OPTIONS).close()
    assert count(builds) == 2


def test_other_network_has_another_engine(network, builds, tmp_path):
    create_session(network, OPTIONS).close()
    create_session(write_network(tmp_path / 'tiny.onnx', ('N', 4)), OPTIONS).close()
    assert count(builds) == 2


def test_external_data_is_part_of_the_key(tmp_path):
    path = tmp_path / 'large.onnx'
    tensor = numpy_helper.from_array(np.arange(4, dtype=np.float32), 'w')
    graph = helper.make_graph([], 'g', [], [], [tensor])
    onnx.save_model(
        helper.make_model(graph), path, save_as_external_data=True, location='w.bin',
        size_threshold=0,
    )
    before = network_sha256(path)
    data = (tmp_path / 'w.bin').read_bytes()
    (tmp_path / 'w.bin').write_bytes(data[::-1])
    assert network_sha256(path) != before
    with pytest.raises(ModelError, match='not an ONNX file'):
        network_sha256(tmp_path / 'w.bin')


def test_engines_are_built_beforehand(network, builds):
    said = []
    for _ in range(2):
        tensorrt_session.prepare_engine(
            network, precision='fp32', progress=lambda *words: said.append(words)
        )
    assert said == [
        ('waiting for TensorRT', 0.0), ('building', 0.5), ('building', 1.0), ('building', 1.0)
    ]
    create_session(network, OPTIONS).close()
    assert count(builds) == 1


def test_full_disk_is_named(network, monkeypatch):
    def fail(path, data):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(
        'ros2_hand_action.inference.tensorrt.cache.write_atomically', fail
    )
    with pytest.raises(ModelError, match=r'cannot write [\d,]+ bytes .*No space left.*make room'):
        create_session(network, OPTIONS)


def test_folder_that_cannot_be_written_has_a_fallback(tmp_path, monkeypatch):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    cache = EngineCache(blocked / 'engines')
    assert cache.folder == tmp_path / f'ros2_hand_action_{os.getuid()}' / 'engines'
    assert cache.folder.stat().st_mode & 0o077 == 0
    monkeypatch.setattr('tempfile.tempdir', str(blocked))
    with pytest.raises(ModelError, match='no folder for engines.* set HAND_ACTION_CACHE'):
        EngineCache(blocked / 'engines')


@pytest.fixture
def old_tensorrt(monkeypatch):
    monkeypatch.setenv('TENSORRT_VERSION', '8.6.1')
    bindings.load_bindings.cache_clear()
    yield importlib.reload(tensorrt)
    monkeypatch.delenv('TENSORRT_VERSION')
    for name in ('BuilderFlag', 'NetworkDefinitionCreationFlag'):
        delattr(tensorrt, name)
    importlib.reload(tensorrt)
    bindings.load_bindings.cache_clear()


def test_version_8_wants_flags_for_batch_and_precision(network, builds, old_tensorrt):
    create_session(network, OPTIONS).close()
    half = SessionOptions(backend='tensorrt', precision='fp16')
    create_session(network, half).close()
    assert [json.loads(line) for line in builds.read_text().splitlines()] == [
        {'flags': 1, 'allowed': []}, {'flags': 1, 'allowed': ['FP16']}
    ]


def test_version_10_takes_the_types_of_the_graph(network, builds):
    create_session(network, OPTIONS).close()
    assert json.loads(builds.read_text()) == {'flags': 2, 'allowed': []}


@pytest.mark.parametrize('version', ['8.5.3', '12.0.0'])
def test_other_versions_are_refused(monkeypatch, version):
    monkeypatch.setattr(tensorrt, '__version__', version)
    assert bindings.find_problem() == f'version {version} (needs 8.6 to 11.x)'


UNBUILT = SessionOptions(backend='tensorrt', build=False)


def test_opening_without_building_asks_for_it(network, builds, capsys):
    with pytest.raises(NotBuiltError, match=r'tiny\.onnx.*hand-action models build') as caught:
        create_session(network, UNBUILT)
    assert (caught.value.network, caught.value.precision) == (network, 'fp32')
    assert count(builds) == 0
    assert build.main([str(caught.value.network), caught.value.precision]) == 0
    assert '0 waiting for TensorRT' in capsys.readouterr().out.splitlines()
    session = create_session(network, UNBUILT)
    check(session, 3)
    session.close()
    assert count(builds) == 1


def test_damaged_engine_is_asked_for_again(network, builds):
    create_session(network, OPTIONS).close()
    (plan,) = EngineCache().folder.glob('*.plan')
    plan.write_bytes(b'cut off')
    with pytest.raises(NotBuiltError):
        create_session(network, UNBUILT)
    assert count(builds) == 1


def test_build_that_fails_says_why(network, capsys, monkeypatch):
    monkeypatch.setenv('TENSORRT_FAULT', 'create_network')
    assert build.main([str(network), 'fp32']) == 1
    assert 'no memory for a network' in capsys.readouterr().err


def test_build_ends_when_nobody_waits_any_more(network):
    command = [sys.executable, '-m', 'ros2_hand_action.inference.tensorrt.build']
    with subprocess.Popen([*command, str(network), 'fp32'], stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(60) == 1
    assert not list(EngineCache().folder.glob('*.plan'))


@pytest.mark.parametrize('batch', ['N', 1])
@pytest.mark.parametrize('name', SIGNATURES)
def test_networks_that_users_bring_say_the_same_as_on_the_processor(tmp_path, name, batch):
    path = write_nvidia(tmp_path / f'{name}.onnx', SIGNATURES[name], batch)
    sessions = [create_session(path, options) for options in (OPTIONS, ON_PROCESSOR)]
    for rows in (1, 4) if batch == 'N' else (1,):
        feeds = make_feeds(SIGNATURES[name], rows)
        found, wanted = (session.run(feeds) for session in sessions)
        assert set(found) == {entry.name for entry in SIGNATURES[name].outputs}
        for output, array in wanted.items():
            np.testing.assert_allclose(found[output], array, rtol=1e-4, atol=1e-5)
    for session in sessions:
        session.close()


def test_large_inputs_come_in_small_batches(tmp_path):
    wanted = {'gesturenet': MAX_BATCH, 'bodypose3dnet': MAX_BATCH, 'actionrecognitionnet_3d': 3}
    for name, batch in wanted.items():
        session = create_session(write_nvidia(tmp_path / 'net.onnx', SIGNATURES[name]), OPTIONS)
        assert largest_batch(session.inputs) == batch
        session.close()


@pytest.mark.parametrize('batch', ['N', 1, 4])
def test_bodies_of_an_image_through_bodypose3dnet(tmp_path, batch):
    """As many people as there are, whatever batch the file was exported with."""
    path = write_nvidia(tmp_path / 'net.onnx', SIGNATURES['bodypose3dnet'], batch)
    pixels = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    frame = Frame(pixels, PixelOrder.BGR)
    regions = np.array([[320.0, 240, 200 + 10 * place, 0] for place in range(5)])
    camera = make_camera(image_size=(640, 480), k=(500.0, 0, 320, 0, 500, 240, 0, 0, 1))
    seen = []
    for options in (OPTIONS, ON_PROCESSOR):
        session = create_session(path, options)
        network = BodyPose3DNet(session, preset='bgr', keypoint_threshold=0.0, height_m=1.77)
        seen.append(network.find(frame, regions, camera, StageClock()))
        session.close()
    assert seen[0].keypoints_px.shape == (5, 34, 2)
    np.testing.assert_allclose(seen[0].keypoints_px, seen[1].keypoints_px, rtol=1e-4)


@pytest.mark.parametrize('name', [name for name in SIGNATURES if name.startswith('action')])
def test_clips_through_actionrecognitionnet(tmp_path, name):
    path = write_nvidia(tmp_path / 'net.onnx', SIGNATURES[name])
    clip = list(np.random.default_rng(0).integers(0, 255, (33, 48, 64, 3), np.uint8))
    found = []
    for options in (OPTIONS, ON_PROCESSOR):
        with ActionRecognitionNet(create_session(path, options)) as network:
            found.append(network.classify([clip[:network.images]] * 2))
    assert found[0].shape == (2, 5)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_command_builds_engines_of_files_and_of_brought_models(
    tmp_path, builds, capsys, precision
):
    brought = tmp_path / 'cache' / 'models' / 'bodypose3dnet.onnx'
    brought.parent.mkdir(parents=True)
    write_nvidia(brought, SIGNATURES['bodypose3dnet'])
    own = write_nvidia(tmp_path / 'own.onnx', SIGNATURES['actionrecognitionnet_2d'], 1)
    command = ['models', 'build', '--precision', precision, 'bodypose3dnet', str(own)]
    for done in ('built', 'was there'):
        assert main(command) == 0
        assert capsys.readouterr().out.splitlines() == [
            f'bodypose3dnet {precision}: {done}', f'own {precision}: {done}'
        ]
    assert count(builds) == 2


def test_command_goes_on_after_a_network_that_cannot_be_built(network, tmp_path, builds, capsys):
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'no network')
    assert main(['models', 'build', str(broken), str(network)]) == 1
    told = capsys.readouterr()
    first, second = told.out.splitlines()
    assert first.startswith('broken fp32: not built: ')
    assert "broken.onnx' is not an ONNX file" in first
    assert second == 'tiny fp32: built'
    assert '1 of 2 engines could not be built' in told.err


def test_command_tells_each_failure_on_a_line(network, capsys, monkeypatch):
    monkeypatch.setenv('TENSORRT_FAULT', 'build')
    again = write_network(network.with_name('again.onnx'), ('N', 4))
    assert main(['models', 'build', str(network), str(again)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(': ')[:2] for line in lines] == [
        ['tiny fp32', 'not built'], ['again fp32', 'not built']
    ]
    assert all('Could not find any implementation' in line for line in lines)


def test_command_outlives_a_build_that_the_system_ends(network, capsys, monkeypatch):
    create_session(network, OPTIONS).close()
    again = write_network(network.with_name('again.onnx'), ('N', 4))
    monkeypatch.setenv('TENSORRT_FAULT', 'killed')
    assert main(['models', 'build', str(again), str(network)]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith('again fp32: not built: SIGKILL ended its process')
    assert second == 'tiny fp32: was there'


def test_driver_that_fails_is_a_failure_of_the_build(network, monkeypatch):
    def fail(*_):
        raise bindings.load_bindings().cuda.LogicError('cuCtxPushCurrent failed: unspecified')

    monkeypatch.setattr(tensorrt_session, '_obtain_engine', fail)
    with pytest.raises(ModelError, match=r"the GPU failed in '.*tiny\.onnx': cuCtxPushCurrent"):
        tensorrt_session.prepare_engine(network, precision='fp32', progress=print)


@pytest.mark.parametrize('wrong', ['gesture_hed', '/nowhere/own.onnx', 'palm_detection_full'])
def test_command_builds_nothing_where_a_name_is_wrong(network, builds, capsys, wrong):
    assert main(['models', 'build', str(network), wrong]) == 1
    told = capsys.readouterr()
    assert wrong in told.err
    assert (told.out, count(builds)) == ('', 0)


def test_command_leaves_out_what_is_not_quantised(builds, capsys):
    """Without names; one that was named is a failure."""
    rows = np.random.default_rng(0).normal(size=(20, 1, GEOMETRY_SIZE)).astype(np.float32)
    quantise(model_path('gesture_head'), [{GEOMETRY: row} for row in rows])
    assert main(['models', 'build', '--precision', 'int8']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'gesture_head int8: built' in lines
    assert 'open_gesturenet int8: not quantised' in lines
    assert count(builds) == 1
    assert main(['models', 'build', '--precision', 'int8', 'open_gesturenet']) == 1
    assert 'not built: ' in capsys.readouterr().out
