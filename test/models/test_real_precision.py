"""The real networks of hands in fewer bits, on a real photo of five hands."""

from contextlib import ExitStack

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.observing import observe
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.models.precision import precision_file
from ros2_hand_action.models.quantisation import compare, quantise
from ros2_hand_action.models.store import cache_folder, media_path, model_path
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hands import HandDetectorOptions, create_hand_detector
from ros2_hand_action.replay.calibration import FeedSampler

NETWORKS = ('palm_detection_full', 'hand_landmark_full')
VIEWS = 8
OPTIONS = HandDetectorOptions(whole_scales=(1.0,), tile_fractions=(0.5,), use_bodies=False)

# Median and 95 % of the absolute differences: pixels of the crop, logits, 0 to 1, metres.
BOUNDS = {
    ('fp16', 'palm_detection_full'): {'boxes': (0.1, 0.5), 'scores': (0.03, 0.15)},
    ('fp16', 'hand_landmark_full'): {
        'landmarks': (0.02, 0.1), 'presence': (1e-5, 1e-4), 'world_landmarks': (1e-4, 5e-4),
    },
    ('int8', 'palm_detection_full'): {'boxes': (1.0, 4.0), 'scores': (0.4, 1.5)},
    ('int8', 'hand_landmark_full'): {
        'landmarks': (1.0, 4.0), 'presence': (2e-3, 0.05), 'world_landmarks': (1e-3, 5e-3),
    },
}


def vary(pixels: np.ndarray) -> list[np.ndarray]:
    """Return the photo in other light, sizes and mirrored."""
    views = []
    for place in range(VIEWS):
        scale = 0.8 + 0.07 * place
        view = cv2.resize(pixels, None, fx=scale, fy=scale)
        view = cv2.convertScaleAbs(view, alpha=0.7 + 0.05 * place, beta=5 * (place % 3))
        views.append(np.ascontiguousarray(view[:, ::-1] if place % 2 else view))
    return views


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    """Return what each network sees, in a cache whose networks in 8 bits are made of it."""
    try:
        photo = cv2.imread(str(media_path('five_hands')))
        for name in NETWORKS:
            model_path(name)
    except ModelError as error:
        pytest.skip(str(error))
    samplers = {name: FeedSampler(40) for name in NETWORKS}
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp('cache')
        (cache / 'models').symlink_to(cache_folder() / 'models')
        (cache / 'sources').symlink_to(cache_folder() / 'sources')
        patch.setenv('HAND_ACTION_CACHE', str(cache))
        with ExitStack() as stack:
            for name in NETWORKS:
                stack.enter_context(observe(model_path(name), samplers[name].take))
            with create_hand_detector(OPTIONS) as detector:
                for view in vary(photo):
                    detector.detect(Frame(view, PixelOrder.BGR))
        for name in NETWORKS:
            quantise(model_path(name), samplers[name].samples)
        yield {name: sampler.samples for name, sampler in samplers.items()}, photo


@pytest.mark.parametrize(('precision', 'name'), BOUNDS)
def test_outputs_stay_near(samples, precision, name):
    path = model_path(name)
    held_back = samples[0][name][1::2]
    found = {
        each.name: each for each in compare(path, precision_file(path, precision), held_back)
    }
    for output, (median, p95) in BOUNDS[precision, name].items():
        difference = found[output]
        assert difference.median < median, output
        assert difference.p95 < p95, output
        assert difference.p95 > 0, 'it is the same network'


@pytest.mark.parametrize(('precision', 'pixels'), [('fp16', 0.2), ('int8', 4.0)])
def test_hands_of_the_photo_stay_where_they_are(samples, precision, pixels):
    frame = Frame(samples[1], PixelOrder.BGR)
    found = []
    for each in ('fp32', precision):
        with create_hand_detector(OPTIONS, SessionOptions(precision=each)) as detector:
            hands = sorted(detector.detect(frame), key=lambda hand: hand.landmarks_px[0, 0])
            found.append(np.array([hand.landmarks_px[:, :2] for hand in hands]))
    assert found[0].shape == found[1].shape == (5, 21, 2)
    assert np.percentile(np.abs(found[1] - found[0]), 95) < pixels
