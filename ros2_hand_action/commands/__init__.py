"""The subcommands of `hand-action`, one module each.

Importing this package keeps numpy's linear algebra, where it is loaded afterwards, to one
thread: on the small matrices here OpenBLAS's waiting threads cost eight times the processor
time that they save (measured with `gestures train` on two busy cores).
"""

import os

os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
