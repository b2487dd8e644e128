"""Which topics of a bag are the images, their calibration and their depth."""

from collections.abc import Iterable, Sequence

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.bag_file import BagTopic
from ros2_hand_action.replay.recording import Selection

IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
_INFO_NAME, _COMPRESSED_SUFFIX = 'camera_info', '/compressed'
_DEPTH_WORDS, _REGISTERED_WORDS = ('depth', 'disparity'), ('aligned_depth', 'depth_registered')
_COLOUR_WORDS = ('color', 'colour', 'rgb')
_SHOWN = 40


class TopicError(MediaError):
    """A bag has no such topic, or several that fit; the message lists what it has."""


def choose_topics(
    topics: Sequence[BagTopic], selection: Selection, *, bag: str
) -> tuple[BagTopic, BagTopic | None, BagTopic | None]:
    """Return the topics of the images, and of their calibration and depth where there are any.

    Without a name, images are taken from the only camera whose topic is not named after depth,
    raw ones first; of several the only one that is named after colour. The calibration lies beside
    the images, as image_transport has it; depth is taken unasked where its name says that it is
    registered.

    Parameters
    ----------
    topics : sequence of BagTopic
    selection : Selection
        With names of topics, or of a type that only one topic has.
    bag : str
        Name of the bag, for errors.

    Raises
    ------
    TopicError
    """
    chooser = _Chooser(topics, bag)
    image = chooser.image(selection.image_topic)
    info = chooser.named(selection.info_topic, (CAMERA_INFO,), '--info-topic')
    depth = chooser.named(selection.depth_topic, (IMAGE,), '--depth-topic')
    return image, info or chooser.info_beside(image), depth or chooser.registered_depth()


class _Chooser:
    """Chooses among the topics of one bag."""

    def __init__(self, topics: Sequence[BagTopic], bag: str) -> None:
        self._topics = topics
        self._bag = bag

    def image(self, name: str) -> BagTopic:
        found = self.named(name, (IMAGE, COMPRESSED_IMAGE), '--image-topic')
        if found is not None:
            return found
        images = [
            each for each in self._of_types((IMAGE, COMPRESSED_IMAGE))
            if each.count != 0 and not _has_word(each.name, _DEPTH_WORDS)
        ]
        cameras = {_camera(each.name) for each in images}
        coloured = {name for name in cameras if _has_word(name, _COLOUR_WORDS)}
        if len(cameras) > 1 and len(coloured) == 1:
            cameras = coloured
        if len(cameras) != 1:
            what = 'several topics with images' if cameras else 'no images'
            raise self._error(f'it has {what}: choose one with --image-topic')
        (camera,) = cameras
        return min(
            (each for each in images if _camera(each.name) == camera),
            key=lambda each: (each.type != IMAGE, len(each.name)),
        )

    def named(self, name: str, types: tuple[str, ...], option: str) -> BagTopic | None:
        """Return the topic of a name or type; None where no name is given."""
        if not name:
            return None
        fitting = [each for each in self._topics if name.strip('/') == each.name.strip('/')]
        if not fitting:
            fitting = [each for each in self._of_types(types) if each.type == name]
        if not fitting:
            raise self._error(f'{option} {name!r} is not among its topics')
        usable = [each for each in fitting if each.type in types]
        if not usable:
            raise self._error(
                f'{option} {name!r} is of type {fitting[0].type!r}, not {" or ".join(types)}'
            )
        if len(usable) > 1:
            raise self._error(f'{option} {name!r} fits {len(usable)} topics: give one name')
        if usable[0].count == 0:
            raise self._error(f'{option} {name!r} has no message')
        return usable[0]

    def info_beside(self, image: BagTopic) -> BagTopic | None:
        beside = f'{_camera(image.name).rpartition("/")[0]}/{_INFO_NAME}'
        infos = [each for each in self._of_types((CAMERA_INFO,)) if each.count != 0]
        named = [each for each in infos if each.name == beside]
        others = [each for each in infos if not _has_word(each.name, _DEPTH_WORDS)]
        return named[0] if named else others[0] if len(others) == 1 else None

    def registered_depth(self) -> BagTopic | None:
        found = [
            each for each in self._of_types((IMAGE,))
            if each.count != 0 and _has_word(each.name, _REGISTERED_WORDS)
        ]
        return found[0] if len(found) == 1 else None

    def _of_types(self, types: Iterable[str]) -> list[BagTopic]:
        return [each for each in self._topics if each.type in types]

    def _error(self, text: str) -> TopicError:
        lines = [
            f'  {each.name}  {each.type or "(unknown type)"}  '
            f'{"?" if each.count is None else each.count} messages'
            for each in self._topics[:_SHOWN]
        ]
        more = len(self._topics) - len(lines)
        if more:
            lines.append(f'  ... and {more} more')
        listed = '\n'.join(lines) or '  (none)'
        return TopicError(f'{self._bag}: {text}. Its topics are\n{listed}')


def _camera(name: str) -> str:
    """Return the name of the raw images of a topic's camera."""
    return name[: -len(_COMPRESSED_SUFFIX)] if name.endswith(_COMPRESSED_SUFFIX) else name


def _has_word(name: str, words: Iterable[str]) -> bool:
    return any(word in name.lower() for word in words)
