"""Runs a worker process until SIGTERM; says at once why it cannot start."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import faust

from processors.errors import KpiError, UnreachableError
from streams.topics import missing_topics
from streams.worker.app import create_app
from streams.worker.backend import redis_backend

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.settings import Settings
    from streams.worker.app import WorkerApp
    from streams.worker.backend import Backend

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# Faust and its kin tell every step of every service at info.
QUIET: Final = ("faust", "mode", "aiokafka", "kafka")

logger = logging.getLogger(__name__)


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
    _set_up_logging(settings.log_level)
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
    try:
        worker.execute_from_commandline()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    if app.failure is not None:
        return app.failure.exit_code if isinstance(app.failure, KpiError) else 1
    return code


class _Worker(faust.Worker):  # type: ignore[misc]  # untyped library
    """Faust's worker without its console decoration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spinner = None

    def _setproctitle(self, info: str, *, ident: str = "kpi") -> None:
        """Leave the process's title alone: supervisors look for it."""

    def on_worker_shutdown(self) -> None:
        """Say nothing."""


def _set_up_logging(level: str) -> None:
    logging.basicConfig(level=level.upper(), format=FORMAT, stream=sys.stderr, force=True)
    if level != "debug":
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
        # Faust logs services under the module that defines their class.
        for name in (
            "streams.worker.app",
            "streams.transport.consumer",
            "streams.transport.thread",
        ):
            logging.getLogger(name).addFilter(_not_a_service_step)


def _not_a_service_step(record: logging.LogRecord) -> bool:
    message: Any = record.msg
    return record.levelno > logging.INFO or not (
        isinstance(message, str) and message.startswith("[^")
    )
