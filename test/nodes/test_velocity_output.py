from types import SimpleNamespace

from ros2_hand_action.commanding.command_map import VelocityOptions
from ros2_hand_action.commanding.velocity import STANDSTILL
from ros2_hand_action.nodes.command_outputs import VelocityOutput

SECOND_NS = 10**9


def test_zero_is_said_until_somebody_has_listened_for_a_while():
    """A commander that was started again once said its zeros before anybody had found it."""
    said = []
    publisher = SimpleNamespace(publish=said.append, get_subscription_count=lambda: 0)
    node = SimpleNamespace(advertise=lambda *_: publisher)
    output = VelocityOutput(node, VelocityOptions(), is_dry=False)
    for second in range(5):
        assert output.publish(STANDSTILL, steady_ns=second * SECOND_NS, insist=False)
    publisher.get_subscription_count = lambda: 1
    told = [
        output.publish(STANDSTILL, steady_ns=5 * SECOND_NS + tenth * SECOND_NS // 10, insist=False)
        for tenth in range(20)
    ]
    assert told == [True] * told.count(True) + [False] * told.count(False)
    assert told[0] and not told[-1]
    assert len(said) == 5 + told.count(True)
