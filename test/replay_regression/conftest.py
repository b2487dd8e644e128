"""Scenes made by code, replayed."""

import pytest
from scenes import write_scene

from ros2_hand_action.errors import ModelError


@pytest.fixture
def replay_scene(replay, tmp_path):
    """Return a function from a scene to what is seen in it; `scenes` explains them."""

    def run(scene, **options):
        return replay(write_scene(tmp_path / 'scene', scene), **options)

    return run


@pytest.fixture
def show():
    """Return a function that makes pictures of hands; skips where the photo is not fetched."""
    import scenes

    try:
        scenes.show()
    except ModelError as error:
        pytest.skip(str(error))
    return scenes.show
