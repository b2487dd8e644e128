import threading

from ros2_hand_action.nodes.steady_loop import SteadyLoop

DEADLINE_S = 20.0


def test_steps_follow_each_other_and_wake_at_once():
    stepped = threading.Semaphore(0)
    pauses_s = iter([0.0, 0.0, 3600.0, 3600.0])

    def step() -> float:
        stepped.release()
        return next(pauses_s)

    loop = SteadyLoop('test', step, lambda error: 3600.0)
    for _ in range(3):
        assert stepped.acquire(timeout=DEADLINE_S)
    assert not stepped.acquire(timeout=0.05)
    loop.wake()
    assert stepped.acquire(timeout=DEADLINE_S)
    loop.close()
    loop.close()


def test_goes_on_after_an_error():
    failed: list[Exception] = []
    again = threading.Event()

    def step() -> float:
        if not failed:
            raise RuntimeError('boom')
        again.set()
        return 3600.0

    loop = SteadyLoop('test', step, lambda error: failed.append(error) or 0.0)
    assert again.wait(DEADLINE_S)
    loop.close()
    assert [str(error) for error in failed] == ['boom']
