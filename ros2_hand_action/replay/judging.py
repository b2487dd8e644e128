"""Recordings judged by whole files: expectations, golden results, tolerances."""

from collections.abc import Sequence
from pathlib import Path

from ros2_hand_action.errors import ExpectationError
from ros2_hand_action.replay.expectation_file import ExpectationFile
from ros2_hand_action.replay.golden import compare_golden, load_golden, save_clip
from ros2_hand_action.replay.judge import judge
from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.tolerances import Tolerances, change_tolerances, read_tolerances


def judge_by_file(
    clip: ClipRecording,
    file: ExpectationFile,
    *,
    tolerances: Tolerances | None = None,
    saves_golden: bool = False,
) -> list[Judgement]:
    """Judge a clip by the expectations and the golden results that a file names.

    A source that could not be read to its end has not passed unless that is known. Where
    `saves_golden`, the golden results are saved instead of compared.

    Raises
    ------
    HandActionError
        If the golden results or the tolerances cannot be used.
    """
    judgements = []
    if clip.damage and not file.is_damaged:
        check = Check('source', 'a source that can be read to its end', clip.damage, None, False)
        judgements.append(Judgement(clip.name, file.path.name, (check,)))
    if file.expectations:
        judgements.append(judge(clip, file.expectations, against=file.path.name))
    if file.golden:
        changed = change_tolerances(
            tolerances or read_tolerances(), dict(file.tolerances), str(file.path)
        )
        if saves_golden:
            save_clip(clip, file.golden, changed)
        judgements.append(compare_golden(
            clip, load_golden(file.golden), against=file.golden.name, tolerances=changed
        ))
    return judgements


def judge_by_golden(
    clips: Sequence[ClipRecording], path: Path, *, tolerances: Tolerances
) -> list[Judgement]:
    """Compare all clips with the golden results of one file, which must hold no others.

    Raises
    ------
    ExpectationError
        If the file cannot be used.
    """
    golden = load_golden(path)
    if not golden:
        raise ExpectationError(f'golden results {str(path)!r} hold no clip')
    judgements = [
        compare_golden(clip, golden, against=path.name, tolerances=tolerances) for clip in clips
    ]
    for name in golden.keys() - {clip.name for clip in clips}:
        check = Check('clip', f'a clip {name!r}', 'it was not replayed', None, False)
        judgements.append(Judgement(name, path.name, (check,)))
    return judgements
