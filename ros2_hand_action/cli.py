"""The `hand-action` command."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ros2_hand_action.errors import HandActionError, ParameterFileError
from ros2_hand_action.interrupts import unwinding_on_signals
from ros2_hand_action.progress import calm_bars

WRONG_USAGE = 2
"""Exit status where options or parameter files are no good: what argparse has, too."""

NOT_READ = 141
"""Exit status where nobody reads the output to its end: what SIGPIPE gives."""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

COMMANDS = {
    'doctor': 'check this machine: ROS, middleware, back ends, models, cameras',
    'models': 'list, fetch, verify and export the networks',
    'hands': 'evaluate hand detection on labelled pictures',
    'poses': 'evaluate 3D body poses on pictures with known joints',
    'gestures': 'train and evaluate gesture classifiers',
    'actions': 'train and evaluate recognisers of actions',
    'run': 'start nodes in one process',
    'replay': 'run the perception on bags, videos and pictures and judge the result',
    'record': 'record images and answers into a bag',
    'label': 'write a first file of expectations for a bag',
    'demo': 'run the whole system on real media and write a report',
}
"""Subcommand -> its line in the help; each is a module of `commands`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status: 0 done, 1 failed, 2 wrong usage.

    Ctrl-C is 130, and SIGTERM leaves with SystemExit(143).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    calm_bars()
    try:
        with unwinding_on_signals():
            return _run(given)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog='hand-action', description='Eyes for people.')
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if given[:1] == [name]:  # import only what is asked for: ROS takes a second to load
            import_module(f'ros2_hand_action.commands.{name}').configure(subparser)
    parsed = parser.parse_args(given)
    try:
        status = int(parsed.execute(parsed) or 0)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # as of `| head`, which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        return NOT_READ
    except (HandActionError, OSError) as error:  # of the system: a full disk, no permission
        print(f'hand-action {parsed.command}: error: {error}{_remedy(error)}', file=sys.stderr)
        return WRONG_USAGE if isinstance(error, ParameterFileError) else 1


def _remedy(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return '; make room, or have the results elsewhere (--out), then run the command again'
    return ''


if __name__ == '__main__':
    sys.exit(main())
