"""The catalogue's own models against LiteRT, end to end and operator by operator."""

from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest

from ros2_hand_action.models.catalogue import Model, load_models
from ros2_hand_action.models.store import State, file_state, model_path, model_state, source_file
from ros2_hand_action.models.tflite.reader import read_graph
from ros2_hand_action.models.tflite_to_onnx import convert_tflite

pytestmark = pytest.mark.filterwarnings('ignore:.*experimental_preserve_all_tensors')

PIXELS = 1e-3
UNIT = 1e-5
# Of the largest value: weights up to 155 amplify the rounding of the operators before.
ROUNDING = 1e-4
TOLERANCES = {
    'boxes': PIXELS, 'landmarks': PIXELS, 'scores': UNIT, 'presence': UNIT, 'handedness': UNIT,
    'world_landmarks': UNIT, 'features': UNIT, 'embedding': UNIT, 'probabilities': UNIT,
}
# Wide networks with activations up to 1000: float32 itself is no better in another order.
POSE_TOLERANCES = {**TOLERANCES, 'landmarks': 2e-2, 'presence': 1e-4,
                   'heatmaps': PIXELS, 'world_landmarks': 1e-4}
DEFAULTS = [name for name, model in load_models().items() if model.default]
POSE = ['pose_detection', 'pose_landmark_lite', 'pose_landmark_full', 'pose_landmark_heavy']


def need(name: str) -> Model:
    model = load_models()[name]
    states = {file_state(model, source_file(model)), model_state(model)}
    if states != {State.READY}:  # one wheel holds the sources of several models
        pytest.skip(f'{name} is not fetched; run: hand-action models fetch {name}')
    return model


def picture(height: int, width: int, seed: int) -> np.ndarray:
    """Return smooth blobs, RGB in 0 to 1, (1, height, width, 3)."""
    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 7)
    return ((smooth - smooth.min()) / (smooth.max() - smooth.min()))[None]


def feeds_for(model: Model, seed: int) -> dict[str, np.ndarray]:
    """Return inputs by tensor name, channels last."""
    feeds = {}
    for entry in model.inputs:
        shape = tuple(size for size in entry.shape[1:] if isinstance(size, int))
        if len(shape) == 3:
            feeds[entry.tensor] = picture(shape[1], shape[2], seed)
        elif shape == (1,):
            feeds[entry.tensor] = np.full((1, 1), 0.9, np.float32)
        else:
            values = np.random.default_rng(seed).normal(0, 0.5, (1, *shape))
            feeds[entry.tensor] = values.astype(np.float32)
    return feeds


def to_nchw(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


def logistic(name: str, array: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(array, -80, 80))) if name == 'scores' else array


@pytest.mark.parametrize('name', DEFAULTS + POSE)
def test_model_gives_what_litert_gives(name: str, run_litert: Any):
    model = need(name)
    session = onnxruntime.InferenceSession(
        str(model_path(name)), providers=['CPUExecutionProvider']
    )
    assert [value.name for value in session.get_outputs()] == [
        entry.name for entry in model.outputs
    ]
    tolerances = POSE_TOLERANCES if name in POSE else TOLERANCES
    data = source_file(model).read_bytes()
    for seed in (1, 2):
        feeds = feeds_for(model, seed)
        wanted = run_litert(data, feeds, [entry.tensor for entry in model.outputs])
        got = session.run(
            None, {entry.name: to_nchw(feeds[entry.tensor]) for entry in model.inputs}
        )
        for entry, array in zip(model.outputs, got, strict=True):
            expected = to_nchw(wanted[entry.tensor])
            assert array.shape == expected.shape, entry.name
            np.testing.assert_allclose(
                logistic(entry.name, array), logistic(entry.name, expected), rtol=0,
                atol=tolerances[entry.name], err_msg=entry.name,
            )


@pytest.mark.parametrize('name', DEFAULTS)
def test_batch_gives_what_single_inputs_give(name: str):
    model = need(name)
    session = onnxruntime.InferenceSession(
        str(model_path(name)), providers=['CPUExecutionProvider']
    )
    feeds = [
        {entry.name: to_nchw(feeds_for(model, seed)[entry.tensor]) for entry in model.inputs}
        for seed in (1, 2, 3)
    ]
    batch = {key: np.concatenate([single[key] for single in feeds]) for key in feeds[0]}
    single_runs = [session.run(None, single) for single in feeds]
    for position, array in enumerate(session.run(None, batch)):
        expected = np.concatenate([run[position] for run in single_runs])
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=UNIT)


@pytest.mark.parametrize(
    'name', ['palm_detection_lite', 'hand_landmark_lite', 'gesture_embedder', 'pose_detection']
)
def test_every_operator_gives_what_litert_gives(name: str, run_litert: Any):
    model = need(name)
    data = source_file(model).read_bytes()
    graph = read_graph(data, source=name)
    tensors = {
        f'v{index}': graph.tensors[index].name
        for operator in graph.operators for index in operator.outputs
    }
    converted = convert_tflite(
        data, source=name, outputs=tensors,
        inputs={entry.name: entry.tensor for entry in model.inputs},
    )
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=['CPUExecutionProvider']
    )
    feeds = feeds_for(model, seed=1)
    wanted = run_litert(data, feeds, list(tensors.values()))
    got = session.run(
        list(tensors), {entry.name: to_nchw(feeds[entry.tensor]) for entry in model.inputs}
    )
    for tensor_name, array in zip(tensors.values(), got, strict=True):
        expected = to_nchw(wanted[tensor_name])
        assert array.shape == expected.shape, tensor_name
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(
            array / scale, expected / scale, rtol=0, atol=ROUNDING, err_msg=tensor_name
        )
