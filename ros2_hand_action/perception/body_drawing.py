"""Drawing bodies into an image, with OpenCV."""

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from ros2_hand_action.perception.action_recognition import WHOLE_IMAGE
from ros2_hand_action.perception.drawing import (
    PALM_COLOUR,
    SHADOW,
    SUBPIXEL_BITS,
    to_opencv,
)
from ros2_hand_action.perception.drawing_text import (
    Colour,
    Style,
    TextLayer,
    box_in_image,
    check_canvas,
)
from ros2_hand_action.perception.labels import OTHER
from ros2_hand_action.perception.records import Action, ActionEvent, Body
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS, LIMBS

LEFT_COLOUR: Colour = (60, 150, 250)  # orange
RIGHT_COLOUR: Colour = (235, 170, 60)  # blue
LIMB_COLOURS = {'left': LEFT_COLOUR, 'right': RIGHT_COLOUR, 'middle': PALM_COLOUR}


def draw_bodies(
    image_bgr: np.ndarray,
    bodies: Sequence[Body],
    actions: Iterable[Action] = (),
    active_events: Mapping[str, ActionEvent] | None = None,
    *,
    stamp_ns: int | None = None,
    texts: TextLayer | None = None,
) -> None:
    """Draw limbs, ids, distances and actions of bodies, in place; left is orange, right is blue.

    Parameters
    ----------
    image_bgr : np.ndarray
        uint8 (height, width, 3), blue, green, red; writable. It is drawn on.
    bodies : Sequence[Body]
        Unknown (NaN) keypoints are left out.
    actions : Iterable[Action]
        Found by `Action.body_id`.
    active_events : Mapping[str, ActionEvent], optional
        The event that lasts, by body id; such bodies stand out and show for how long it has.
    stamp_ns : int, optional
        Stamp of the image, until which an event is counted; by default until its own stamp.
    texts : TextLayer, optional
        Where labels are added; by default they are drawn at once.

    Raises
    ------
    ImageError
        If the image is not uint8 (height, width, 3), writable and contiguous.
    """
    check_canvas(image_bgr)
    style = Style.of(image_bgr)
    action_by_body = {action.body_id: action for action in actions}
    events = active_events or {}
    layer = TextLayer(image_bgr) if texts is None else texts
    for body in bodies:
        known, points = to_opencv(body.keypoints_px.astype(np.float64))
        limbs = [(a, b) for a, b in LIMBS if known[a] and known[b]]
        for extra_px, is_shadow in ((2, True), (0, False)):
            for a, b in limbs:
                colour = SHADOW if is_shadow else LIMB_COLOURS[limb_side(a, b)]
                cv2.line(
                    image_bgr, points[a], points[b], colour, style.line_px + extra_px,
                    cv2.LINE_AA, SUBPIXEL_BITS,
                )
        if known.any():
            event = events.get(body.track_id)
            lines = _describe(body, action_by_body.get(body.track_id), event, stamp_ns)
            box = box_in_image(body.box_px, image_bgr)
            layer.add_label(lines, box, stands_out=event is not None)
    if texts is None:
        layer.draw()


def _describe(
    body: Body, action: Action | None, event: ActionEvent | None, stamp_ns: int | None
) -> list[str]:
    """Return the lines of a body's label; the first one names its action, if any."""
    distance_m = float(body.keypoints_m[INDEX['pelvis'], 2])
    name = body.track_id + (f' {distance_m:.1f} m' if np.isfinite(distance_m) else '')
    doing = _describe_action(action, event, stamp_ns)
    return [doing, name] if doing else [name]


def add_whole_image_action(
    texts: TextLayer,
    actions: Iterable[Action],
    active_events: Mapping[str, ActionEvent],
    *,
    stamp_ns: int,
) -> None:
    """Write the action of the whole image, if there is one, at its bottom left.

    As `draw_bodies`; a recogniser that looks at whole images gives one.
    """
    action = next((each for each in actions if each.body_id == WHOLE_IMAGE), None)
    doing = _describe_action(action, active_events.get(WHOLE_IMAGE), stamp_ns)
    if doing:
        texts.add_caption(doing)


def _describe_action(
    action: Action | None, event: ActionEvent | None, stamp_ns: int | None
) -> str:
    """Return an action's name and for how long it has lasted, or its score; '' without one."""
    if event is not None:
        duration_ns = event.duration_ns if stamp_ns is None else stamp_ns - event.start_ns
        return f'{event.label} {max(duration_ns, 0) / 1e9:.1f} s'
    if action is not None and action.label != OTHER:
        return f'{action.label} {action.score:.0%}'
    return ''


def limb_side(first: int, second: int) -> str:
    """Return 'left', 'right' or 'middle': the side of a limb's farther end, else of the nearer."""
    for index in (second, first):
        side = KEYPOINTS[index].partition('_')[0]
        if side in LIMB_COLOURS:
            return side
    return 'middle'
