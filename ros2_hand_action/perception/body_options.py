"""How bodies are found and followed."""

from dataclasses import dataclass

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.hand_options import check_probability, check_range

MODELS = ('full', 'lite', 'heavy', 'bodypose3dnet')
"""BlazePose in three sizes, and NVIDIA's BodyPose3DNet, whose weights the user brings."""

MAX_BODIES = 6


@dataclass(frozen=True)
class BodyPoseOptions:
    """How people are found and followed in a stream.

    Attributes
    ----------
    model : str
        One of MODELS: 'lite' is faster, 'heavy' more exact than 'full'.
    bodypose3dnet_preset : str
        How pixels are prepared for that network: 'bgr', 'rgb' or 'rgb_mean'; sources disagree.
    max_bodies : int
        Most people that are tracked at a time, 1 to 6.
    detection_threshold, presence_threshold : float
        Lowest detector score, and lowest presence in the landmark network, of a new person;
        between 0 and 1.
    tile_threshold : float
        Lowest detector score of a new, upright person in a tile, where parts of things look like
        people; between 0 and 1. One who leans by more than 60 degrees needs 0.1 more.
    tracking_threshold : float
        Presence below which a tracked person is lost; between 0 and 1.
    keypoint_threshold : float
        Chance of being in view below which a keypoint is unknown; between 0 and 1.
    search_interval_ns : int
        Time between searches for more people while some are tracked, at least 0. While nobody
        is tracked every image is searched.
    lost_search_interval_ns : int
        The same while a person was lost less than `lost_memory_ns` ago.
    lost_memory_ns : int
        How long a lost person may come back under the same id, at least 0.
    tile_fraction : float
        Every second search looks at a tile of this part of the image's longer side, which
        finds people farther away; above 0 to 1, 1 is no tiles.
    person_height_m : float
        Height by which distances are scaled where no depth image tells; above 0 to 3.
    smoothing_cutoff_hz : float
        Cut-off of the smoothing of a person who stands still, above 0: lower is smoother.
    smoothing_speed_gain : float
        Growth of the cut-off, in Hz, with a speed of 1 m/s, at least 0: higher has less lag.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    model: str = 'full'
    bodypose3dnet_preset: str = 'bgr'
    max_bodies: int = MAX_BODIES
    detection_threshold: float = 0.5
    tile_threshold: float = 0.65
    presence_threshold: float = 0.5
    tracking_threshold: float = 0.5
    keypoint_threshold: float = 0.5
    search_interval_ns: int = 500_000_000
    lost_search_interval_ns: int = 100_000_000
    lost_memory_ns: int = 1_500_000_000
    tile_fraction: float = 0.5
    person_height_m: float = 1.7
    smoothing_cutoff_hz: float = 0.4
    smoothing_speed_gain: float = 6.0

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ConfigError(f'model is {self.model!r}, choose one of {MODELS}')
        check_range('max_bodies', self.max_bodies, 1, MAX_BODIES)
        for name in ('detection_threshold', 'tile_threshold', 'presence_threshold',
                     'tracking_threshold', 'keypoint_threshold'):
            check_probability(name, getattr(self, name))
        for name in ('search_interval_ns', 'lost_search_interval_ns', 'lost_memory_ns',
                     'smoothing_speed_gain'):
            check_range(name, getattr(self, name), 0, None)
        for name, limit in (('tile_fraction', 1), ('smoothing_cutoff_hz', None),
                            ('person_height_m', 3)):
            check_range(name, getattr(self, name), 0, limit, is_open=True)
