"""Why a whole request is refused, as the client is told."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818  # an answer, not a defect
    """A request that is not taken.

    Args:
        status: the HTTP status.
        code: the reason, one word, for programs.
        message: the reason, for people.
        retry_after_s: when to try again, where that may help.
    """

    def __init__(
        self, status: int, code: str, message: str, retry_after_s: float | None = None
    ) -> None:
        self.status, self.code, self.message = status, code, message
        self.retry_after_s = retry_after_s
        super().__init__(message)
