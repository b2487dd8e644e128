"""Names of topics, services and namespaces, as ROS takes them."""

import re

_NAME = re.compile(r'[A-Za-z_]\w*(/[A-Za-z_]\w*)*', re.ASCII)


def is_relative_name(text: str) -> bool:
    """Return whether ROS takes a text as a name without a slash before it."""
    return bool(_NAME.fullmatch(text)) and '__' not in text


def is_name(text: str) -> bool:
    """Return whether ROS takes a text as a name: relative, absolute (/) or private (~/)."""
    return is_relative_name(re.sub(r'\A~?/', '', text))
