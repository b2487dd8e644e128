import pytest

from ros2_hand_action.ros_names import is_name, is_relative_name


@pytest.mark.parametrize('text', ['cam', 'robot_1/cam', '_a'])
def test_relative_names(text: str) -> None:
    assert is_relative_name(text) and is_name(text)
    assert is_name(f'/{text}') and is_name(f'~/{text}')
    assert not is_relative_name(f'/{text}')


@pytest.mark.parametrize('text', ['', '/', '~', '~a', '1a', 'my cam', 'a//b', 'a/', 'a__b', 'ä'])
def test_what_is_no_name(text: str) -> None:
    assert not is_name(text) and not is_relative_name(text)
