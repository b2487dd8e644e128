"""`hand-action actions`: train and evaluate recognisers of actions."""

import argparse

from ros2_hand_action.commands import action_evaluate, action_train


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
    action_train.configure(actions.add_parser(
        'train',
        help='learn to recognise actions from sequences of poses',
        description='Learn to name what people do from sequences of poses, print how well that '
        'works on people held back, and write a recogniser that the node takes as its model.',
    ))
