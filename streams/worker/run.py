"""Runs a worker process until SIGTERM; says at once why it cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import faust

from processors.errors import KpiError, UnreachableError
from streams.topics import missing_topics
from streams.worker.app import create_app
from streams.worker.backend import redis_backend
from streams.worker.logs import set_up_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.settings import Settings
    from streams.worker.app import WorkerApp
    from streams.worker.backend import Backend

SHUT_DOWN_MAX_S: Final = 15.0  # checkpoints are written in the first seconds of it


def run_worker(
    settings: Settings, make_backend: Callable[[Settings], Backend] = redis_backend
) -> int:
    """Run until a signal, or until the process cannot go on.

    Returns:
        0 after SIGTERM or SIGINT with the last checkpoints written, else the exit code of what
        went wrong, which is logged.

    Raises:
        KpiError: it cannot start: settings, catalogue, broker, topics or Redis.
    """
    set_up_logging(settings.log_level)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the loop takes over
    backend = make_backend(settings)
    _check_topics(settings)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(backend.check())
    app = create_app(settings, backend=backend)
    return _run(app, loop)


def _check_topics(settings: Settings) -> None:
    missing = missing_topics(settings)
    if missing:
        raise UnreachableError(
            f"broker: {settings.broker}: topics {', '.join(missing)} do not exist: nothing could "
            "be read. Create them with: kpi topics create"
        )


def _run(app: WorkerApp, loop: asyncio.AbstractEventLoop) -> int:
    worker = _Worker(
        app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False, debug=False
    )
    app.shut_down = worker.shut_down
    try:
        worker.execute_from_commandline()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    return code if app.failure is None else _exit_code(app.failure)


def _exit_code(failure: Exception) -> int:
    return failure.exit_code if isinstance(failure, KpiError) else 1


class _Worker(faust.Worker):  # type: ignore[misc]  # untyped library
    """Faust's worker without its console decoration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spinner = None

    def shut_down(self) -> None:
        """Stop as on SIGTERM."""
        self._schedule_shutdown(signal.SIGTERM)

    def _schedule_shutdown(self, signal: signal.Signals) -> None:
        """Stop; if what is broken cannot be stopped, end all the same."""
        failure = self.app.failure
        code = 0 if failure is None else _exit_code(failure)
        force = threading.Timer(SHUT_DOWN_MAX_S, os._exit, [code])
        force.daemon = True
        force.start()
        super()._schedule_shutdown(signal)

    def _setproctitle(self, info: str, *, ident: str = "kpi") -> None:
        """Leave the process's title alone: supervisors look for it."""

    def on_worker_shutdown(self) -> None:
        """Say nothing."""
