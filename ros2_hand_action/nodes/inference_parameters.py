"""What all nodes that run networks say and ask about them."""

from ros2_hand_action.inference import BACKENDS, choose_backend
from ros2_hand_action.inference.session import PRECISION_CHOICES, SessionOptions
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.parameters import NodeParameter

_DEFAULTS = SessionOptions()


def inference_parameters(*, threads: int = _DEFAULTS.threads) -> tuple[NodeParameter, ...]:
    """Return the parameters of how networks run."""
    return (
        NodeParameter(
            'backend', _DEFAULTS.backend, 'Inference back end; auto takes the best there is',
            choices=('auto', *BACKENDS),
        ),
        NodeParameter('threads', threads, 'Threads inside one operator', low=1, high=64),
        NodeParameter(
            'precision', _DEFAULTS.precision,
            'Numbers in the networks; auto is what the back end is best at, fp32 is exact, '
            'int8 needs `hand-action models quantize` first',
            choices=PRECISION_CHOICES,
        ),
    )


def session_options(node: HandActionNode) -> SessionOptions:
    """Return the parameters' values, and log which back end they lead to and why.

    Engines are not built by opening, but by `engine_builds`, beside the node.

    Raises
    ------
    ConfigError
        If that back end cannot be used here.
    """
    node.get_logger().info(f'back end: {_reason(node)}')
    values = {name: node.value(name) for name in ('backend', 'threads', 'precision')}
    return SessionOptions(**values, build=False)


def inference_values(node: HandActionNode, description: str) -> dict[str, object]:
    """Return what runs the networks, and why, as entries of /diagnostics."""
    return {
        'back end': description,
        'back end chosen': _reason(node),
        'precision': node.value('precision'),
    }


def _reason(node: HandActionNode) -> str:
    return choose_backend(node.value('backend'), node.value('precision')).reason
