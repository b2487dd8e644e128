"""NVIDIA's BodyPose3DNet: 34 keypoints in the image, and their depth relative to each other.

Inputs, outputs, crop, limb lengths and lifting are those of NVIDIA's published DeepStream
application `deepstream-bodypose-3d`; sources disagree on pixels, so those are presets. The
weights are not distributed with this package: `hand-action models path bodypose3dnet`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference.batches import run_rows
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.body_detection import REGION_SCALE
from ros2_hand_action.perception.body_network import SeenBodies
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS
from ros2_hand_action.perception.stage_times import StageClock

INPUT_WIDTH, INPUT_HEIGHT = 192, 256
LIMB_SLOTS = 36
OUTPUTS = ('pose2d', 'pose2d_org_img', 'pose25d', 'pose3d')

_WIDTH_SCALE, _ASPECT = 1.25, 4 / 3
"""The crop is 1.25 times the box's longer side wide, and a third taller than wide."""

LIMBS = tuple(zip(
    (0, 3, 6, 8, 5, 2, 2, 21, 23, 21, 7, 4, 1, 1, 20, 22, 20),
    (3, 6, 0, 5, 2, 0, 21, 23, 25, 6, 4, 1, 0, 20, 22, 24, 6),
))
"""Pairs of keypoints whose distance the network is told."""

_LIMB_PLACES = (*range(9), *range(16, 23), 30)
"""Slot of each of LIMBS in the network's tables of 36; the others are zero."""

MEAN_LIMB_LENGTHS_MM = (
    246.3427, 246.3427, 492.6854, 402.4380, 487.0321, 128.6856, 391.6295, 281.9928, 249.9478,
    169.1832, 402.2611, 488.1824, 128.6848, 407.5836, 281.9897, 249.9489, 168.6137,
)
"""Lengths of LIMBS in an average body."""

NORMALIZED_LIMB_LENGTHS = (
    0.5, 0.5, 1.0, 0.8175, 0.9889, 0.2610, 0.7942, 0.5724, 0.5078,
    0.3433, 0.8171, 0.9912, 0.2610, 0.8259, 0.5724, 0.5078, 0.3422,
)
"""The same, in distances from neck to pelvis."""

AVERAGE_HEIGHT_M = 1.77
"""Height that goes with MEAN_LIMB_LENGTHS_MM: shank, thigh and trunk over 0.779 (see
`perception.lifting`)."""


@dataclass(frozen=True)
class PixelPreset:
    """How pixels become the network's input: (pixel - mean) / 255 in this order."""

    order: PixelOrder
    mean: tuple[float, float, float]


PRESETS = {
    'bgr': PixelPreset(PixelOrder.BGR, (0.0, 0.0, 0.0)),
    'rgb': PixelPreset(PixelOrder.RGB, (0.0, 0.0, 0.0)),
    'rgb_mean': PixelPreset(PixelOrder.RGB, (123.675, 116.28, 103.53)),
}
"""bgr: the DeepStream application; rgb_mean: NVIDIA's tracker; rgb: others."""


def limb_table(lengths: tuple[float, ...]) -> np.ndarray:
    """Return lengths of LIMBS as the network takes them, float32 (36,)."""
    table = np.zeros(LIMB_SLOTS, np.float32)
    table[list(_LIMB_PLACES)] = lengths
    return table


def crop_matrices(regions_px: np.ndarray) -> np.ndarray:
    """Return the affine matrices (n, 3, 3) from the crops' pixels to the image's.

    The region's rotation is not used: the network wants upright crops.
    """
    side = regions_px[:, 2] / REGION_SCALE
    width = _WIDTH_SCALE * side
    matrices = np.zeros((len(regions_px), 3, 3))
    matrices[:, 0, 0] = width / INPUT_WIDTH
    matrices[:, 1, 1] = _ASPECT * width / INPUT_HEIGHT
    matrices[:, 0, 2] = regions_px[:, 0] - width / 2
    matrices[:, 1, 2] = regions_px[:, 1] - _ASPECT * width / 2
    matrices[:, 2, 2] = 1
    return matrices


