"""Threads that wait for the inputs of nodes and for nothing else.

An executor of rclpy looks at every entity of its nodes, in Python, before each message: with a
lifecycle node's services and timers that costs more than the message does (docs/nodes.md).
Inputs that follow each other, as gestures follow hands, share a thread: the next step begins at
once, on the same core, without waking another.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.context import Context
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
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


class Input:
    """A subscription of an OwnThreadGroup, and what takes its messages.

    Parameters
    ----------
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
        subscription: Subscription,
        callback: Callable[[Any, dict[str, Any]], None],
        lock: Any,
        report: Callable[[str, Exception], object],
    ) -> None:
        self.subscription = subscription
        self.lock = lock
        self.is_closed = False
        self._callback = callback
        self._report = report

    def take(self, is_wanted: Callable[[], bool]) -> None:
        """Take one message, unless `is_wanted` changes before the lock is free."""
        # not `with`: whoever closes an input may hold the lock while he waits for the loop
        while not self.lock.acquire(timeout=_LOCK_POLL_S):
            if self.is_closed or not is_wanted():
                return
        try:
            if self.is_closed:
                return
            handle = self.subscription.handle
            taken = handle.take_message(self.subscription.msg_type, self.subscription.raw)
            if taken is not None:
                self._callback(*taken)
        except Exception as error:  # a message that cannot even be read must not end the input
            self._report(f'message on {self.subscription.topic!r} left out', error)
        finally:
            self.lock.release()


class InputLoop:
    """A thread that takes the messages of its inputs, one after the other.

    It lives while it has inputs.

    Parameters
    ----------
    context : Context
        That of the inputs' nodes.
    name : str
        Name of the thread.
    first : Input
    """

    def __init__(self, context: Context, name: str, first: Input) -> None:
        self._context = context
        self._inputs: tuple[Input, ...] = (first,)
        self._held: tuple[Input, ...] = ()  # whose subscriptions cannot be destroyed now
        self._changed = threading.Condition()
        self._wake = GuardCondition(None, None, context=context)
        self._thread = threading.Thread(target=self._run, name=f'{name} input', daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether messages are taken; not any more once the context is shut down."""
        return self._thread.is_alive()

    def add(self, added: Input) -> None:
        """Take this input's messages, too, from now on."""
        with self._changed:
            self._inputs = (*self._inputs, added)
        self._wake.trigger()

    def remove(self, removed: Input) -> bool:
        """Take no more of its messages; once this returns its subscription can be destroyed.

        Returns whether the loop has ended, as that was its last input.
        """
        with removed.lock:
            removed.is_closed = True
        with self._changed:
            self._inputs = tuple(each for each in self._inputs if each is not removed)
        self._wake.trigger()
        if threading.current_thread() is self._thread:
            return not self._inputs
        with self._changed:
            self._changed.wait_for(lambda: removed not in self._held)
        if self._inputs:
            return False
        self._thread.join()
        self._wake.destroy()
        return True

    def _run(self) -> None:
        while self._context.ok():
            with self._changed:
                inputs = self._held = self._inputs
            if not inputs:
                break
            try:
                self._take_while_same(inputs)
            finally:
                with self._changed:
                    self._held = ()
                    self._changed.notify_all()

    def _take_while_same(self, inputs: tuple[Input, ...]) -> None:
        """Take messages until inputs are added or removed."""
        context_handle: Any = self._context.handle
        handles = [each.subscription.handle for each in inputs]
        with ExitStack() as stack:
            for handle in (context_handle, self._wake.handle, *handles):
                stack.enter_context(handle)
            waiting = rclpy_implementation.WaitSet(len(inputs), 1, 0, 0, 0, 0, context_handle)
            while inputs is self._inputs and self._context.ok():
                waiting.clear_entities()
                for handle in handles:
                    waiting.add_subscription(handle)
                waiting.add_guard_condition(self._wake.handle)
                waiting.wait(-1)
                ready = waiting.get_ready_entities('subscription')
                for each, handle in zip(inputs, handles):
                    if handle.pointer in ready:
                        each.take(lambda: inputs is self._inputs)


class InputLoops:
    """The loops of a process, by context and name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loops: dict[tuple[int, str], InputLoop] = {}

    def add(self, context: Context, name: str, added: Input) -> Callable[[], None]:
        """Let the loop of this name take the input's messages; return what ends that."""
        key = id(context), name
        with self._lock:
            loop = self._loops.get(key)
            if loop is not None and loop.is_running:
                loop.add(added)
            else:
                loop = self._loops[key] = InputLoop(context, name, added)

        def remove() -> None:
            with self._lock:
                if loop.remove(added) and self._loops.get(key) is loop:
                    del self._loops[key]

        return remove


INPUT_LOOPS = InputLoops()
"""The loops of this process."""
