"""What tests of commands share."""

import numpy as np
import pytest

from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_state
from ros2_hand_action.replay.video import VideoWriter


@pytest.fixture
def grey_video(tmp_path):
    """Return six images of nobody, at 20 Hz; skips where the networks are missing."""
    for model in load_models().values():
        if model.default and model_state(model) is not State.READY:
            pytest.skip(f'no model {model.name}: run `hand-action models fetch`')
    path = tmp_path / 'grey.mp4'
    with VideoWriter(path, width_px=160, height_px=120, fps=20.0) as writer:
        for level in range(6):
            writer.write(np.full((120, 160, 3), 10 * level, np.uint8))
    return path
