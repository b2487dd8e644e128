"""`hand-action actions`: evaluate recognisers of actions."""

import argparse

from ros2_hand_action.commands import action_evaluate


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    action_evaluate.configure(actions.add_parser(
        'evaluate',
        help='accuracy, recall and confusion on a folder of videos',
        description="Name what each video shows and compare it with its folder's label: in the "
        'middle (center), and as the mean of ten clips spread over it (conv), as on the model '
        "card of NVIDIA's ActionRecognitionNet.",
    ))
