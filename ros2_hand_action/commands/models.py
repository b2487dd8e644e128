"""`hand-action models`: list, fetch, verify, export, build, quantize, check the networks."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ros2_hand_action.commands import model_check
from ros2_hand_action.commands.model_versions import configure_build, configure_quantize
from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.catalogue import (
    Asset,
    Model,
    Registry,
    find_asset,
    load_media,
    load_models,
)
from ros2_hand_action.models.fetch import fetch_media, fetch_models
from ros2_hand_action.models.store import (
    State,
    cache_folder,
    file_state,
    media_file,
    media_path,
    model_path,
    model_state,
    onnx_path,
    source_file,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    parser.epilog = f'Models and media lie in {cache_folder()} (set HAND_ACTION_CACHE to move it).'
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    listing = actions.add_parser('list', help='show models and media, and whether they are here')
    listing.set_defaults(execute=list_assets)
    fetch = actions.add_parser('fetch', help='download, verify and convert')
    fetch.add_argument(
        'names', nargs='*', metavar='NAME', help='models or media (default: the models needed)'
    )
    fetch.add_argument('--all', action='store_true', help='everything that can be fetched')
    fetch.add_argument('--media', action='store_true', help="also the demo's media")
    fetch.set_defaults(execute=fetch_assets)
    verify = actions.add_parser('verify', help='check every file that is here')
    verify.add_argument('names', nargs='*', metavar='NAME', help='models (default: all)')
    verify.set_defaults(execute=verify_assets)
    path = actions.add_parser('path', help="print where a model's or medium's file is")
    path.add_argument('name', metavar='NAME')
    path.set_defaults(execute=print_path)
    export = actions.add_parser('export', help='write a model as ONNX with its origin inside')
    export.add_argument('name', metavar='NAME')
    export.add_argument('--out', type=Path, required=True, metavar='FILE')
    export.set_defaults(execute=export_asset)
    configure_build(actions.add_parser('build', help='build TensorRT engines beforehand'))
    configure_quantize(actions.add_parser('quantize', help='write a model in 8 bits'))
    model_check.configure(actions.add_parser(
        'check', help="tell by pictures how NVIDIA's networks want them"
    ))


def list_assets(_: argparse.Namespace) -> int:
    """Print a table of models and one of media."""
    models = [_row(model, model_state(model)) for model in load_models().values()]
    _print_table([('MODEL', 'TASK', 'LICENCE', 'SOURCE', 'BYTES', 'STATE'), *models])
    media = [_row(asset, file_state(asset, media_file(asset))) for asset in load_media().values()]
    print()
    _print_table([('MEDIA', 'SHOWS', 'LICENCE', 'SOURCE', 'BYTES', 'STATE'), *media])
    return 0


def _row(asset: Asset, state: State) -> tuple[str, str, str, str, str, str]:
    size = f'{asset.size:,}' if asset.size else '-'
    name = f'{asset.name} *' if asset.default else asset.name
    return name, asset.about, asset.licence, str(asset.package), size, state.value


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print('  '.join(cells).rstrip())


def fetch_assets(arguments: argparse.Namespace) -> int:
    """Make models and media ready and say what was done."""
    wanted = _chosen(arguments.names, everything=arguments.all, media=arguments.media)
    models = [asset for asset in wanted if isinstance(asset, Model)]
    media = [asset for asset in wanted if not isinstance(asset, Model)]
    done = len(fetch_models(models)) + len(fetch_media(media))
    print(f'{len(wanted)} ready, {done} of them made now, in {cache_folder()}', file=sys.stderr)
    return 0


def _chosen(names: Sequence[str], *, everything: bool, media: bool) -> list[Asset]:
    known: dict[str, Asset] = {**load_models(), **load_media()}
    if names:
        return [find_asset(known, name) for name in names]
    if everything:
        return [
            asset for asset in known.values() if asset.package.registry is not Registry.NGC
        ]
    return [
        asset for asset in known.values()
        if asset.default and (media or isinstance(asset, Model))
    ]


def verify_assets(arguments: argparse.Namespace) -> int:
    """Check files by size, sha256 and contract; status 1 if one that is here is not right."""
    models = [find_asset(load_models(), name) for name in arguments.names]
    wrong = 0
    for model in models or load_models().values():
        problem = _problem(model)
        wrong += problem is not None
        print(f'{model.name}: {problem or model_state(model).value}')
    if not models:
        for asset in load_media().values():
            state = file_state(asset, media_file(asset))
            wrong += state is State.DAMAGED
            print(f'{asset.name}: {state.value}')
    if wrong:
        print(f'{wrong} not right; run: hand-action models fetch NAME', file=sys.stderr)
    return 1 if wrong else 0


def _problem(model: Model) -> str | None:
    """Return what is wrong with a model's files, None if nothing, absent ones included."""
    state = model_state(model)
    if state in (State.DAMAGED, State.STALE):
        return str(state.value)
    fetched = model.package.registry not in (Registry.NGC, Registry.BUNDLED)
    if fetched and file_state(model, source_file(model)) is State.DAMAGED:
        return f'source file {source_file(model).name} is damaged'
    if state is not State.READY:
        return None
    from ros2_hand_action.models.contract import check_contract

    try:
        check_contract(onnx_path(model), model)
    except ModelError as error:
        return str(error)
    return None


def print_path(arguments: argparse.Namespace) -> int:
    """Print the path of a model's ONNX file, or of a medium."""
    is_media = arguments.name in load_media()
    print(media_path(arguments.name) if is_media else model_path(arguments.name))
    return 0


def export_asset(arguments: argparse.Namespace) -> int:
    """Write a model with its origin, licence and contract in its metadata."""
    from ros2_hand_action.models.contract import export_model

    model = find_asset(load_models(), arguments.name)
    export_model(model_path(model.name), model, arguments.out)
    print(arguments.out)
    return 0
