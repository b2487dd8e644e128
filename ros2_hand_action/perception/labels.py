"""Names of labels and landmarks: the one place where each is written."""

NONE = 'none'
"""A hand that shows no known gesture; differs from no hand at all."""

GESTURES = ('thumbs_up', 'fist', 'stop', 'ok', 'two', NONE)
"""GestureNet's labels in its order; its sixth, `random`, is our `none`."""

OTHER = 'other'
"""A person who does nothing that the recogniser has a name for."""

FALL = 'fall_floor'
"""Somebody falls, or lies on the floor after a fall."""

ACTIONS = ('walk', 'run', 'ride_bike', 'push', FALL, OTHER)
"""The five labels of NVIDIA's ActionRecognitionNet (out of HMDB51), in our order, and `other`."""

HAND_LANDMARKS = (
    'wrist',
    'thumb_cmc', 'thumb_mcp', 'thumb_ip', 'thumb_tip',
    'index_mcp', 'index_pip', 'index_dip', 'index_tip',
    'middle_mcp', 'middle_pip', 'middle_dip', 'middle_tip',
    'ring_mcp', 'ring_pip', 'ring_dip', 'ring_tip',
    'pinky_mcp', 'pinky_pip', 'pinky_dip', 'pinky_tip',
)
"""The 21 landmarks of MediaPipe's hand model, in its order."""

HAND_BONES = (
    (0, 1), (1, 2), (2, 3), (3, 4),
    (0, 5), (5, 6), (6, 7), (7, 8),
    (5, 9), (9, 10), (10, 11), (11, 12),
    (9, 13), (13, 14), (14, 15), (15, 16),
    (13, 17), (0, 17), (17, 18), (18, 19), (19, 20),
)
"""Pairs of indices into HAND_LANDMARKS, for drawing."""
