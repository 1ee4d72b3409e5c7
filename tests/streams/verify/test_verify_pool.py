"""Laws of work on every core."""

from __future__ import annotations

import multiprocessing
import os

import pytest

from streams.verify.pool import each


def test_every_task_is_done_once_on_any_number_of_processes() -> None:
    """One process or several: the same results."""
    for processes in (1, 2):
        found = list(each(lambda n: n * n, range(10), processes, lambda: None))
        assert sorted(found) == [n * n for n in range(10)]


def test_what_a_task_raises_is_raised_and_no_child_is_left() -> None:
    """A fault in a child ends the work and every child."""
    with pytest.raises(ZeroDivisionError):
        list(each(lambda n: 1 // n, [1, 0, 1, 1], 2, lambda: None))
    assert multiprocessing.active_children() == []


def test_a_child_that_dies_is_an_error_and_not_a_wait_without_end() -> None:
    """A child that is killed is noticed."""
    with pytest.raises(Exception, match="terminated abruptly"):
        list(each(lambda _: os._exit(9), [1, 2], 2, lambda: None))


def test_giving_up_ends_the_children() -> None:
    """What ``check`` raises ends the work."""

    def give_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        list(each(lambda n: n, [1, 2], 2, give_up))
    assert multiprocessing.active_children() == []
