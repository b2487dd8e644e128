"""Read and build networks with TensorRT-RTX, which needs no GPU for it; print a line of JSON each.

test_rtx.py runs this file in a process of its own, and polygraphy gives its own opinion.
"""

import json
import sys
from pathlib import Path

import tensorrt_rtx
from polygraphy.tools.inspect.subtool.capability import supports_model

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.tensorrt.engine import build_plan
from ros2_hand_action.inference.tensorrt.log import make_logger


def check(path: Path) -> dict[str, object]:
    supported, *_ = supports_model(str(path))
    phases: set[str] = set()
    try:
        plan, _ = build_plan(
            tensorrt_rtx, make_logger(tensorrt_rtx), path,
            progress=lambda name, done: phases.add(name),
        )
    except ModelError as error:
        return {'supported': bool(supported), 'bytes': 0, 'error': str(error)}
    return {'supported': bool(supported), 'bytes': len(plan), 'phases': sorted(phases)}


for name in sys.argv[1:]:
    print(json.dumps({'path': name, **check(Path(name))}), flush=True)
