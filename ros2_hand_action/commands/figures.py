"""Figures of the evaluating commands, as files."""

import json
from pathlib import Path

from ros2_hand_action.errors import DatasetError


def write_json(path: Path, figures: dict[str, object]) -> None:
    """Write figures as JSON, as a whole; raises DatasetError where that is not possible."""
    part = path.with_name(f'.{path.name}.part')
    try:
        part.write_text(json.dumps(figures, indent=2) + '\n', encoding='utf-8')
        part.replace(path)
    except OSError as error:
        raise DatasetError(f'cannot write {str(path)!r} ({error}): change --json') from error
    finally:
        part.unlink(missing_ok=True)
