"""`hand-action label`: a first file of expectations, for a person to correct."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.replay.expectation_file import SUFFIX
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.labelling import write_expectations
from ros2_hand_action.replay.named_options import make_replay_options
from ros2_hand_action.replay.parameter_file import check_parameter_file
from ros2_hand_action.replay.replay import replay_source


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        'source', type=Path, metavar='SOURCE',
        help='a bag, a video or a folder of pictures, as for `hand-action replay`',
    )
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help=f'file to write (default: SOURCE{SUFFIX})'
    )
    parser.add_argument(
        '-o', '--option', action='append', default=[], metavar='NAME=VALUE',
        help='option of the replay, which the file then holds, such as bodies=true or start_s=2',
    )
    parser.add_argument(
        '--force', action='store_true', help='replace the file, and what was corrected in it'
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Replay the source and write the file."""
    source: Path = parsed.source.resolve()
    beside = source.with_name(source.name + SUFFIX)
    out: Path = (parsed.out or beside).resolve()
    check_file(out, '--out')
    if out.exists() and not parsed.force:
        raise ConfigError(f'{str(out)!r} exists: it may hold corrections; replace it with --force')
    values = dict(_read_option(text) for text in parsed.option)
    options = make_replay_options(values, origin='--option', folder=Path.cwd())
    check_parameter_file(options.pipeline.params)
    with (
        tempfile.TemporaryDirectory(prefix='hand_action_label_') as scratch,
        tqdm(desc='replaying', total=_count_images(source, options), unit=' images') as bar,
    ):
        clip = replay_source(
            source, options, store=Path(scratch) / 'frames', on_frame=lambda *_: bar.update()
        )
        named = '' if out == beside else str(source)
        text = write_expectations(clip, source=named, options=values)
    try:
        write_atomically(out, text.encode())
    except OSError as error:
        raise ConfigError(f'cannot write {str(out)!r} ({error}): choose another --out') from error
    print(f'{out}\nCorrect it, then: hand-action replay {parsed.source}')
    return 0


def _read_option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition('=')
    if not equals or not name:
        raise ConfigError(f'--option {text!r} is not of the form NAME=VALUE')
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f'--option {text!r} has a value that is no YAML: {error}') from error


def _count_images(source: Path, options: Any) -> int | None:
    with open_input(source, options.selection) as opened:
        return opened.image_count or None
