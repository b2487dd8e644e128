"""A thread that waits for one subscription and nothing else.

An executor of rclpy looks at every entity of its nodes, in Python, before each message: with a
lifecycle node's services and timers that costs more than the message does (docs/nodes.md).
"""

import threading
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.subscription import Subscription

_LOCK_POLL_S = 0.02


class OwnThreadGroup(CallbackGroup):
    """Keeps executors away from a subscription."""

    def can_execute(self, entity: Any) -> bool:
        """Return that no executor may wait for the entity."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Return that no executor may run the entity."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Do nothing: nothing has begun."""


class SubscriptionThread:
    """Takes the messages of a subscription of an OwnThreadGroup, one after the other.

    Parameters
    ----------
    node : Node
    subscription : Subscription
    callback : callable
        Called with a message and what the middleware tells about it.
    lock : threading.RLock
        Held around each call, so that the node's other callbacks never run beside it.
    report : callable
        Called with what failed, and why, where a message cannot be read or answered.
    """

    def __init__(
        self,
        node: Node,
        subscription: Subscription,
        callback: Callable[[Any, dict[str, Any]], None],
        lock: Any,
        report: Callable[[str, Exception], object],
    ) -> None:
        self._context = node.context
        self._subscription = subscription
        self._callback = callback
        self._lock = lock
        self._report = report
        self._is_closed = threading.Event()
        self._wake = GuardCondition(None, None, context=self._context)
        self._thread = threading.Thread(
            target=self._run, name=f'{node.get_name()} input', daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Take no more messages; the callback does not run any more once this returns."""
        self._is_closed.set()
        self._wake.trigger()
        if threading.current_thread() is not self._thread:
            self._thread.join()
            self._wake.destroy()

    def _run(self) -> None:
        context_handle: Any = self._context.handle
        with self._subscription.handle, self._wake.handle, context_handle:
            waiting = rclpy_implementation.WaitSet(1, 1, 0, 0, 0, 0, context_handle)
            while not self._is_closed.is_set() and self._context.ok():
                waiting.clear_entities()
                waiting.add_subscription(self._subscription.handle)
                waiting.add_guard_condition(self._wake.handle)
                waiting.wait(-1)
                if waiting.get_ready_entities('subscription'):
                    self._take()

    def _take(self) -> None:
        # not `with`: whoever closes this thread may hold the lock while he waits for its end
        while not self._lock.acquire(timeout=_LOCK_POLL_S):
            if self._is_closed.is_set():
                return
        try:
            if self._is_closed.is_set():
                return
            handle = self._subscription.handle
            taken = handle.take_message(self._subscription.msg_type, self._subscription.raw)
            if taken is not None:
                self._callback(*taken)
        except Exception as error:  # a message that cannot even be read must not end the input
            self._report(f'message on {self._subscription.topic!r} left out', error)
        finally:
            self._lock.release()
