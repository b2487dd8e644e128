"""Run by every start of the Python in `.venv` (a .pth file there imports it).

The checkout comes first on the path, so that an edited or added file counts at once, and ROS finds
the interfaces that were installed into the environment, without sourcing anything.
"""

import importlib.util
import os
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
LIBRARIES = os.path.join(sys.prefix, 'lib')


def _prepend(variable: str, folder: str) -> bool:
    """Put a folder first in a path variable; say whether it was missing."""
    folders = [each for each in os.environ.get(variable, '').split(os.pathsep) if each]
    if folder in folders:
        return False
    os.environ[variable] = os.pathsep.join([folder, *folders])
    return True


sys.path.insert(0, CHECKOUT)
_prepend('AMENT_PREFIX_PATH', sys.prefix)
if _prepend('LD_LIBRARY_PATH', LIBRARIES):  # the loader reads it once: start again
    if importlib.util.find_spec('ros_wheels_bootstrapper'):
        # its .pth comes after ours and starts again, unless another environment said it has
        os.environ.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None)
    else:
        os.execv(sys.executable, sys.orig_argv)