def crop_inverse_intrinsics(camera: CameraModel, matrices: np.ndarray) -> np.ndarray:
    """Return (n, 3, 3) matrices from the crops' pixels to rays: inverse of K, after the crop."""
    k = camera.matrix.copy()
    k[:2, 2] += 0.5  # pixels of the records, see perception.camera
    intrinsics: np.ndarray = np.linalg.inv(k) @ matrices
    return intrinsics


class BodyPose3DNet:
    """The network as a `BodyNetwork`.

    Parameters
    ----------
    session : InferenceSession
    preset : str
        One of PRESETS.
    keypoint_threshold : float
        Confidence below which a keypoint is unknown, 0 to 1.
    height_m : float
        Height of the people, by which limbs are scaled.

    Raises
    ------
    ConfigError
        If there is no such preset.
    ModelError
        If the network does not have the five inputs and four outputs.
    """

    def __init__(
        self,
        session: InferenceSession,
        *,
        preset: str,
        keypoint_threshold: float,
        height_m: float,
    ) -> None:
        if preset not in PRESETS:
            raise ConfigError(f'preset is {preset!r}, choose one of {tuple(PRESETS)}')
        _check_contract(session)
        self._session = session
        self._preset = PRESETS[preset]
        self._threshold = keypoint_threshold
        growth = height_m / AVERAGE_HEIGHT_M
        self._lengths_mm = np.array(MEAN_LIMB_LENGTHS_MM) * growth
        self._tables = {
            'scale_normalized_mean_limb_lengths': limb_table(NORMALIZED_LIMB_LENGTHS),
            'mean_limb_lengths': limb_table(tuple(self._lengths_mm)),
        }

    def find(
        self, frame: Frame, regions_px: np.ndarray, camera: CameraModel, clock: StageClock
    ) -> SeenBodies:
        """Find the keypoints in regions (n, 4) of the frame; n may be 0."""
        count = len(regions_px)
        clock.prepare()
        matrices = crop_matrices(regions_px)
        feeds = {
            'input0': self._cut(frame, matrices),
            'k_inv': crop_inverse_intrinsics(camera, matrices).astype(np.float32),
            't_form_inv': matrices.astype(np.float32),
            **{name: np.repeat(table[None], count, 0) for name, table in self._tables.items()},
        }
        clock.infer()
        pose = np.zeros((0, len(KEYPOINTS), 4))
        if count:
            outputs = run_rows(self._session, feeds)
            pose = outputs['pose25d'].reshape(count, len(KEYPOINTS), 4)
        clock.finish()
        return self._collect(pose.astype(np.float64), matrices, camera)

    def _cut(self, frame: Frame, matrices: np.ndarray) -> np.ndarray:
        """Return the crops as the network takes them, float32 (n, 3, 256, 192)."""
        blob = np.empty((len(matrices), 3, INPUT_HEIGHT, INPUT_WIDTH), np.float32)
        mean = np.array(self._preset.mean, np.float32)[:, None, None]
        for planes, matrix in zip(blob, matrices):
            sampling = matrix[:2].copy()  # cv2 counts from the centre of the top left pixel
            sampling[:, 2] += 0.5 * (sampling[:, 0] + sampling[:, 1]) - 0.5
            crop = cv2.warpAffine(
                frame.pixels, sampling, (INPUT_WIDTH, INPUT_HEIGHT),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            )
            colours = crop[None] if frame.order is PixelOrder.MONO else crop.transpose(2, 0, 1)
            ordered = colours if frame.order is self._preset.order else colours[::-1]
            planes[:] = (ordered - mean) / np.float32(255)
        return blob

    def _collect(
        self, pose25d: np.ndarray, matrices: np.ndarray, camera: CameraModel
    ) -> SeenBodies:
        """Carry the crops' keypoints to the image and to metres."""
        turn, shift = matrices[:, :2, :2], matrices[:, :2, 2]
        keypoints_px = pose25d[..., :2] @ turn.transpose(0, 2, 1) + shift[:, None]
        confidence = np.clip(pose25d[..., 3], 0, 1)
        rays = camera.unproject(keypoints_px.reshape(-1, 2)).reshape(*keypoints_px.shape[:2], 3)
        placed = np.reshape([
            lift_pose25d(ray, pose[:, 2], sure, self._lengths_mm)
            for ray, pose, sure in zip(rays, pose25d, confidence)
        ], (-1, len(KEYPOINTS), 3))
        relative = placed - placed[:, INDEX['pelvis'], None]
        known = np.where(confidence >= self._threshold, confidence, 0.0)
        presence = confidence.mean(axis=1) if len(confidence) else np.zeros(0)
        return SeenBodies(
            keypoints_px, known, relative, placed, make_circles(keypoints_px), presence
        )


