"""A cache of a benchmark's own: what it derives and builds does not touch the user's."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ros2_hand_action.models.store import CACHE_VARIABLE, cache_folder


@contextmanager
def own_cache(*shared: str) -> Iterator[None]:
    """Use a temporary cache, in which some folders are the user's."""
    users, before = cache_folder(), os.environ.get(CACHE_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        for name in shared:
            (users / name).mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).symlink_to(users / name)
        os.environ[CACHE_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[CACHE_VARIABLE]
            if before is not None:
                os.environ[CACHE_VARIABLE] = before
