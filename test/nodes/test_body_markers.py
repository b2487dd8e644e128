import numpy as np
from people import make_body
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from ros2_hand_action.nodes.body_markers import NAMESPACES, BodyMarkers
from ros2_hand_action.perception.skeleton import LIMBS

HEADER = Header(frame_id='camera')


def test_known_limbs_and_joints_are_drawn():
    body = make_body()
    known = np.isfinite(body.keypoints_m).all(axis=1)
    lines, joints, name = BodyMarkers().show((body,), HEADER).markers
    assert {lines.action, joints.action, name.action} == {Marker.ADD}
    assert (lines.type, joints.type) == (Marker.LINE_LIST, Marker.SPHERE_LIST)
    assert len(joints.points) == known.sum()
    assert len(lines.points) == 2 * sum(known[a] and known[b] for a, b in LIMBS)
    values = [value for marker in (lines, joints) for point in marker.points
              for value in (point.x, point.y, point.z)]
    assert np.isfinite(values).all()
    assert name.text == 'p1' and name.pose.position.y < body.keypoints_m[15, 1]
    assert lines.header == HEADER


def test_markers_of_the_lost_are_deleted_and_no_others():
    markers = BodyMarkers()
    first = markers.show((make_body('p1'), make_body('p2')), HEADER).markers
    identities = {marker.text: marker.id for marker in first if marker.text}
    second = markers.show((make_body('p2'),), HEADER).markers
    deleted = [marker for marker in second if marker.action == Marker.DELETE]
    assert {(marker.ns, marker.id) for marker in deleted} == {
        (ns, identities['p1']) for ns in NAMESPACES
    }
    assert {m.id for m in second if m.action == Marker.ADD} == {identities['p2']}
    third = markers.show((make_body('p2'),), HEADER).markers
    assert {marker.action for marker in third} == {Marker.ADD}


def test_nobody_known_leaves_no_empty_lists():
    nothing = make_body(keypoints_m=np.full((34, 3), np.nan, np.float32))
    shown = BodyMarkers().show((nothing,), HEADER).markers
    assert {marker.action for marker in shown} == {Marker.DELETE}


def test_all_are_deleted_at_the_end():
    markers = BodyMarkers()
    markers.show((make_body(),), HEADER)
    (end,) = markers.clear().markers
    assert end.action == Marker.DELETEALL
    assert markers.show((), HEADER).markers == []
