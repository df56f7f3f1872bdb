"""A forked child has a segment of its own, and writes nothing into its parent's."""

from __future__ import annotations

from pathlib import Path

from scope.model import Trace

from .program import run, segments, traces


def in_child_and_parent(tmp_path: Path) -> tuple[list[Trace], list[Trace]]:
    """The traces of the parent's segment, and those of its only child's."""
    parent, child = segments(tmp_path / "scope")
    return traces(parent), traces(child)


def paths(found: list[Trace]) -> list[str]:
    return [trace.request.path for trace in found]


def test_a_request_open_across_a_fork_is_the_parents(tmp_path: Path) -> None:
    out = run("""
        def work():
            with span("around"):
                annotate(before=True)
                child = os.fork()
                if child == 0:
                    step()
                    annotate(child=True)
                    with span("in the child"):
                        pass
                    assert _core.get_session() is None
                else:
                    assert os.waitpid(child, 0)[1] == 0
                    annotate(parent=True)
                    step()
            if child == 0:
                asyncio.run(serve(step, http(path="/of-the-child")))
                print("lost", _core.get_session().statistics()["lost"])
                os._exit(0)

        asyncio.run(serve(work, http(path="/forking")))
        asyncio.run(serve(step, http(path="/of-the-parent")))
    """)
    of_parent, of_child = in_child_and_parent(tmp_path)
    assert paths(of_parent) == ["/forking", "/of-the-parent"]
    assert paths(of_child) == ["/of-the-child"]
    assert all(trace.request.complete for trace in [*of_parent, *of_child])
    (around,) = of_parent[0].root.children
    assert around.attributes == {"before": True, "parent": True}
    assert [span.name for span in around.children] == ["step"]
    assert int(out.split()[1]) > 0  # what the child did in its parent's request is counted


def test_workers_of_one_parent_never_make_the_same_ids(tmp_path: Path) -> None:
    run("""
        with span("before the workers"):
            pass
        for _ in range(4):
            if os.fork() == 0:
                for _ in range(50):
                    asyncio.run(serve(step))
                os._exit(0)
        while True:
            try:
                assert os.wait()[1] == 0
            except ChildProcessError:
                break
    """)
    files = segments(tmp_path / "scope")
    requests = [trace.request for path in files for trace in traces(path)]
    assert len(files) == 5
    assert len(requests) == 201
    assert len({request.trace_id for request in requests}) == 201
    assert len({request.span_id for request in requests}) == 201
    assert len({request.pid for request in requests}) == 5


def test_forking_while_threads_come_and_go_hangs_nobody(tmp_path: Path) -> None:
    run("""
        done = threading.Event()

        def churn():
            while not done.is_set():
                thread = threading.Thread(target=lambda: span("churn").__enter__().__exit__(None, None, None))
                thread.start()
                thread.join()

        threads = [threading.Thread(target=churn, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(12):
            child = os.fork()
            if child == 0:
                with span("child"):
                    step()
                worker = threading.Thread(target=lambda: span("thread").__enter__().__exit__(None, None, None))
                worker.start()
                worker.join()
                os._exit(0)
            for _ in range(1000):
                pid, status = os.waitpid(child, os.WNOHANG)
                if pid:
                    break
                time.sleep(0.01)
            assert pid, "the child hangs"
            assert status == 0
        done.set()
        for thread in threads:
            thread.join()
    """)
    names = [tuple(trace.root.name for trace in traces(path)) for path in segments(tmp_path / "scope")]
    assert names.count(("child", "thread")) == 12
    (parents,) = (each for each in names if each != ("child", "thread"))
    assert "churn" in parents
    assert "child" not in parents


def test_a_child_that_traces_nothing_leaves_nothing(tmp_path: Path) -> None:
    run("""
        with span("parent"):
            child = os.fork()
            if child == 0:
                step()
                os._exit(0)
            os.waitpid(child, 0)
    """)
    (parent,) = segments(tmp_path / "scope")
    (trace,) = traces(parent)
    assert trace.request.complete


def test_a_child_of_a_thread_goes_on_with_that_thread_alone(tmp_path: Path) -> None:
    run("""
        def fork():
            child = os.fork()
            if child == 0:
                with span("child"):
                    step()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            with span("parent"):
                step()

        with span("main"):
            pass
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
    """)
    of_parent, of_child = in_child_and_parent(tmp_path)
    assert [trace.root.name for trace in of_parent] == ["main", "parent"]
    assert [trace.root.name for trace in of_child] == ["child"]


def test_an_open_segment_of_the_parent_is_not_inherited_through_exec(tmp_path: Path) -> None:
    out = run("""
        import subprocess
        with span("parent"):
            code = "import os; print([os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')[:-1]])"
            print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, close_fds=False).stdout)
    """)
    assert ".seg" not in out
