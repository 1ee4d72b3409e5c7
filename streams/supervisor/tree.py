"""The supervisor: starts children in order, restarts crashed ones, ends all in reverse order."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from processors.errors import KpiError, UnreachableError, UsageError
from streams.supervisor.child import Child, ChildSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from streams.supervisor.policy import RestartState

POLL_INTERVAL_S: Final = 0.05
KILL_WAIT_S: Final = 5.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ChildFailedError(KpiError):
    """A child's death ends the tree; ``exit_code`` is what the supervisor exits with."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class StopRequested(Exception):  # noqa: N818  # not an error: the user wants the end
    """SIGINT, SIGTERM or SIGHUP arrived while something was under way."""


@dataclass
class _Member:
    spec: ChildSpec
    child: Child | None
    restarts: RestartState | None
    served: bool = False  # whether it has ever been ready
    restart_at_ms: int | None = None  # while it is down; None: it stays down


@dataclass
class Supervisor:
    """A process tree, used as a context manager: leaving it ends every child.

    Args:
        report: gets one line about each restart.
        handle_signals: end on SIGINT, SIGTERM and SIGHUP (only from the main thread).
    """

    report: Callable[[str], None]
    handle_signals: bool = True
    _members: list[_Member] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _signals_seen: int = 0
    _previous: dict[signal.Signals, object] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Take the signals."""
        if self.handle_signals:
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every child, then give the signals back."""
        try:
            self.stop()
        finally:
            for number, handler in self._previous.items():
                signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned

    @property
    def stop_requested(self) -> bool:
        """Whether a signal, or :meth:`request_stop`, asked for the end."""
        return self._stop.is_set()

    def request_stop(self) -> None:
        """Ask for the end, from any thread."""
        self._stop.set()

    def pids(self) -> dict[str, int]:
        """Return the process id of every running child by name."""
        return {m.spec.name: m.child.pid for m in self._members if m.child is not None}

    def start(self, *specs: ChildSpec) -> None:
        """Start children in order, then wait until all of them are ready.

        Raises:
            ChildFailedError: one ended, or was not ready in time; all of this call are ended, so
                that the caller may try again, with another port for instance.
            StopRequested: the end was asked for meanwhile.
        """
        started = []
        for spec in specs:
            started.append(
                _Member(spec, Child(spec), spec.restart.state() if spec.restart else None)
            )
            self._members.append(started[-1])
        try:
            for member in started:
                self._wait_ready(member.spec)
                member.served = True
        except ChildFailedError:
            for member in reversed(started):
                self._members.remove(member)
                self._end(member, at_once=True)
            raise

    def pause(self, seconds: float) -> None:
        """Supervise for a while.

        Raises:
            ChildFailedError: a child's death ends the tree.
            StopRequested: the end was asked for.
        """
        deadline = time.monotonic() + seconds
        while True:
            if self._stop.is_set():
                raise StopRequested
            self.check()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._stop.wait(min(left, POLL_INTERVAL_S))

    def check(self) -> None:
        """Notice dead children and restart those whose delay is over.

        Raises:
            ChildFailedError: a child's death ends the tree.
        """
        for member in self._members:
            if member.child is not None:
                code = member.child.exit_code()
                if code is not None:
                    self._ended(member, member.child, code)
            elif member.restart_at_ms is not None and _now_ms() >= member.restart_at_ms:
                member.child = Child(member.spec)

    def stop(self) -> None:
        """End every child in reverse order of start; a second signal kills at once."""
        signals_before = self._signals_seen
        while self._members:
            self._end(self._members.pop(), at_once=self._signals_seen > signals_before)

    def _wait_ready(self, spec: ChildSpec) -> None:
        deadline_ms = _now_ms() + spec.ready_timeout_ms
        while spec.ready is not None and not spec.ready():
            self.pause(POLL_INTERVAL_S)
            if _now_ms() > deadline_ms:
                seconds = spec.ready_timeout_ms / 1000
                raise ChildFailedError(
                    f"{spec.name} was not ready after {seconds:g} s",
                    spec.exit_code or UnreachableError.exit_code,
                )

    def _end(self, member: _Member, *, at_once: bool) -> None:
        """Ask a child to end, and kill it when it does not or when a further signal arrives."""
        child = member.child
        if child is None:
            return
        if not at_once:
            signals_before = self._signals_seen
            deadline_ms = _now_ms() + member.spec.stop_timeout_ms
            child.signal(member.spec.stop_signal)
            while not child.wait(POLL_INTERVAL_S):
                if _now_ms() > deadline_ms or self._signals_seen > signals_before:
                    break
        # Also where the child itself has ended: nothing of its group stays behind.
        child.signal(signal.SIGKILL)
        child.wait(KILL_WAIT_S)

    def _ended(self, member: _Member, child: Child, code: int) -> None:
        spec = member.spec
        child.signal(signal.SIGKILL)  # what it may have left in its process group
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        words = child.last_words() if code > 0 else ""  # a signal leaves no explanation
        text = f"{spec.name} {how}" + (f": {words}" if words else "")
        delay_ms = None
        # A child that refuses its settings would refuse them again, and one that fails before it
        # has ever served, for no reason outside itself, would fail again.
        hopeless = code in (0, UsageError.exit_code) or (code == 1 and not member.served)
        if member.restarts is not None and not hopeless:
            delay_ms = member.restarts.crashed(_now_ms())
            if delay_ms is None:
                text += f" (given up after {member.restarts.policy.crashes_max} crashes)"
        if delay_ms is None:
            member.child, member.restart_at_ms = None, None
            raise ChildFailedError(text, spec.exit_code or (code if code in (1, 2, 3) else 1))
        self.report(f"{text}; starting it again in {delay_ms} ms")
        member.child, member.restart_at_ms = None, _now_ms() + delay_ms

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._signals_seen += 1
        self._stop.set()


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
