"""Exit codes, the same for every command."""

from __future__ import annotations

from enum import IntEnum

from dispatcher.domain.errors import ConfigError, DispatcherError, LedgerUnavailable, UsageError


class Exit(IntEnum):
    DONE = 0
    FAILED = 1  # the command ran, but its deploy did not succeed
    USAGE = 2  # an option, the input or the configuration is wrong
    REFUSED = 3  # rejected: unknown target, unknown deploy, invalid token
    UNAVAILABLE = 4  # no answer: connection refused, Redis unavailable, timed out
    NOT_WANTED = 5  # nothing is to be waited for: the target does not deploy that commit
    INTERRUPTED = 130  # Ctrl-C, as shells say it: 128 and the signal's number


class Failed(DispatcherError):
    """Ends a command with one of the exit codes and a message for its user."""

    def __init__(self, code: Exit, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        """Of the API's answer, if there was one."""


def code_of(error: DispatcherError) -> Exit:
    match error:
        case Failed():
            return error.code
        case ConfigError() | UsageError():
            return Exit.USAGE
        case LedgerUnavailable():
            return Exit.UNAVAILABLE
    return Exit.FAILED
