import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.frame import PixelOrder
from ros2_hand_action.training.dataset import load_picture, read_labelled_pictures


def test_table_names_the_pictures(tmp_path):
    (tmp_path / 'labels.csv').write_text('file,label,who\nb.jpg,ok,me\nsub/a.jpg, fist ,you\n')
    pictures = read_labelled_pictures(tmp_path)
    assert [(picture.path.relative_to(tmp_path).as_posix(), picture.label)
            for picture in pictures] == [('b.jpg', 'ok'), ('sub/a.jpg', 'fist')]


def test_folders_name_the_labels(tmp_path):
    for name in ('ok/2.png', 'ok/1.JPG', 'fist/deep/3.png', 'fist/notes.txt', '.hidden/4.png'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    pictures = read_labelled_pictures(tmp_path)
    assert [(picture.path.name, picture.label) for picture in pictures] == [
        ('3.png', 'fist'), ('1.JPG', 'ok'), ('2.png', 'ok'),
    ]


@pytest.mark.parametrize(('content', 'message'), [
    ('name,label\na.jpg,ok\n', r"lacks \['file'\]"),
    ('', r"lacks \['file', 'label'\]"),
    ('file,label\na.jpg\n', 'line 2'),
    ('file,label\n,ok\n', 'line 2'),
    ('file,label\n', 'no labelled picture'),
])
def test_unusable_tables_are_refused(tmp_path, content, message):
    (tmp_path / 'labels.csv').write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_labelled_pictures(tmp_path)


def test_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / 'labels.csv').write_bytes(b'\xff\xfe\x00\x81')
    with pytest.raises(DatasetError, match=r'labels\.csv'):
        read_labelled_pictures(tmp_path)


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(DatasetError, match='no folder'):
        read_labelled_pictures(tmp_path / 'nowhere')
    with pytest.raises(DatasetError, match='no labelled picture'):
        read_labelled_pictures(tmp_path)


def test_pictures_load_as_bgr(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((4, 6, 3), (10, 20, 30), np.uint8))
    frame = load_picture(tmp_path / 'a.png')
    assert frame.order is PixelOrder.BGR
    assert frame.pixels[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize('content', [b'', b'not a picture'])
def test_what_is_no_picture_is_none(tmp_path, content):
    (tmp_path / 'a.png').write_bytes(content)
    assert load_picture(tmp_path / 'a.png') is None
    assert load_picture(tmp_path / 'missing.png') is None
