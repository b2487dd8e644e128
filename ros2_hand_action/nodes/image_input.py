"""Where images come from: raw or compressed, whichever is published."""

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.parameters import NodeParameter
from ros2_hand_action.nodes.subscription import Candidate
from ros2_hand_action.nodes.wire import read_image

IMAGE_TRANSPORT = NodeParameter(
    'image_transport', 'auto',
    'Kind of image to subscribe to; auto takes what is published, raw first',
    choices=('auto', 'raw', 'compressed'),
)


def image_candidates(node: Node, transport: str) -> list[Candidate]:
    """Return the topics and types that serve as the node's image, in order of preference.

    Compressed images are looked for beside the remapped name of the raw ones, as image_transport
    does, and under that name itself.
    """
    name = node.resolve_topic_name(topics.IMAGE)
    raw = [Candidate(name, Image, read_image)]
    compressed = [
        Candidate(name + topics.COMPRESSED_SUFFIX, CompressedImage),
        Candidate(name, CompressedImage),
    ]
    return {'raw': raw, 'compressed': compressed, 'auto': raw + compressed}[transport]
