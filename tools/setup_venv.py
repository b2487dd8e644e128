"""Make `.venv`: pinned packages, the built interfaces, the `hand-action` command.

Where a ROS 2 installation is sourced it is used; elsewhere ROS comes as wheels. Needs nothing but
the standard library and no syntax newer than Python 3.7, whose version it then refuses.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(CHECKOUT, '.venv')
PYTHON = os.path.join(VENV, 'bin', 'python')
BUILD = os.path.join(VENV, 'build')
TF_MESSAGES = os.path.join('interfaces', 'tf2_msgs')
STAMP = os.path.join(VENV, '.ready')
ROS_PREFIXES = [
    prefix for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(':')
    if prefix and os.path.abspath(prefix) != VENV
]
REQUIREMENTS = [
    os.path.join(CHECKOUT, 'requirements', name) for name in (
        'core.txt', 'ros-sourced.txt' if ROS_PREFIXES else 'ros-wheels.txt', 'dev.txt',
        *(['openvino.txt'] if platform.machine() == 'x86_64' else []),
    )
]


def main() -> None:
    """Bring the environment up to date; print what is done and how long it takes."""
    with open(__file__) as lock:  # two `make` at once: the second waits, then finds it ready
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = {part: hash_words(words) for part, words in list_inputs().items()}
        ready = read_stamp()
        if ready == wanted:
            return
        check_tools()
        print('ROS 2: ' + (f'{" ".join(ROS_PREFIXES)} (sourced)' if ROS_PREFIXES else 'wheels'))
        makers = (make_venv, install_packages, build_interfaces)
        for part, make in zip(wanted, makers):
            if ready.get(part) == wanted[part]:
                continue
            # what is made again takes all later parts with it; an interrupted part has no stamp
            ready = {each: wanted[each] for each in list(wanted)[:list(wanted).index(part)]}
            write_stamp(ready)
            make()
            ready[part] = wanted[part]
        write_stamp(ready)


def list_inputs() -> dict[str, list[str]]:
    """Return what each part of the environment is made from, in the order of making."""
    folders = ['cmake', 'msg', TF_MESSAGES, os.path.join(TF_MESSAGES, 'msg')]
    sources = ['CMakeLists.txt', 'package.xml', 'setup.cfg', *(
        path for folder in folders for path in list_files(folder))]
    return {
        'venv': [sys.version, sys.base_prefix, CHECKOUT, *ROS_PREFIXES],
        'packages': [read(path) for path in REQUIREMENTS],
        'interfaces': [word for path in sources for word in (path, read(f'{CHECKOUT}/{path}'))],
    }


def list_files(folder: str) -> list[str]:
    """Return the files of a folder of the checkout, relative to the checkout."""
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(f'{CHECKOUT}/{folder}'))]
    return [path for path in paths if os.path.isfile(f'{CHECKOUT}/{path}')]


def hash_words(words: list[str]) -> str:
    """Return one hexadecimal digest of texts."""
    return hashlib.sha256('\0'.join(words).encode()).hexdigest()


def read(path: str) -> str:
    """Return a text file's content."""
    with open(path, encoding='utf-8') as file:
        return file.read()


def read_stamp() -> dict[str, str]:
    """Return what the environment was made from; empty where it is absent or unfinished."""
    if not os.path.exists(STAMP):
        return {}
    return dict(line.partition(' ')[::2] for line in read(STAMP).splitlines())


def write_stamp(stamp: dict[str, str]) -> None:
    """Say which parts are made, in one step."""
    os.makedirs(VENV, exist_ok=True)
    with open(STAMP + '.new', 'w') as file:
        file.writelines(f'{name} {digest}\n' for name, digest in stamp.items())
    os.replace(STAMP + '.new', STAMP)


def check_tools() -> None:
    """Exit with one message that names every missing tool and the apt package that has it."""
    version = '{}.{}'.format(*sys.version_info[:2])
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        sys.exit(
            f'{sys.executable} is Python {version}, but 3.10, 3.11 or 3.12 is needed: install one '
            '(sudo apt install python3 python3-venv python3-dev) and choose it with '
            '`make PYTHON=python3.11 ...`'
        )
    if ' ' in CHECKOUT:
        sys.exit(f'{CHECKOUT!r} has a space, which scripts cannot start from: move the checkout')
    if not ROS_PREFIXES and (platform.system(), platform.machine()) != ('Linux', 'x86_64'):
        sys.exit(
            f'ROS 2 comes as wheels for Linux on x86_64 only, and this is {platform.system()} on '
            f'{platform.machine()}: install ROS 2, source its setup.bash, then call make again'
        )
    if ROS_PREFIXES and not has_rclpy():
        sys.exit(
            f'the sourced ROS 2 has no rclpy for {sys.executable} (Python {version}): choose the '
            'Python that it was built for, as in `make PYTHON=/usr/bin/python3 ...`'
        )
    header = os.path.join(sysconfig.get_path('include'), 'Python.h')
    missing = [
        (what, package) for present, what, package in (
            (shutil.which(os.environ.get('CC', 'cc')), 'a C compiler', 'build-essential'),
            (shutil.which(os.environ.get('CXX', 'c++')), 'a C++ compiler', 'build-essential'),
            (importlib.util.find_spec('ensurepip'), 'the venv module', f'python{version}-venv'),
            (os.path.exists(header), f'Python.h ({header})', f'python{version}-dev'),
            (not ROS_PREFIXES or shutil.which('cmake'), 'cmake', 'cmake'),
        ) if not present
    ]
    if missing:
        names = ', '.join(what for what, _ in missing)
        packages = ' '.join(sorted({package for _, package in missing}))
        sys.exit(f'missing: {names}\ninstall with: sudo apt install {packages}')


