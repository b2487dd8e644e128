"""The demo's clips as sources of replay tests: 'demo:NAME'."""

import math
from pathlib import Path

from ros2_hand_action.errors import MediaError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.replay.clips import CLIPS, prepare_clip

PREFIX = 'demo:'


def make_demo_clip(source: str, folder: Path, *, seconds: float = math.inf) -> Path:
    """Return a video of what the demo shows, which is made in a folder unless it is there.

    Parameters
    ----------
    source : str
        'demo:NAME'
    folder : Path
    seconds : float
        More of it is not needed.

    Raises
    ------
    MediaError
        If the demo has no such clip.
    ModelError
        If its medium is not fetched; the message names the command to run.
    """
    name = source.removeprefix(PREFIX)
    clips = {clip.media: clip for clip in CLIPS}
    if name not in clips:
        raise MediaError(f'no clip {source!r}: choose {PREFIX} and one of {", ".join(clips)}')
    length_s = min(clips[name].seconds, seconds)
    medium, target = media_path(name), folder / f'{length_s:g}s' / f'{name}.mp4'
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        prepare_clip(clips[name], medium, target, seconds=length_s)
    return target
