"""Where the disk is full, the application runs on, and what is missing is counted."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from .program import command, environment

KIB = 1024


@cache
def namespace() -> tuple[str, ...] | None:
    """The command that gives a process mounts of its own; None where nobody may."""
    if shutil.which("unshare") is None:
        return None
    for options in (("-m",), ("-U", "-r", "-m")):
        tried = ("unshare", *options, "--propagation", "private")
        if (
            subprocess.run(
                [*tried, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
            ).returncode
            == 0
        ):
            return tried
    return None


def on_small_disk(code: str, kib: int, tmp_path: Path, *, files: int = 100) -> subprocess.CompletedProcess[str]:
    """Run a program whose session directory is a disk of ``kib`` KiB and ``files`` files."""
    tried = namespace()
    if tried is None:
        pytest.skip("no disk can be mounted here")
    disk = tmp_path / "scope"
    disk.mkdir(mode=0o700)
    options = f"size={kib}k,nr_inodes={files},mode=0700"
    shell = f'mount -t tmpfs -o {options} none {disk} && exec "$@"'
    whole = [*tried, "sh", "-c", shell, "sh", *command(code)]
    return subprocess.run(
        whole, env=environment(SCOPE_DIR=str(disk)), capture_output=True, text=True, timeout=60, check=False
    )


def test_without_room_for_a_segment_requests_are_served_untraced_and_that_is_logged(tmp_path: Path) -> None:
    done = on_small_disk(
        """
        async def app(*_):
            print("served")

        traced = scope.ScopeMiddleware(app)
        for _ in range(3):
            asyncio.run(traced(http(), receive, send))
        assert _core.get_session() is None
        print([name for _, _, names in os.walk(os.environ["SCOPE_DIR"]) for name in names if name.endswith(".seg")])
        """,
        64,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "served\nserved\nserved\n[]\n"
    assert done.stderr.count("are not traced") == 1
    assert "No space left" in done.stderr


def test_threads_that_find_no_room_lose_their_events_and_all_is_counted(tmp_path: Path) -> None:
    done = on_small_disk(
        """
        def hold():
            barrier = threading.Barrier(6)
            threads = [scope.Thread(target=lambda: (step(), barrier.wait(20))) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        asyncio.run(serve(hold))
        session = _core.get_session()
        statistics = session.statistics()
        segment = _core.Segment(session.path)
        print(statistics["requests"], segment.losses()["no_space"])
        filler = os.open(os.path.join(os.environ["SCOPE_DIR"], "filler"), os.O_CREAT | os.O_WRONLY)
        try:
            while os.write(filler, bytes(4096)):
                pass
        except OSError:
            pass

        def much():
            for _ in range(3000):
                annotate(text="x" * 200)

        asyncio.run(serve(much))
        print(_core.get_session().statistics()["requests"])
        """,
        220,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    requests, lost = map(int, first.split())
    assert (requests, int(second)) == (1, 2)
    assert 0 < lost <= 12


def test_without_a_file_to_be_had_requests_are_served(tmp_path: Path) -> None:
    done = on_small_disk('asyncio.run(serve(lambda: print("served")))', 4096, tmp_path, files=1)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "served\n"
    assert "are not traced" in done.stderr


def test_a_limit_of_file_sizes_is_no_end_of_the_application(tmp_path: Path) -> None:
    code = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
        asyncio.run(serve(lambda: os.write(1, b"served")))
    """
    done = subprocess.run(command(code), env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "served"), done.stderr
    assert "are not traced" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_directory_that_cannot_be_written_to_is_no_end_of_the_application(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    code = 'asyncio.run(serve(lambda: print("served")))'
    done = subprocess.run(
        command(code), env=environment(SCOPE_DIR=str(closed / "scope")), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "served\n"), done.stderr