def has_rclpy() -> bool:
    """Say whether the sourced ROS has rclpy, built for this Python; importing it needs more."""
    package = importlib.util.find_spec('rclpy')
    if package is None or package.origin is None:
        return False
    extension = '_rclpy_pybind11' + sysconfig.get_config_var('EXT_SUFFIX')
    return os.path.exists(os.path.join(os.path.dirname(package.origin), extension))


def make_venv() -> None:
    """Make an empty environment in the place of an unfinished or unfitting one."""
    site_packages = ['--system-site-packages'] if ROS_PREFIXES else []
    announce('making .venv', [sys.executable, '-m', 'venv', '--clear', *site_packages, VENV])


def install_packages() -> None:
    """Install the pinned packages, which name all they need."""
    pins = sum('==' in line for path in REQUIREMENTS for line in read(path).splitlines())
    files = [word for path in REQUIREMENTS for word in ('-r', path)]
    announce(
        f'installing {pins} pinned packages (a minute or two)',
        [PYTHON, '-m', 'pip', 'install', '--no-deps', '--no-compile', '--no-input',
         '--disable-pip-version-check', '--progress-bar', 'off', *files],
    )


def build_interfaces() -> None:
    """Build the interfaces and install them into the environment, as links."""
    if not any(os.path.exists(f'{prefix}/share/tf2_msgs') for prefix in ROS_PREFIXES):
        build_package('tf2_msgs', os.path.join(CHECKOUT, TF_MESSAGES), BUILD + '_tf2_msgs')
    build_package('the interfaces', CHECKOUT, BUILD)
    link_checkout()


def build_package(what: str, source: str, build: str) -> None:
    """Build one package with CMake and install it into the environment, as links."""
    cmake = 'cmake' if ROS_PREFIXES else os.path.join(VENV, 'bin', 'cmake')
    generator = [] if ROS_PREFIXES else [
        '-G', 'Ninja', f'-DCMAKE_MAKE_PROGRAM={os.path.join(VENV, "bin", "ninja")}']
    prefixes = [VENV, *ROS_PREFIXES]
    environment = {**os.environ, 'AMENT_PREFIX_PATH': ':'.join(prefixes)}
    announce(f'configuring {what}', [
        cmake, '-S', source, '-B', build, *generator, '--no-warn-unused-cli',
        f'-DCMAKE_INSTALL_PREFIX={VENV}', f'-DCMAKE_PREFIX_PATH={";".join(prefixes)}',
        f'-DPython3_EXECUTABLE={PYTHON}', f'-DPYTHON_EXECUTABLE={PYTHON}',
        '-DCMAKE_BUILD_TYPE=Release', '-DBUILD_TESTING=OFF', '-DAMENT_CMAKE_SYMLINK_INSTALL=ON',
    ], environment)
    announce(f'building {what} (a minute)', [
        cmake, '--build', build, '--target', 'install', '--parallel', str(os.cpu_count()),
    ], environment)


def link_checkout() -> None:
    """Have every start of the environment's Python run `hand_action_env`."""
    ask = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    packages = subprocess.check_output([PYTHON, '-c', ask], text=True).strip()
    link = os.path.join(packages, 'hand_action_env.py')
    if not os.path.lexists(link):
        os.symlink(os.path.join(CHECKOUT, 'tools', 'hand_action_env.py'), link)
    with open(os.path.join(packages, 'hand_action_env.pth'), 'w') as file:
        file.write('import hand_action_env\n')


def announce(what: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command under a title; show its last line on a terminal, its end where it fails."""
    start = time.monotonic()
    print(f'{what} ...', flush=True)
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if sys.stdout.isatty():
            print(f'\r\033[K  {line.strip()[:90]}', end='', flush=True)
    if sys.stdout.isatty():
        print('\r\033[K', end='')
    if process.wait():
        sys.exit(''.join(lines[-40:]) + f'failed: {what}\n  {" ".join(command)}')
    print(f'  done in {time.monotonic() - start:.0f} s', flush=True)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit('interrupted: the next call goes on with this step')
