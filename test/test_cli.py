import errno

from ros2_hand_action.cli import main
from ros2_hand_action.commands import replay


def test_full_disk_is_told_with_what_to_do(tmp_path, monkeypatch, capsys):
    def fail(_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(replay, 'execute', fail)
    assert main(['replay', 'wave', '--out', str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert 'No space left on device; make room' in said
    assert '--out' in said
