"""The process of one replay job: `python -m ros2_hand_action.replay.worker FOLDER`."""

import pickle
import sys
from pathlib import Path

from ros2_hand_action.replay.jobs import JOB_NAME, OUTCOME_NAME, ReplayJob, attempt

_TICK = b'.'


def main(folder: Path) -> int:
    """Do the job that a folder holds, leave its outcome there, and write a byte for each image."""
    job: ReplayJob = pickle.loads((folder / JOB_NAME).read_bytes())
    outcome = attempt(job, _tick)
    (folder / OUTCOME_NAME).write_bytes(pickle.dumps(outcome))
    return 0


def _tick() -> None:
    sys.stdout.buffer.write(_TICK)
    sys.stdout.buffer.flush()


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1])))
