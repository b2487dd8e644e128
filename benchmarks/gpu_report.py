"""What benchmarks/gpu.py found: records, the machine that they belong to, and a table."""

import json
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import onnxruntime

from ros2_hand_action.inference import find_problem
from ros2_hand_action.inference.tensorrt.driver import probe_driver


class Row(NamedTuple):
    """One network, as it was run."""

    network: str
    runtime: str
    precision: str
    batch: int
    parts: int
    build_s: float
    difference: float
    is_near: bool
    median_ms: float
    p95_ms: float


class NotDone(NamedTuple):
    """What could not be done, and why."""

    what: str
    why: str


def describe_machine() -> dict[str, Any]:
    """Return what the figures belong to."""
    driver = probe_driver()
    versions: dict[str, str] = {'onnxruntime': onnxruntime.__version__}
    if not find_problem('tensorrt'):
        from ros2_hand_action.inference.tensorrt.bindings import load_bindings

        versions['tensorrt'] = load_bindings().trt.__version__
    return {
        'devices': [f'{each.name} sm_{"".join(map(str, each.capability))}'
                    for each in driver.devices],
        'driver_cuda': driver.version, 'machine': platform.machine(), **versions,
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
    }


def format_table(rows: Sequence[Row]) -> str:
    """Return the rows as a table."""
    lines = ['| network | runtime | precision | batch | build s | difference | ms | p95 ms |',
             '|---|---|---|---|---|---|---|---|']
    for row in rows:
        batch = f'{row.batch}' if row.parts == 1 else f'{row.batch} in {row.parts} parts'
        difference = f'{row.difference:.1e}' + ('' if row.is_near else ' TOO FAR')
        lines.append(
            f'| {row.network} | {row.runtime} | {row.precision} | {batch} | {row.build_s:.1f} | '
            f'{difference} | {row.median_ms:.2f} | {row.p95_ms:.2f} |'
        )
    return '\n'.join(lines)


def write_figures(
    path: Path, machine: dict[str, Any], rows: Sequence[Row], not_done: Sequence[NotDone]
) -> None:
    """Write what was found up to now as JSON."""
    content = {
        **machine, 'rows': [row._asdict() for row in rows],
        'not_done': [each._asdict() for each in not_done],
    }
    path.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
