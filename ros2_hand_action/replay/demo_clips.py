"""The demo's clips as sources of replay tests: 'demo:NAME'."""

from pathlib import Path

from ros2_hand_action.errors import MediaError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.replay.clips import CLIPS, prepare_clip

PREFIX = 'demo:'


def make_demo_clip(source: str, folder: Path) -> Path:
    """Return a video of what the demo shows, which is made in a folder unless it is there.

    Parameters
    ----------
    source : str
        'demo:NAME'
    folder : Path

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
    medium, target = media_path(name), folder / f'{name}.mp4'
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        prepare_clip(clips[name], medium, target)
    return target
