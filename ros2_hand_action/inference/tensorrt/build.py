"""`python -m ros2_hand_action.inference.tensorrt.build FILE PRECISION`: one engine, for a node.

A process of its own, as a node must go on answering whatever TensorRT holds for minutes, and can
be ended. Tells its progress on standard output, a line `PERCENT PHASE` each.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.inference.tensorrt.session import prepare_engine


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the engine where it is missing; returns the exit status."""
    file, precision = sys.argv[1:] if arguments is None else arguments
    try:
        prepare_engine(Path(file), precision=precision, progress=_tell)
    except HandActionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _tell(phase: str, done: float) -> None:
    try:
        print(f'{100 * done:.0f} {phase}', flush=True)
    except BrokenPipeError:  # nobody waits any more; TensorRT would not pass an exception on
        os._exit(1)


if __name__ == '__main__':
    sys.exit(main())
