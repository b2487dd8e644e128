"""Our nodes against MediaPipe's own Python hand tracking, on the same frames in one run.

`make bench` runs this. Ours: an rgb8 image message goes over DDS to another process, through
hand_detector and gesture_classifier, and the gestures come back. Theirs: one function call in
one process, without ROS and without gestures. Both sides take the next frame when the last one
is answered, and take turns, so that a busy machine slows both. Ours runs twice: with the back end
and precision that are the default on this machine, and with ONNX Runtime in fp32.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from clips import SIZES_PX, make_clip
from node_client import NodeClient, NodeProcess
from tqdm import tqdm

from ros2_hand_action.models.store import media_path
from ros2_hand_action.nodes.statistics import STAGES

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
HAND_COUNTS = (0, 1, 2, 4)
BACKENDS = {'auto': 'ours', 'onnxruntime': 'ours_fp32'}
"""Back end of our nodes -> key of its figures."""
RIVAL_PYTHON = CHECKOUT / '.bench-venv' / 'bin' / 'python'
RIVAL_PINS = CHECKOUT / 'requirements' / 'bench.txt'


def main() -> None:
    """Measure every size and number of hands; write bench_out/ and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--frames', type=int, default=160, help='frames of a clip (%(default)s)')
    parser.add_argument('--rounds', type=int, default=2, help='turns of each side (%(default)s)')
    parser.add_argument('--threads', type=int, default=2, help="the nodes' threads (%(default)s)")
    parser.add_argument('--sizes', nargs='*', help='such as 640x480 (all)')
    parser.add_argument('--hands', nargs='*', type=int, default=HAND_COUNTS, help='(0 1 2 4)')
    parser.add_argument('--out', type=Path, default=CHECKOUT / 'bench_out')
    options = parser.parse_args()
    os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
    _make_rival_venv()
    options.out.mkdir(exist_ok=True)
    sizes = [s for s in SIZES_PX if not options.sizes or f'{s[0]}x{s[1]}' in options.sizes]
    cases = [(size, hands) for size in sizes for hands in options.hands]
    rows = []
    client = NodeClient()
    for size, hands in tqdm(cases, desc='benchmark', unit='case'):
        rows.append(_measure(client, size, hands, options))
        _write(rows, options)
    client.close()
    print(f'{_table(rows)}\n\n{tabulate_stages(rows)}')
    print(f'all numbers: {options.out / "results.json"}')


def _make_rival_venv() -> None:
    """Make the venv that MediaPipe runs in, where it is not there yet."""
    stamp = RIVAL_PYTHON.parent.parent / '.ready'
    if stamp.exists() and stamp.read_text() == RIVAL_PINS.read_text():
        return
    print('making .bench-venv with MediaPipe ...', flush=True)
    subprocess.run([sys.executable, '-m', 'venv', '--clear', stamp.parent], check=True)
    subprocess.run(
        [RIVAL_PYTHON, '-m', 'pip', 'install', '--quiet', '-r', RIVAL_PINS], check=True
    )
    stamp.write_text(RIVAL_PINS.read_text())


def _measure(
    client: NodeClient, size_px: tuple[int, int], hands: int, options: argparse.Namespace
) -> dict[str, Any]:
    """Let both sides track one clip in turns; return one row of the results."""
    clip = make_clip(media_path('five_hands'), size_px, hands, options.frames)
    max_hands = max(hands, 1)
    ours: dict[str, list[dict[str, Any]]] = {backend: [] for backend in BACKENDS}
    theirs = []
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / 'clip.npy', clip)
        for _ in range(options.rounds):
            log = options.out / 'nodes.log'
            for backend, runs in ours.items():
                with NodeProcess(max_hands, options.threads, log, backend=backend) as process:
                    runs.append(client.run_clip(clip, process)._asdict())
            theirs.append(_run_rival(Path(folder), max_hands))
    return {
        'width_px': size_px[0],
        'height_px': size_px[1],
        'hands': hands,
        **{
            key: {
                **_summarise(ours[backend]), 'back_end': _back_end(ours[backend][-1]),
                'stages_ms': _stages(ours[backend][-1]),
            } for backend, key in BACKENDS.items()
        },
        'mediapipe': _summarise(theirs),
        'latency_ratio_p50': _ratio(ours['auto'], theirs),
        'latency_ratio_p50_fp32': _ratio(ours['onnxruntime'], theirs),
    }