def lift_pose25d(
    rays: np.ndarray, depths: np.ndarray, confidence: np.ndarray, lengths_mm: np.ndarray
) -> np.ndarray:
    """Return keypoints (34, 3) in metres in the camera's frame.

    The root's depth follows from each limb's known length by a quadratic equation
    (https://arxiv.org/abs/1804.09534, section 3.3); the median counts. The scale is that which
    brings all limbs nearest to their length.

    Parameters
    ----------
    rays : np.ndarray
        (34, 3), z = 1.
    depths : np.ndarray
        (34,): relative to the root, in distances from neck to pelvis.
    confidence : np.ndarray
        (34,): 0 to 1.
    lengths_mm : np.ndarray
        (17,): lengths of LIMBS.

    Returns
    -------
    np.ndarray
        NaN where no limb allows a solution.
    """
    first, second = np.array(LIMBS).T
    root = _solve_root(rays[first], rays[second], depths[first], depths[second])
    points = rays * (depths + root)[:, None]
    lengths = np.linalg.norm(points[first] - points[second], axis=1)
    weights = confidence[first] * confidence[second]
    total = (weights * lengths**2).sum()
    if not total > 0:
        return np.full(points.shape, np.nan)
    scaled: np.ndarray = points * ((weights * lengths * lengths_mm).sum() / total) / 1000
    return scaled


def _solve_root(
    rays_a: np.ndarray, rays_b: np.ndarray, depth_a: np.ndarray, depth_b: np.ndarray
) -> float:
    """Return the depth of the root at which limbs have their normalised lengths."""
    apart = rays_a - rays_b
    offset = rays_a * depth_a[:, None] - rays_b * depth_b[:, None]
    a = (apart**2).sum(axis=1)
    b = 2 * (apart * offset).sum(axis=1)
    c = (offset**2).sum(axis=1) - np.square(NORMALIZED_LIMB_LENGTHS)
    square = b**2 - 4 * a * c
    solvable = (square >= 0) & (a > 1e-12)
    if not solvable.any():
        return float('nan')
    farther = (-b[solvable] + np.sqrt(square[solvable])) / (2 * a[solvable])
    return float(np.median(farther))


def make_circles(keypoints_px: np.ndarray) -> np.ndarray:
    """Return circles (n, 2, 2) around bodies: the pelvis, and the rim straight above it."""
    centers = keypoints_px[:, INDEX['pelvis']]
    radii = np.linalg.norm(keypoints_px - centers[:, None], axis=2).max(axis=1, initial=0)
    return np.stack([centers, centers - np.stack([np.zeros(len(radii)), radii], axis=1)], axis=1)


def _check_contract(session: InferenceSession) -> None:
    wanted = ('input0', 'k_inv', 't_form_inv', 'scale_normalized_mean_limb_lengths',
              'mean_limb_lengths')
    inputs = {spec.name for spec in session.inputs}
    outputs = {spec.name for spec in session.outputs}
    if inputs != set(wanted) or not set(OUTPUTS) <= outputs:
        raise ModelError(
            f'the network has the inputs {sorted(inputs)} and outputs {sorted(outputs)}, '
            f'BodyPose3DNet has {sorted(wanted)} and {sorted(OUTPUTS)}: export it again'
        )
