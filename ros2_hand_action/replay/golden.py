"""Golden results: what a replay gave once, saved, and compared with what it gives now."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ros2_hand_action.errors import ExpectationError
from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.replay.golden_comparison import EVENT_LISTS, Comparison
from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.recording import ClipRecording, Recording
from ros2_hand_action.replay.results import FORMAT, make_results
from ros2_hand_action.replay.tolerances import Tolerances

_KEPT = ('name', *EVENT_LISTS, 'frames')


def save_golden(recording: Recording, path: Path, tolerances: Tolerances) -> None:
    """Save the results of a replay, an image in a line; replaces the file as a whole.

    Raises
    ------
    ExpectationError
        If it cannot be written.
    """
    clips = [_shorten(clip, tolerances) for clip in make_results(recording)['clips']]
    text = ',\n'.join(_write_clip(clip) for clip in clips)
    try:
        write_atomically(path, f'{{"format": {FORMAT}, "clips": [\n{text}\n]}}\n'.encode())
    except OSError as error:
        raise ExpectationError(f'cannot save golden results {str(path)!r}: {error}') from error


def save_clip(clip: ClipRecording, path: Path, tolerances: Tolerances) -> None:
    """Save the results of one clip; raises ExpectationError as `save_golden`."""
    save_golden(_record(clip), path, tolerances)


def load_golden(path: Path) -> dict[str, dict[str, Any]]:
    """Return clip name -> its golden results; a results.json serves, too.

    Raises
    ------
    ExpectationError
        If the file cannot be read, or is of another format.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        found = content['format']
        clips = {clip['name']: {key: clip[key] for key in _KEPT} for clip in content['clips']}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExpectationError(
            f'cannot read golden results {str(path)!r} ({error!r}): save them with --save-golden'
        ) from error
    if found != FORMAT:
        raise ExpectationError(
            f'golden results {str(path)!r} are of format {found!r}, this version has {FORMAT}: '
            'look at what changed, then save them again with --save-golden'
        )
    return clips


def compare_golden(
    clip: ClipRecording,
    golden: Mapping[str, dict[str, Any]],
    *,
    against: str,
    tolerances: Tolerances,
) -> Judgement:
    """Compare a clip with its golden results: events by time, images by their number.

    Parameters
    ----------
    golden : mapping of str to results
        By `load_golden`; it is no passing if the clip is not in it.
    against : str
        Name of the golden file.
    """
    expected = golden.get(clip.name)
    if expected is None:
        names = ', '.join(golden) or 'none'
        check = Check('clip', f'a clip {clip.name!r}', f'there are {names}', None, False)
        return Judgement(clip.name, against, (check,))
    (found,) = make_results(_record(clip))['clips']
    comparison = Comparison(clip, tolerances)
    return comparison.judge(_shorten(expected, tolerances), _shorten(found, tolerances), against)


def _record(clip: ClipRecording) -> Recording:
    return Recording((clip,), clip.labels, action_labels=clip.action_labels)


def _shorten(value: Any, tolerances: Tolerances, *, is_clip: bool = True) -> Any:
    """Return results without what is not compared."""
    if isinstance(value, dict):
        return {
            key: _shorten(each, tolerances, is_clip=False) for key, each in value.items()
            if key not in tolerances.ignore and (key in _KEPT or not is_clip)
        }
    if isinstance(value, list):
        return [_shorten(each, tolerances, is_clip=False) for each in value]
    return value


def _write_clip(clip: Mapping[str, Any]) -> str:
    head = json.dumps({key: clip[key] for key in ('name', *EVENT_LISTS)})
    frames = ',\n'.join(json.dumps(frame, separators=(',', ':')) for frame in clip['frames'])
    return f'{head[:-1]}, "frames": [\n{frames}\n]}}'
