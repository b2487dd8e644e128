"""Texts in images can be read: none lies over another while there is a free place."""

import numpy as np
import pytest
from bodies import camera, standing_body

from ros2_hand_action.perception import drawing_text
from ros2_hand_action.perception.body_drawing import draw_bodies
from ros2_hand_action.perception.drawing_text import Rectangle, TextLayer
from ros2_hand_action.perception.records import Body


@pytest.fixture
def places(monkeypatch):
    """Return the list to which the place of each text that is drawn is added, with its texts."""
    drawn: list[tuple[Rectangle, list[str]]] = []
    draw = drawing_text._TextPanel.draw

    def note(panel, image, *, xmin, ymin, stands_out):
        place = Rectangle(xmin, ymin, xmin + panel.width_px, ymin + panel.height_px)
        drawn.append((place, panel._texts))
        draw(panel, image, xmin=xmin, ymin=ymin, stands_out=stands_out)

    monkeypatch.setattr(drawing_text._TextPanel, 'draw', note)
    return drawn


def overlapping(places) -> list[tuple[list[str], list[str]]]:
    return [
        (texts, others)
        for number, (place, texts) in enumerate(places)
        for other, others in places[:number]
        if place.overlaps(other)
    ]


def blank() -> np.ndarray:
    return np.full((540, 960, 3), 127, np.uint8)


def test_labels_of_hands_bodies_and_captions_do_not_cover_each_other(places):
    """They once did where a hand was near a head, and in the corners."""
    texts = TextLayer(blank())
    for number in range(6):
        texts.add_label([f'p{number} 3.8 m'], Rectangle(400, 100, 600, 535), stands_out=False)
        texts.add_label(
            ['stop 77 %', f'h{number} R'], Rectangle(450, 60, 500, 100), stands_out=number == 3
        )
    texts.add_label(['h9'], Rectangle(0, 500, 30, 540), stands_out=False)
    texts.add_caption('jumping jacks 1.5 s')
    texts.add_caption('STARTED stop h3', right=True)
    texts.draw()
    assert len(places) == 15
    assert overlapping(places) == []
    for place, _ in places:
        assert place.xmin >= 0 and place.ymin >= 0 and place.xmax <= 960 and place.ymax <= 540


def test_what_stands_out_has_the_best_place(places):
    texts = TextLayer(blank())
    box = Rectangle(400, 200, 600, 400)
    texts.add_label(['quiet'], box, stands_out=False)
    texts.add_label(['loud'], box, stands_out=True)
    texts.draw()
    above, below = places
    assert above[1] == ['loud'] and above[0].ymax <= 200
    assert below[1] == ['quiet'] and below[0].ymin >= 400


def test_more_labels_than_places_do_no_harm(places):
    texts = TextLayer(np.full((40, 60, 3), 127, np.uint8))
    for number in range(20):
        texts.add_label([f'h{number} R'], Rectangle(10, 10, 30, 30), stands_out=False)
    texts.draw()
    assert len(places) == 20


def test_bodies_in_one_place_have_labels_in_two(places):
    points = standing_body() + (0, 0, 3.0)
    pixels = camera().project(points).astype(np.float32)
    box = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
    bodies = [Body(f'p{i}', 1.0, box, pixels, np.ones(34), points) for i in (1, 2)]
    draw_bodies(np.full((480, 640, 3), 90, np.uint8), bodies)
    assert len(places) == 2
    assert overlapping(places) == []
