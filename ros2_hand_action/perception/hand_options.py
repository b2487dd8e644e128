"""How hands are looked for, in single pictures and in streams."""

from dataclasses import dataclass

from ros2_hand_action.errors import ConfigError

MODELS = ('full', 'lite', 'egohands')
"""Variants of the networks: exact, faster, or hands found by the EgoHands detector."""

MAX_HANDS = 8


@dataclass(frozen=True)
class HandDetectorOptions:
    """How single pictures are searched.

    The defaults are thorough: 21 looks of the palm detector at a 640 x 480 picture.

    Attributes
    ----------
    model : str
        'full'; 'lite': faster, less exact; 'egohands': found by another network, docs/hands.md.
    max_hands : int
        Most hands that are returned, 1 to 8.
    min_score : float
        Least detection score of a hand, 0 to 1.
    palm_threshold : float
        Least score of a palm (or EgoHands box) that makes the landmark network look, between 0
        and 1.
    whole_scales : tuple of float
        Views of the whole picture, their side in longer sides of the picture, at least 1:
        more than 1 finds hands that fill the picture.
    tile_fractions : tuple of float
        Sides of tiles in longer sides of the picture, above 0 to 1: small ones find hands far
        away. May be empty.
    use_bodies : bool
        Whether the body pose of people in the picture helps to find and judge hands.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    model: str = 'full'
    max_hands: int = MAX_HANDS
    min_score: float = 0.5
    palm_threshold: float = 0.12
    whole_scales: tuple[float, ...] = (1.0, 1.5, 2.0)
    tile_fractions: tuple[float, ...] = (0.5, 0.375)
    use_bodies: bool = True

    def __post_init__(self) -> None:
        _check_model(self.model)
        check_range('max_hands', self.max_hands, 1, MAX_HANDS)
        check_range('min_score', self.min_score, 0, 1)
        check_probability('palm_threshold', self.palm_threshold)
        for scale in self.whole_scales:
            check_range('whole_scales', scale, 1, None)
        for fraction in self.tile_fractions:
            check_range('tile_fractions', fraction, 0, 1, is_open=True)
        if not self.whole_scales:
            raise ConfigError('whole_scales is (), give one scale or more')


@dataclass(frozen=True)
class HandTrackerOptions:
    """How hands are found and followed in a stream.

    Attributes
    ----------
    model : str
        'full'; 'lite': faster, less exact; 'egohands': found by another network, docs/hands.md.
    max_hands : int
        Most hands that are tracked at a time, 1 to 8.
    palm_threshold : float
        Least score of a palm (or EgoHands box) that makes the landmark network look, between 0
        and 1.
    min_score : float
        Least detection score of a new hand, 0 to 1.
    presence_threshold : float
        Least landmark presence of a new hand, between 0 and 1.
    tracking_threshold : float
        Landmark presence below which a tracked hand is lost; between 0 and 1.
    search_interval_ns : int
        Time between searches for more hands while some are tracked, at least 0. While none is
        tracked, and for the rest of a round of views after a find, every image is searched.
    lost_search_interval_ns : int
        The same while a hand was lost less than `lost_memory_ns` ago.
    lost_memory_ns : int
        How long a lost hand may come back under its id, at least 0.
    tile_fraction : float
        Two of three searches look at a tile whose side is this part, or three quarters of it,
        of the image's longer side, which finds hands farther away; above 0 to 1, 1 is no tiles.
    wrist_views : int
        Every second search looks at so many wrists of known bodies without a hand, 0 to 8, in
        the place of the image or a tile.
    smoothing_cutoff_hz : float
        Cut-off of the smoothing of a resting hand, above 0: lower is smoother.
    smoothing_speed_gain : float
        Growth of the cut-off, in Hz, with a speed of one hand size per second, at least 0:
        higher has less lag.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    model: str = 'full'
    max_hands: int = 4
    palm_threshold: float = 0.12
    min_score: float = 0.5
    presence_threshold: float = 0.5
    tracking_threshold: float = 0.4
    search_interval_ns: int = 200_000_000
    lost_search_interval_ns: int = 100_000_000
    lost_memory_ns: int = 1_000_000_000
    tile_fraction: float = 0.5
    wrist_views: int = 1
    smoothing_cutoff_hz: float = 2.0
    smoothing_speed_gain: float = 6.0

    def __post_init__(self) -> None:
        _check_model(self.model)
        check_range('max_hands', self.max_hands, 1, MAX_HANDS)
        check_range('wrist_views', self.wrist_views, 0, MAX_HANDS)
        for name in ('palm_threshold', 'presence_threshold', 'tracking_threshold'):
            check_probability(name, getattr(self, name))
        check_range('min_score', self.min_score, 0, 1)
        for name in ('search_interval_ns', 'lost_search_interval_ns', 'lost_memory_ns',
                     'smoothing_speed_gain'):
            check_range(name, getattr(self, name), 0, None)
        for name, limit in (('tile_fraction', 1), ('smoothing_cutoff_hz', None)):
            check_range(name, getattr(self, name), 0, limit, is_open=True)


def _check_model(value: str) -> None:
    """Raise ConfigError unless there are such networks."""
    if value not in MODELS:
        raise ConfigError(f'model is {value!r}, choose one of {MODELS}')


def check_range(
    name: str, value: float, low: float, high: float | None, *, is_open: bool = False
) -> None:
    """Raise ConfigError unless low <= value <= high, or low < value where `is_open`."""
    fits = (value > low if is_open else value >= low) and (high is None or value <= high)
    if not fits:
        least = f'{"above" if is_open else "at least"} {low}'
        most = '' if high is None else f' and at most {high}'
        raise ConfigError(f'{name} is {value!r}, choose {least}{most}')


def check_probability(name: str, value: float) -> None:
    """Raise ConfigError unless 0 < value < 1."""
    if not 0 < value < 1:
        raise ConfigError(f'{name} is {value!r}, choose a number between 0 and 1')
