"""What is likely to hurt, and what only looks like it."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from scope.instrument.analyse import analyse

from .kit import analysed, found, write

if TYPE_CHECKING:
    from pathlib import Path

HIGH, MEDIUM, LOW = "HIGH", "MEDIUM", "LOW"


@pytest.mark.parametrize(
    ("call", "severity"),
    [
        ("time.sleep(1)", HIGH),
        ("pause(1)", HIGH),
        ("requests.get(url)", HIGH),
        ("requests.Session().get(url)", HIGH),
        ("httpx.Client().get(url)", HIGH),
        ("session.execute(query)", HIGH),
        ("connection.execute(query)", HIGH),
        ("subprocess.run(['ls'])", HIGH),
        ("shutil.rmtree(path)", MEDIUM),
        ("open(path)", LOW),
        ("Path(path).read_text()", LOW),
    ],
)
def test_a_blocking_call_in_an_asynchronous_function(tmp_path: Path, call: str, severity: str) -> None:
    source = """
        import time, requests, httpx, subprocess, shutil, sqlite3
        from pathlib import Path
        from time import sleep as pause
        from sqlalchemy.orm import Session
        async def handler(url, query, path, session: Session):
            connection = sqlite3.connect("x") if query else None  # noqa
            with sqlite3.Connection("y") as connection:
                CALL
    """.replace("CALL", call)
    told = found(analysed(tmp_path, main=source))
    assert ("blocking-call", 9, severity) in told


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.to_thread(time.sleep, 1)",
        "await asyncio.sleep(1)",
        "await httpx.AsyncClient().get(url)",
        "await session.execute(query)",
        "work = lambda: time.sleep(1)",
        "time.monotonic()",
        "subprocess.PIPE.real()",
    ],
)
def test_what_does_not_block(tmp_path: Path, body: str) -> None:
    source = """
        import asyncio, time, httpx, subprocess
        from sqlalchemy.ext.asyncio import AsyncSession
        async def handler(url, query, session: AsyncSession):
            BODY
    """.replace("BODY", body)
    assert [each for each in found(analysed(tmp_path, main=source)) if each[0] == "blocking-call"] == []


def test_a_synchronous_handler_may_block_but_not_what_asynchronous_code_calls(tmp_path: Path) -> None:
    source = """
        import time
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/fine")
        def fine():
            time.sleep(1)
        @app.get("/bad")
        async def bad():
            Report().render()
        @app.get("/worse")
        async def worse():
            Report().render()
        class Report:
            def render(self):
                self.load()
            def load(self):
                time.sleep(1)
    """
    [finding] = analysed(tmp_path, main=source).findings
    assert (finding.line, finding.function, finding.routes) == (18, "main.Report.load", 1)
    assert finding.path == ("main.bad", "main.Report.render", "main.Report.load")
    assert finding.message.endswith("in async bad, reached by bad -> Report.render -> Report.load")


def test_queries_in_loops(tmp_path: Path) -> None:
    source = """
        import httpx
        from sqlalchemy import select, delete
        async def handler(session, ids, client: httpx.AsyncClient, db):
            for id in ids:
                await session.execute(id)
            found = [await client.get(each) for each in ids]
            for id in ids:
                load(db, id)
            for row in await session.execute(ids):
                select(row).get(1)
                delete(row)
            while await db.fetch_one(ids):
                pass
            return found
        def load(db, id):
            return db.cursor.execute(id)
        from fastapi import FastAPI
        app = FastAPI()
        app.add_api_route("/", handler)
    """
    assert [each[1:] for each in found(analysed(tmp_path, main=source))] == [
        (6, HIGH),
        (7, HIGH),
        (9, MEDIUM),
        (13, HIGH),
    ]


def test_coroutines_and_tasks_that_nobody_keeps(tmp_path: Path) -> None:
    source = """
        import asyncio
        async def work(): ...
        async def rows():
            yield 1
        async def handler():
            work()
            asyncio.sleep(1)
            await work()
            kept = asyncio.create_task(work())
            asyncio.create_task(work())
            rows()
            return kept, work()
    """
    assert found(analysed(tmp_path, main=source)) == [
        ("missing-await", 7, HIGH),
        ("missing-await", 8, HIGH),
        ("unkept-task", 11, LOW),
    ]


def test_exceptions_that_nobody_learns_of(tmp_path: Path) -> None:
    source = """
        import asyncio, logging
        async def handler(task):
            try:
                await task; await task
            except Exception:
                pass
            try:
                task()
            except:
                return None
            try:
                task(); task()
            except asyncio.CancelledError:
                ...
            try:
                task()
            except (ValueError, KeyError):
                pass
            try:
                task()
            except Exception:
                logging.exception("no")
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
        def plain():
            for _ in ():
                try:
                    work()
                except BaseException:
                    continue
    """
    assert [each[1:] for each in found(analysed(tmp_path, main=source))] == [
        (6, MEDIUM),
        (10, HIGH),
        (14, HIGH),
        (33, MEDIUM),
    ]


def test_a_query_in_a_loop_that_no_request_runs_is_less_severe(tmp_path: Path) -> None:
    source = """
        def upgrade(connection, rows):
            for row in rows:
                connection.execute(row)
    """
    assert found(analysed(tmp_path, main=source)) == [("query-in-loop", 4, MEDIUM)]


def test_what_belongs_to_a_client_is_no_query(tmp_path: Path) -> None:
    source = """
        import httpx, sqlmodel
        def handler(rows, response: httpx.Response, url: httpx.URL, session: sqlmodel.Session):
            for row in rows:
                session.delete(row)
                response.headers.get(row)
                url.params.get(row)
                sqlmodel.delete(row)
                httpx.Headers().get(row)
                httpx.Client().get(row)
    """
    assert [line for rule, line, _ in found(analysed(tmp_path, main=source)) if rule == "query-in-loop"] == [10]


def test_what_a_function_imports_for_itself_hides_what_its_module_has(tmp_path: Path) -> None:
    """A command called like the function that it runs, for one."""
    source = """
        import asyncio
        def copy():
            asyncio.run(_copy())
        async def _copy():
            from .files import copy
            copy()
    """
    files = "import time\nasync def later():\n    from time import sleep as rest\n    rest(1)\ndef copy():\n    pass\n"
    analysis = analysed(tmp_path, shop__main=source, shop__files=files)
    assert [(each.file, each.line) for each in analysis.findings] == [("shop/files.py", 4)]


@pytest.mark.parametrize(
    "body",
    [
        "session.add(x)",
        "Session(x)",
        "lock.acquire(blocking=False)",
        "lock.acquire(False)",
        "waiting.get(block=False)",
        "waiting.put_nowait(x)",
        "process.terminate()",
        "requests.Session()",
        "await in_thread(x)",
    ],
)
def test_what_waits_for_nobody_does_not_block(tmp_path: Path, body: str) -> None:
    source = """
        import queue, requests, subprocess, threading, time
        from anywhere import somewhere_else
        from sqlalchemy.orm import Session
        lock = threading.Lock()
        async def handler(x, session: Session, process: subprocess.Popen, waiting: queue.Queue):
            BODY
        @somewhere_else
        def in_thread(x):
            time.sleep(x)
    """.replace("BODY", body)
    assert found(analysed(tmp_path, main=source)) == []


def test_cancellation_that_is_named_where_a_task_ends_is_less_severe(tmp_path: Path) -> None:
    source = """
        import asyncio
        async def body(queue):
            try:
                await queue.get(); queue.task_done()
            except asyncio.CancelledError:
                pass
        async def returning(queue):
            while True:
                try:
                    queue.join()
                except asyncio.CancelledError:
                    break
            queue.close()
        async def stop(first, second):
            first.cancel()
            try:
                await first
                if second:
                    await second
            except (asyncio.CancelledError, Exception):
                pass
            try:
                await first
            except BaseException:
                pass
    """
    assert [each[1:] for each in found(analysed(tmp_path, main=source))] == [(6, LOW), (12, LOW), (25, MEDIUM)]


def test_functions_with_many_branches(tmp_path: Path) -> None:
    branches = "\n".join(f"    if a and b == {number}: pass" for number in range(16))
    assert found(analysed(tmp_path, main=f"def f(a, b):\n{branches}\n")) == [("complexity", 1, MEDIUM)]
    assert found(analysed(tmp_path, main="def f(a, b):\n    x = [i for i in a if i]\n")) == []


def test_what_most_routes_lead_to_comes_first_among_equals(tmp_path: Path) -> None:
    source = """
        import time
        from typing import Annotated
        from fastapi import Depends, FastAPI
        app = FastAPI()
        async def never():
            time.sleep(1)
        async def session():
            time.sleep(2)
        SessionDep = Annotated[object, Depends(session)]
        class Checked:
            async def __call__(self):
                time.sleep(3)
        @app.get("/a")
        async def a(s: SessionDep): ...
        @app.get("/b")
        async def b(s=Depends(session)): ...
        @app.get("/c", dependencies=[Depends(Checked())])
        async def c(): ...
    """
    analysis = analysed(tmp_path, main=source)
    assert [(each.line, each.routes) for each in analysis.findings] == [(9, 2), (13, 1), (7, 0)]
    assert analysis.reached[0].function.name == "main.session"


def test_re_exports_and_relative_imports_are_followed(tmp_path: Path) -> None:
    files = {
        "shop__clock__slow": "import time\ndef nap():\n    time.sleep(1)\n",
        "shop__main": "from . import clock\nasync def handler():\n    clock.rest()\n",
    }
    write(tmp_path, **files)
    (tmp_path / "shop" / "clock" / "__init__.py").write_text("from .slow import nap as rest\n")
    [finding] = analyse(tmp_path).findings
    assert finding.path == ("shop.main.handler", "shop.clock.slow.nap")


def test_annotations_tell_what_a_value_is(tmp_path: Path) -> None:
    source = """
        import asyncio, redis
        from typing import Annotated, Optional
        async def one(r: "redis.Redis"): r.get("x")
        async def two(r: Optional[redis.Redis]): r.get("x")
        async def three(r: Annotated[redis.Redis | None, 1]): r.get("x")
        async def four(r: "not valid ["): r.get("x")
        async def five(r: list[redis.Redis]): r.append("x")
    """
    assert [each[1] for each in found(analysed(tmp_path, main=source))] == [4, 5, 6]


def test_what_cannot_be_read_is_said_and_the_rest_analysed(tmp_path: Path) -> None:
    write(tmp_path, good="async def f():\n    import time\n", bad="def (:\n")
    (tmp_path / "wrong.py").write_bytes(b"# coding: latin-9000\n")
    (tmp_path / "null.py").write_bytes(b"\0")
    (tmp_path / "huge.py").write_bytes(b"#" * (5 << 20))
    analysis = analyse(tmp_path)
    assert analysis.modules == 1
    assert [each.file for each in analysis.unreadable] == ["bad.py", "huge.py", "null.py", "wrong.py"]
    assert all(each.reason for each in analysis.unreadable)


def test_environments_and_hidden_directories_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, main="x = 1\n", env__lib__thing="x = 1\n", build__lib__thing="x = 1\n")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / ".tox").mkdir()
    (tmp_path / ".tox" / "thing.py").write_text("x = 1\n")
    assert analyse(tmp_path).modules == 1
    assert analyse(tmp_path / "main.py").modules == 1
    with pytest.raises(FileNotFoundError):
        analyse(tmp_path / "nothing")


def test_the_plan_leaves_out_what_is_minor_or_called_too_often(tmp_path: Path) -> None:
    source = """
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/")
        async def handler(rows):
            for row in rows:
                for cell in row:
                    for part in cell:
                        price(part)
                        tiny(part)
                load(row)
            again(3)
        def price(part):
            return round_(part)
        def round_(x): return tiny(x)
        def tiny(x): return x
        def load(row): return tiny(row)
        def again(x): return again(x - 1) if x else tiny(x)
        def unreached(): ...
    """
    plan = {each.function.qualname: each for each in analysed(tmp_path, main=dedent(source)).plan}
    assert {name: (each.level, each.calls) for name, each in plan.items()} == {
        "handler": ("timing", 1),
        "price": ("off", 1000),
        "round_": ("off", 1000),
        "tiny": ("off", 1000),
        "load": ("timing", 10),
        "again": ("timing", 1),
    }
    assert plan["load"].cost_ns == 10 * 120
    assert plan["price"].reason == "called too often"
