"""When a crashed child is started again: with backoff, and not for ever."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RestartPolicy:
    """How often a child may crash.

    Attributes:
        backoff_first_ms: delay before the first restart; it doubles with each further crash.
        backoff_max_ms: the longest delay.
        crashes_max: crashes within ``period_ms`` after which the child is given up.
        period_ms: crashes older than this are forgotten.
    """

    backoff_first_ms: int = 200
    backoff_max_ms: int = 5_000
    crashes_max: int = 5
    period_ms: int = 60_000

    def state(self) -> RestartState:
        """Return the bookkeeping of one child."""
        return RestartState(self)


@dataclass
class RestartState:
    """The crashes of one child."""

    policy: RestartPolicy
    _crashes_ms: list[int] = field(default_factory=list)

    def crashed(self, now_ms: int) -> int | None:
        """Note a crash.

        Returns:
            The delay (ms) until the restart, None where the child must be given up.
        """
        policy = self.policy
        recent = [ms for ms in self._crashes_ms if now_ms - ms < policy.period_ms]
        self._crashes_ms = [*recent, now_ms]
        if len(self._crashes_ms) >= policy.crashes_max:
            return None
        doubled = policy.backoff_first_ms << (len(self._crashes_ms) - 1)
        return min(doubled, policy.backoff_max_ms)
