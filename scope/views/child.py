"""A command run as if it were us: it gets the signals that we get, and its end is ours."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

__all__ = ["run_child"]

_PASSED_ON: Final = frozenset(
    {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
)
# Where the interpreter ignores a signal, what it starts would ignore it too.
_AS_USUAL: Final = (signal.SIGPIPE, signal.SIGXFSZ)
# From the terminal driver (SI_KERNEL): the child, in the same process group, has got it already.
_BY_TERMINAL: Final = 0x80
# Another thread, where there is one, may be given the signal that the child has ended; then we find out by looking.
_LOOK_S: Final = 0.5


def run_child(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run ``command``, a program and its arguments, to its end; its exit code, 128+n if signal n ended it.

    To be called in the main thread. Raises OSError where it cannot be started.
    """
    with _signals_held():
        pid = os.posix_spawnp(command[0], list(command), environment, setsigmask=(), setsigdef=_AS_USUAL)
        status = _wait(pid)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _wait(pid: int) -> int:
    """Pass signals on until the child has ended; its wait status."""
    while True:
        received = signal.sigtimedwait(_PASSED_ON | {signal.SIGCHLD}, _LOOK_S)
        if received is None or received.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return status
        elif received.si_code != _BY_TERMINAL:
            with suppress(ProcessLookupError):
                os.kill(pid, received.si_signo)


@contextmanager
def _signals_held() -> Generator[None]:
    """Signals wait to be asked for instead of interrupting us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON | {signal.SIGCHLD})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
