"""Bodies as markers for RViz and Foxglove."""

import numpy as np
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import INDEX, LIMBS

_LINE_M, _JOINT_M, _TEXT_M = 0.025, 0.05, 0.12
_ABOVE_NOSE_M = 0.3
_COLOURS = ((1.0, 0.6, 0.1), (0.2, 0.7, 1.0), (0.4, 0.9, 0.3), (0.9, 0.4, 0.9), (1.0, 0.9, 0.2))
"""Red, green and blue of people, in turn."""
_LIMBS, _JOINTS, _NAMES = NAMESPACES = ('limbs', 'joints', 'names')


class BodyMarkers:
    """Makes the markers of each image, and deletes those of people who are gone."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._count = 0

    def show(self, bodies: tuple[Body, ...], header: Header) -> MarkerArray:
        """Return the markers of the bodies in an image."""
        seen = {body.track_id for body in bodies}
        lost = [track_id for track_id in self._numbers if track_id not in seen]
        deleted = [
            Marker(header=header, ns=ns, id=self._numbers[track_id], action=Marker.DELETE)
            for track_id in lost for ns in NAMESPACES
        ]
        for track_id in lost:
            del self._numbers[track_id]
        shown = [marker for body in bodies for marker in self._markers_of(body, header)]
        return MarkerArray(markers=deleted + shown)

    def clear(self) -> MarkerArray:
        """Return what deletes all markers."""
        self._numbers.clear()
        return MarkerArray(markers=[Marker(action=Marker.DELETEALL)])

    def _markers_of(self, body: Body, header: Header) -> list[Marker]:
        if body.track_id not in self._numbers:
            self._count += 1
            self._numbers[body.track_id] = self._count
        number = self._numbers[body.track_id]
        red, green, blue = _COLOURS[number % len(_COLOURS)]
        colour = ColorRGBA(r=red, g=green, b=blue, a=1.0)
        points = [Point(x=x, y=y, z=z) for x, y, z in body.keypoints_m.tolist()]
        known = np.isfinite(body.keypoints_m).all(axis=1).tolist()
        lines = [points[end] for limb in LIMBS if known[limb[0]] and known[limb[1]]
                 for end in limb]
        joints = [point for point, is_known in zip(points, known) if is_known]
        makers = [
            (_LIMBS, Marker.LINE_LIST, Vector3(x=_LINE_M), lines),
            (_JOINTS, Marker.SPHERE_LIST, Vector3(x=_JOINT_M, y=_JOINT_M, z=_JOINT_M), joints),
        ]
        markers = [
            Marker(
                header=header, ns=ns, id=number, type=kind, scale=scale, color=colour, points=ends,
                action=Marker.ADD if ends else Marker.DELETE,  # RViz reports empty lists as errors
            )
            for ns, kind, scale, ends in makers
        ]
        name = Marker(
            header=header, ns=_NAMES, id=number, type=Marker.TEXT_VIEW_FACING, color=colour,
            scale=Vector3(z=_TEXT_M), text=body.track_id, action=Marker.DELETE,
        )
        nose = INDEX['nose']
        if known[nose]:
            name.action = Marker.ADD
            name.pose.position = Point(
                x=points[nose].x, y=points[nose].y - _ABOVE_NOSE_M, z=points[nose].z
            )
        for marker in (*markers, name):
            marker.pose.orientation.w = 1.0
        return [*markers, name]
