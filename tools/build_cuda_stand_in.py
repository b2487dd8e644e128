"""Compile PyCUDA and the CUDA driver simulator of the tests, and install TensorRT-RTX.

For a machine without a GPU: the headers come as a wheel, the driver is
`test/inference/cuda_simulator/simulator.c`. Nothing of it is needed, or used, on a machine that
has CUDA: there PyCUDA is installed as its users do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / '.venv' / 'cuda_stand_in'
REQUIREMENTS = CHECKOUT / 'requirements' / 'cuda-stand-in.txt'
SIMULATOR = CHECKOUT / 'test' / 'inference' / 'cuda_simulator' / 'simulator.c'
STAMP = FOLDER / '.ready'
SOURCE_PACKAGES = ('pycuda', 'tensorrt-rtx-cu13')
"""Those that are no wheels, and need others of the folder to be built."""

_PROFILER_HEADER = """#include <cuda.h>
typedef enum CUoutput_mode_enum { CU_OUT_KEY_VALUE_PAIR, CU_OUT_CSV } CUoutput_mode;
extern "C" CUresult cuProfilerInitialize(const char *, const char *, CUoutput_mode);
extern "C" CUresult cuProfilerStart(void);
extern "C" CUresult cuProfilerStop(void);
"""
"""cudaProfiler.h, which PyCUDA includes, is in no wheel."""


def main() -> None:
    """Build what is missing or out of date."""
    wanted = hashlib.sha256(
        b'\0'.join(path.read_bytes() for path in (Path(__file__), REQUIREMENTS, SIMULATOR))
    ).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    start_s = time.monotonic()
    print('compiling PyCUDA for tests without a GPU (a minute or two) ...', flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    build_pycuda()
    build_simulator()
    STAMP.write_text(wanted)
    print(f'  done in {time.monotonic() - start_s:.0f} s', flush=True)


def build_pycuda() -> None:
    """Install PyCUDA from source, linked against nothing: the driver is found at run time."""
    pins = [line for line in REQUIREMENTS.read_text().splitlines() if '==' in line]
    sources = [pin for pin in pins if pin.split('==')[0] in SOURCE_PACKAGES]
    install([pin for pin in pins if pin not in sources])
    root = FOLDER / 'nvidia' / 'cuda_runtime'
    (root / 'include' / 'cudaProfiler.h').write_text(_PROFILER_HEADER)
    with tempfile.TemporaryDirectory() as home:
        # PyCUDA's build reads its settings from the home folder.
        empty = Path(home) / 'empty.c'
        empty.write_text('')
        compile_library(empty, Path(home) / 'libcuda.so')
        Path(home, '.aksetup-defaults.py').write_text(
            f'CUDA_ROOT = {str(root)!r}\nCUDA_ENABLE_CURAND = False\n'
            f'CUDADRV_LIB_DIR = [{home!r}]\nCXXFLAGS = ["-O0", "-w"]\n'
        )
        install(sources, home=home)


def install(pins: list[str], *, home: str = '') -> None:
    """Install packages into the folder."""
    environment = {**base_environment(), **({'HOME': home} if home else {})}
    done = subprocess.run(
        [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-build-isolation',
         '--disable-pip-version-check', '--target', str(FOLDER), *pins],
        env=environment, capture_output=True, text=True,
    )
    if done.returncode:
        sys.exit(f'cannot install {pins}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}')


def base_environment() -> dict[str, str]:
    """Return the environment in which the folder's packages are found by a build."""
    return {**os.environ, 'PYTHONPATH': str(FOLDER)}


def build_simulator() -> None:
    """Compile the driver; functions that it does not simulate say that they are not supported."""
    [extension] = FOLDER.glob('pycuda/_driver*.so')
    listed = subprocess.run(
        ['nm', '-D', '--undefined-only', str(extension)], check=True, capture_output=True,
        text=True,
    ).stdout.split()
    wanted = {name for name in listed if name.startswith('cu') and name[2].isupper()}
    source = SIMULATOR.read_text()
    unused = sorted(name for name in wanted if f'Status {name}(' not in source)
    (FOLDER / 'unused.h').write_text(
        ''.join(f'Status {name}(void) {{ return NOT_SUPPORTED; }}\n' for name in unused)
    )
    compile_library(SIMULATOR, FOLDER / 'libcuda.so.1')


def compile_library(source: Path, target: Path) -> None:
    """Compile C into a shared library."""
    subprocess.run(
        ['cc', '-shared', '-fPIC', '-O1', '-w', '-pthread', '-Wl,-soname,libcuda.so.1',
         f'-I{FOLDER}', str(source), '-o', str(target)],
        check=True,
    )


if __name__ == '__main__':
    main()
