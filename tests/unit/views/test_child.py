"""A command run as if it were us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from scope.views.child import run_child

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = sys.executable


def python(code: str) -> int:
    return run_child((PYTHON, "-c", code), os.environ)


def test_the_exit_code_comes_back() -> None:
    assert python("raise SystemExit(7)") == 7
    assert python("") == 0


def test_an_end_by_signal_is_128_and_its_number() -> None:
    assert python("import os; os.kill(os.getpid(), 9)") == 137


def test_the_environment_is_the_child_s() -> None:
    assert run_child((PYTHON, "-c", "import os; raise SystemExit(int(os.environ['N']))"), {"N": "5"}) == 5


def test_a_missing_program_raises() -> None:
    with pytest.raises(FileNotFoundError):
        run_child(("/nonexistent/program",), os.environ)


def test_signals_are_as_they_were_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    python("")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_the_child_has_no_signal_blocked_or_ignored() -> None:
    """Its own handlers work, and a closed pipe ends it."""
    code = "import signal; blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ()); raise SystemExit(len(blocked))"
    assert python(code) == 0
    assert run_child(("/bin/sh", "-c", "kill -PIPE $$; exit 0"), os.environ) == 128 + signal.SIGPIPE


PARENT = """
    import os, sys
    from scope.views.child import run_child

    code = '''
    import signal, sys, time
    signal.signal(signal.{name}, lambda *_: sys.exit(9))
    print("ready", flush=True)
    time.sleep(20)
    '''
    sys.exit(run_child((sys.executable, "-c", __import__("textwrap").dedent(code)), os.environ))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_a_signal_sent_to_us_goes_to_the_child(name: str) -> None:
    process = subprocess.Popen(
        [PYTHON, "-c", textwrap.dedent(PARENT.format(name=name))], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.Signals[name])
        assert process.wait(10) == 9


def test_interrupting_at_a_terminal_reaches_the_child_once(tmp_path: Path) -> None:
    """The terminal sends to the whole group; were it passed on too, a server would take it for a second Ctrl-C."""
    code = """
    import os, sys
    from scope.views.child import run_child

    code = '''
    import signal, sys, time
    count = []
    signal.signal(signal.SIGINT, lambda *_: count.append(1))
    print("ready", flush=True)
    time.sleep(0.5)
    time.sleep(0.5)
    sys.exit(len(count))
    '''
    sys.exit(run_child((sys.executable, "-c", __import__("textwrap").dedent(code)), os.environ))
    """
    controller, terminal = os.openpty()
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(code))
    setsid = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    run = f"{setsid}os.execv(sys.executable, [sys.executable, {str(script)!r}])"
    with subprocess.Popen([PYTHON, "-c", run], stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        output = b""
        while b"ready" not in output:
            output += os.read(controller, 1000)
        os.write(controller, b"\x03")
        code_number = process.wait(10)
    os.close(controller)
    assert code_number == 1


def test_time_is_not_spent_waiting() -> None:
    started = time.process_time()
    python("import time; time.sleep(0.3)")
    assert time.process_time() - started < 0.2
