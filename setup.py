"""For `pip install`: the core and the `hand-action` command, without messages and nodes.

ROS builds go through CMakeLists.txt. Name, version and the like are read from package.xml, entry
points from setup.cfg.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
MANIFEST = ElementTree.parse(HERE / 'package.xml').getroot()
NAME = str(MANIFEST.findtext('name'))
MESSAGES = [str(path.relative_to(HERE)) for path in sorted(HERE.glob('msg/*.msg'))]
CONFIG = [str(path.relative_to(HERE)) for path in sorted(HERE.glob('config/*.*'))]

setup(
    name=NAME,
    version=MANIFEST.findtext('version'),
    description=MANIFEST.findtext('description'),
    license=MANIFEST.findtext('license'),
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['**/*.onnx', '**/*.css', '**/*.js']},
    data_files=[(f'share/{NAME}/config', CONFIG), (f'share/{NAME}/msg', MESSAGES)],
    python_requires='>=3.10',
    # what works; what is tested is pinned in requirements/
    install_requires=[
        'backports.zstd>=1.0',
        'lz4>=4.0',
        'matplotlib>=3.5',
        'numpy>=1.21',
        'onnx>=1.15',
        'onnxruntime>=1.16',
        'opencv-python-headless>=4.5',
        'PyYAML>=5.4',
        'pip>=22',
        'protobuf>=3.20',
        'rosbags>=0.11',
        'tflite>=2.10',
        'tqdm>=4.57',
    ],
    extras_require={
        'dask': ['distributed>=2022.5'],  # hand-action replay --scheduler
        'openvino': ['openvino>=2026.4'],  # docs/cpu_backends.md
    },
)