def _run_rival(folder: Path, max_hands: int) -> dict[str, Any]:
    out = folder / 'rival.json'
    script = HERE / 'mediapipe_hands.py'
    subprocess.run(
        [RIVAL_PYTHON, script, folder / 'clip.npy', str(max_hands), out],
        check=True, stderr=subprocess.DEVNULL, env=_plain_environment(),
    )
    result: dict[str, Any] = json.loads(out.read_text(encoding='utf-8'))
    return result


def _plain_environment() -> dict[str, str]:
    """Return the environment without what points at our own venv."""
    ours = ('PYTHONPATH', 'LD_LIBRARY_PATH', 'AMENT_PREFIX_PATH')
    return {name: value for name, value in os.environ.items() if name not in ours}


def _summarise(runs: list[dict[str, Any]]) -> dict[str, float]:
    latencies_ms = 1e3 * np.concatenate([run['latencies_s'] for run in runs])
    p50, p95 = np.percentile(latencies_ms, (50, 95))
    return {
        'latency_p50_ms': float(p50),
        'latency_p95_ms': float(p95),
        'frames_per_s': float(1e3 / latencies_ms.mean()),
        'cpu_ms_per_frame': float(1e3 * np.mean([run['cpu_s_per_frame'] for run in runs])),
        'peak_memory_mb': max(run['peak_memory_mb'] for run in runs),
        'hands_found': float(np.mean(np.concatenate([run['hands_found'] for run in runs]))),
    }


def _ratio(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float:
    mine, rival = _summarise(ours), _summarise(theirs)
    return mine['latency_p50_ms'] / rival['latency_p50_ms']


def _back_end(run: dict[str, Any]) -> str:
    """Return what ran the networks of hands, and in which precision."""
    return str(run['stages']['hand_detector']['back end'])


def _stages(run: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the stages of each node that /diagnostics tells, in milliseconds."""
    return {
        node: {
            f'{stage} {spread} (ms)': float(values[f'{stage} {spread} (ms)'])
            for stage in STAGES
            for spread in ('p50', 'p95')
        }
        for node, values in run['stages'].items()
    }


def _write(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    report = {
        'date': date.today().isoformat(),
        'machine': f'{os.cpu_count()} x {_processor()}',
        'python': platform.python_version(),
        'threads': options.threads,
        'rows': rows,
    }
    text = json.dumps(report, indent=1)
    (options.out / 'results.json').write_text(text, encoding='utf-8')


def _processor() -> str:
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.processor()


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        'image       hands | ours p50   p95 ms   fps  CPU ms    MB | MediaPipe p50   p95 ms'
        '   fps  CPU ms    MB | ratio | fp32 p50 ratio'
    ]
    for row in rows:
        ours, theirs = (
            '{latency_p50_ms:8.2f} {latency_p95_ms:8.2f} {frames_per_s:5.0f} '
            '{cpu_ms_per_frame:7.1f} {peak_memory_mb:5.0f}'.format(**row[side])
            for side in ('ours', 'mediapipe')
        )
        size = f'{row["width_px"]}x{row["height_px"]}'
        lines.append(
            f'{size:<11} {row["hands"]:5} | {ours} |      {theirs} '
            f'| {row["latency_ratio_p50"]:5.2f} | {row["ours_fp32"]["latency_p50_ms"]:8.2f} '
            f'{row["latency_ratio_p50_fp32"]:5.2f}'
        )
    lines += [f'ours: {rows[0]["ours"]["back_end"]}; fp32: {rows[0]["ours_fp32"]["back_end"]}']
    return '\n'.join(lines)


def tabulate_stages(rows: list[dict[str, Any]]) -> str:
    """Return where our time goes in each row, by node: p50 and p95 of each stage."""
    lines = [f'{"image":<11} hands  {"node":<18}' + ''.join(
        f' {stage + " p50":>14}   p95 ms' for stage in STAGES
    )]
    for row in rows:
        size = f'{row["width_px"]}x{row["height_px"]}'
        for node, values in row['ours']['stages_ms'].items():
            lines.append(f'{size:<11} {row["hands"]:5}  {node:<18}' + ''.join(
                f' {values[f"{stage} p50 (ms)"]:14.2f} {values[f"{stage} p95 (ms)"]:8.2f}'
                for stage in STAGES
            ))
    return '\n'.join(lines)


if __name__ == '__main__':
    main()
