from rclpy.context import Context

from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.runner import NodeGroup


def test_nobody_sees_nodes_of_a_group_that_is_closed(probe):
    """Their participant once lived on, with services that never answer."""
    def is_seen() -> bool:
        return 'overlay' in probe.node.get_node_names()

    with NodeGroup([OverlayNode], context=Context()):
        probe.wait(is_seen, 'the node')
    probe.wait(lambda: not is_seen(), 'the end of the node')
