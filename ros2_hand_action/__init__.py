"""Eyes for people: hands, gestures, body poses and actions from camera images.

The messages are generated into a folder of the same name, which may lie elsewhere on the path
(ros2/rosidl_python#141): both together are this package.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
