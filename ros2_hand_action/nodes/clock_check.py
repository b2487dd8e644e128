"""What is wrong between the stamps of messages and a node's clock, and what to do about it."""

FUTURE_S = 0.1
PAST_S = 5.0
OTHER_CLOCK_S = 3600.0
"""A stamp that lies farther off is of another clock, such as a bag's or a simulator's."""


def explain_clock(*, age_s: float, now_ns: int, is_simulated: bool, topic: str) -> str:
    """Return what is wrong and what to do; '' if nothing is.

    Parameters
    ----------
    age_s : float
        Time of the node's clock minus the stamp.
    now_ns : int
        Time of the node's clock; 0 where it is simulated and nothing came on /clock.
    is_simulated : bool
        Whether the node follows /clock (use_sim_time).
    topic : str
    """
    if is_simulated and now_ns == 0:
        return (
            'use_sim_time is true but nothing comes on /clock: start the simulator, or play the '
            'bag with --clock, or set use_sim_time to false'
        )
    if abs(age_s) > OTHER_CLOCK_S:
        where = 'in the past' if age_s > 0 else 'in the future'
        remedy = (
            'set use_sim_time to true on the node that publishes it, too, or to false here'
            if is_simulated else
            'a bag or simulator needs /clock (play with --clock), and use_sim_time true on all '
            'nodes'
        )
        return f'stamps on {topic!r} lie {abs(age_s):.0f} s {where}: {remedy}'
    if age_s < -FUTURE_S:
        return (
            f'stamps on {topic!r} lie {-age_s:.2f} s in the future: synchronise the clocks of '
            'the machines (chrony), or mend the driver that stamps'
        )
    if age_s > PAST_S:
        return (
            f'stamps on {topic!r} are {age_s:.1f} s old on arrival: synchronise the clocks of '
            'the machines (chrony), or look for a backlog before this node'
        )
    return ''
