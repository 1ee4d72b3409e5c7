"""Laws of the restart policy."""

from __future__ import annotations

from streams.supervisor.policy import RestartPolicy

POLICY = RestartPolicy(backoff_first_ms=100, backoff_max_ms=300, crashes_max=4, period_ms=1_000)


def test_delay_doubles_up_to_its_limit_then_the_child_is_given_up() -> None:
    """100, 200, 300 ms, then no more."""
    state = POLICY.state()
    assert [state.crashed(ms) for ms in (0, 1, 2, 3)] == [100, 200, 300, None]


def test_crashes_older_than_the_period_are_forgotten() -> None:
    """A child that crashes rarely is restarted for ever, with the first delay."""
    state = POLICY.state()
    assert [state.crashed(ms) for ms in range(0, 20_000, 1_000)] == [100] * 20
