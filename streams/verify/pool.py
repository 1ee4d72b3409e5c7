"""The same work on many tasks, on every core; what each task reads is inherited, not copied."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Work = Callable[[Any], Any]

T = TypeVar("T")
R = TypeVar("R")
_POLL_S: Final = 0.2
_inherited: list[Work] = []  # of a child process: the one thing that it does


def cores() -> int:
    """Return how many processes are of use here: one where processes cannot inherit memory."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def each(
    work: Callable[[T], R], tasks: Sequence[T], processes: int, check: Callable[[], None]
) -> Iterator[R]:
    """Yield the result of every task, in any order.

    Args:
        work: done in child processes where there are several; it must not share open connections.
        tasks: handed to children, as the results are handed back, pickled.
        processes: how many at most.
        check: called now and then; raises to give up, which ends the children.
    """
    if min(processes, len(tasks)) <= 1:
        for task in tasks:
            check()
            yield work(task)
        return
    fork = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(
        min(processes, len(tasks)), fork, initializer=_inherit, initargs=(work,)
    )
    try:
        left = {pool.submit(_do, task) for task in tasks}
        while left:
            check()
            done, left = wait(left, _POLL_S, FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _inherit(work: Work) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle: it ends its children
    _inherited.append(work)


def _do(task: Any) -> Any:
    return _inherited[-1](task)
