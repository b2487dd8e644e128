import json

import cv2
import numpy as np
import pytest

from ros2_hand_action import cli
from ros2_hand_action.commands import hands as command
from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.records import Hand, Handedness
from ros2_hand_action.training.box_dataset import read_boxed_pictures
from ros2_hand_action.training.hand_evaluation import evaluate_hands

BOXES = {'one.png': [(10, 10, 30, 40)], 'two.png': [(5, 5, 25, 25), (60, 30, 80, 70)]}


@pytest.fixture
def folder(tmp_path):
    """Return pictures with one, two and no hands; the red channel says which is which."""
    for number, name in enumerate(('none.png', 'one.png', 'two.png')):
        pixels = np.zeros((80, 100, 3), np.uint8)
        pixels[..., 2] = number
        cv2.imwrite(str(tmp_path / name), pixels)
    lines = ['file,xmin,ymin,xmax,ymax,class']
    lines += [f'{name},{",".join(map(str, box))},hand' for name in BOXES for box in BOXES[name]]
    (tmp_path / 'boxes.csv').write_text('\n'.join(lines) + '\n')
    return tmp_path


class Oracle:
    """A detector that knows the boxes, misses the last hand and sees one where none is."""

    description = 'an oracle'
    answers = ([((0, 0, 9, 9), 0.6)], [(BOXES['one.png'][0], 0.9)], [(BOXES['two.png'][0], 0.8)])

    def detect(self, frame):
        nothing = np.zeros((21, 3), np.float32)
        return tuple(
            Hand('', Handedness.RIGHT, 0.9, np.array(box, np.float32), score, 0.9, nothing,
                 nothing)
            for box, score in self.answers[int(frame.pixels[0, 0, 2])]
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_pictures_come_with_their_boxes(folder):
    pictures = read_boxed_pictures(folder)
    assert [picture.path.name for picture in pictures] == ['none.png', 'one.png', 'two.png']
    assert [len(picture.boxes_px) for picture in pictures] == [0, 1, 2]
    np.testing.assert_array_equal(pictures[2].boxes_px, BOXES['two.png'])


def test_figures_are_those_of_the_truth(folder):
    evaluation = evaluate_hands(read_boxed_pictures(folder), detector=Oracle(), threshold=0.5)
    report = evaluation.report
    assert (report.found, report.false_alarms, report.true_boxes) == (2, 1, 3)
    assert report.average_precision == pytest.approx(2 / 3)
    assert evaluation.missed == {'two.png': 1}
    assert evaluation.to_json()['ap50'] == pytest.approx(2 / 3)
    assert 'missed 1 in two.png' in evaluation.format()


def test_unreadable_pictures_are_named_and_left_out(folder):
    (folder / 'broken.jpg').write_bytes(b'no picture')
    evaluation = evaluate_hands(read_boxed_pictures(folder), detector=Oracle(), threshold=0.5)
    assert [path.name for path in evaluation.unreadable] == ['broken.jpg']
    assert len(evaluation.results) == 3


def test_without_hands_the_figures_are_undefined_and_still_json(tmp_path, folder):
    (folder / 'boxes.csv').write_text('file,xmin,ymin,xmax,ymax\n')
    figures = evaluate_hands(
        read_boxed_pictures(folder), detector=Oracle(), threshold=0.5
    ).to_json()
    assert figures['ap50'] is None and figures['recall'] is None
    json.dumps(figures, allow_nan=False)


@pytest.mark.parametrize(('table', 'message'), [
    ('file,xmin\none.png,3\n', 'lacks.*xmax'),
    ('file,xmin,ymin,xmax,ymax\none.png,1,2,x,4\n', "line 2.*'x'"),
    ('file,xmin,ymin,xmax,ymax\none.png,1,2,,4\n', 'line 2'),
    ('file,xmin,ymin,xmax,ymax\none.png,1,2,nan,4\n', 'line 2'),
    ('file,xmin,ymin,xmax,ymax\none.png,9,2,5,4\n', 'empty box'),
    ('file,xmin,ymin,xmax,ymax\nabsent.png,1,2,5,4\n', 'absent.png'),
])
def test_a_bad_table_names_the_line(folder, table, message):
    (folder / 'boxes.csv').write_text(table)
    with pytest.raises(DatasetError, match=message):
        read_boxed_pictures(folder)


def test_a_folder_that_cannot_serve_says_why(tmp_path):
    with pytest.raises(DatasetError, match='absent'):
        read_boxed_pictures(tmp_path / 'absent')
    with pytest.raises(DatasetError, match='no picture'):
        read_boxed_pictures(tmp_path)
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 4), np.uint8))
    with pytest.raises(DatasetError, match=r'boxes\.csv'):
        read_boxed_pictures(tmp_path)


def test_the_command_prints_and_writes_the_figures(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, 'create_hand_detector', lambda *_: Oracle())
    report = tmp_path / 'report.json'
    assert cli.main(['hands', 'evaluate', str(folder), '--json', str(report)]) == 0
    assert json.loads(report.read_text())['ap50'] == pytest.approx(2 / 3)
    assert json.loads(report.read_text())['networks'] == 'an oracle'
    assert 'average precision' in capsys.readouterr().out


def test_the_command_fails_on_a_missing_folder(tmp_path, capsys):
    assert cli.main(['hands', 'evaluate', str(tmp_path / 'absent')]) == 1
    assert 'absent' in capsys.readouterr().err
