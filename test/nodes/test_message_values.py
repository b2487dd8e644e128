import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Polygon, PoseWithCovariance
from std_msgs.msg import Bool, Float32MultiArray, String, UInt8

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.message_values import import_message_type, make_message


def test_types_are_found_by_name():
    assert import_message_type('std_msgs/msg/Bool') is Bool


@pytest.mark.parametrize('name', ['std_msgs/msg/Boole', 'no_msgs/msg/Bool', '/msg/', 'Bool'])
def test_unknown_types_are_refused(name):
    with pytest.raises(ConfigError, match='cannot be imported'):
        import_message_type(name)


def test_values_go_into_nested_fields_and_lists():
    polygon = make_message(Polygon, {'points': [{'x': 1, 'y': 2.5}, {}]}, {})
    assert [(point.x, point.y) for point in polygon.points] == [(1.0, 2.5), (0.0, 0.0)]
    pose = make_message(
        PoseWithCovariance, {'covariance': [0] * 36, 'pose': {'position': {'z': 2}}}, {}
    )
    assert pose.pose.position.z == 2.0 and list(pose.covariance) == [0.0] * 36
    array = make_message(Float32MultiArray, {'data': [1, 2.5]}, {})
    assert list(array.data) == [1.0, 2.5]
    report = make_message(
        DiagnosticArray, {'status': [{'name': '{who}', 'values': [{'key': 'a'}]}]}, {'who': 'me'}
    )
    assert report.status[0].name == 'me' and report.status[0].values[0].key == 'a'


@pytest.mark.parametrize(
    ('kind', 'values', 'cause'),
    [
        (Bool, {'value': True}, "no field 'value': it has data"),
        (Bool, {'data': 'yes'}, "'yes' does not fit the field 'data' of Bool, a boolean"),
        (UInt8, {'data': 256}, '256 does not fit'),
        (String, {'data': 3}, '3 does not fit'),
        (Polygon, {'points': {'x': 1}}, 'a list is needed'),
        (Polygon, {'points': [1]}, 'a mapping is needed'),
        (Polygon, {'points': [{'w': 1}]}, "no field 'w'"),
        (PoseWithCovariance, {'covariance': [0]}, 'does not fit'),
    ],
)
def test_values_that_do_not_fit_are_refused(kind, values, cause):
    with pytest.raises(ConfigError, match=cause):
        make_message(kind, values, {})
