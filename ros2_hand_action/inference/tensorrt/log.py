"""What TensorRT logs, kept so that an error can say it."""

from typing import Any

_KEPT_LINES = 20
_SHOWN_LINES = 3


def make_logger(trt: Any) -> Any:
    """Return a logger for TensorRT's builder, parser and runtime.

    It has `explain()`: the newest errors as one text, which are forgotten then.
    """

    class KeepingLogger(trt.ILogger):  # type: ignore[misc]  # the module is chosen at run time
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: list[str] = []
            self._serious = (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR)

        def log(self, severity: Any, message: str) -> None:
            if severity in self._serious:
                self._errors = [*self._errors, message.strip()][-_KEPT_LINES:]

        def explain(self) -> str:
            errors, self._errors = self._errors, []
            return '; '.join(errors[-_SHOWN_LINES:]) or 'TensorRT does not say why'

    return KeepingLogger()
