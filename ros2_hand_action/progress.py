"""How often progress bars are drawn."""

import os
import sys

_VARIABLE = 'TQDM_MININTERVAL'
_LOG_PERIOD_S = '10'


def calm_bars() -> None:
    """Let bars write a line now and then where they go to a log and not to a terminal.

    To be called before tqdm is imported, which reads that from the environment (since 4.66). A
    period that the user has set stays.
    """
    if not sys.stderr.isatty():
        os.environ.setdefault(_VARIABLE, _LOG_PERIOD_S)
