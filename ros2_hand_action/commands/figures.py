"""Figures of the evaluating commands, as files."""

import json
from pathlib import Path

from ros2_hand_action.errors import DatasetError


def write_json(path: Path, figures: dict[str, object]) -> None:
    """Write figures as JSON; raises DatasetError where the file cannot be written."""
    try:
        path.write_text(json.dumps(figures, indent=2) + '\n', encoding='utf-8')
    except OSError as error:
        raise DatasetError(f'cannot write {str(path)!r} ({error}): change --json') from error
