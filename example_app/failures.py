"""Every way in which a request can fail, one endpoint each: to see what its trace looks like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Path, Query, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

import scope

from .errors import OutOfStock

router = APIRouter(prefix="/failures", tags=["failures"])


class Mishap(RuntimeError):
    """Something nobody planned for."""


class Count(BaseModel):
    number: int


@router.get("/http/{status}")
async def http_error(status: Annotated[int, Path(ge=400, le=599)]) -> None:
    raise HTTPException(status, "As you asked")


@router.get("/domain")
async def domain_error() -> None:
    """An error of the shop's own, which an exception handler turns into an answer."""
    raise OutOfStock("Nothing left")


@router.get("/validation")
async def validation(number: int) -> Count:
    """422 unless ``number`` is one."""
    return Count(number=number)


@router.get("/response", response_model=Count)
async def response() -> dict[str, str]:
    """An answer that breaks the endpoint's own promise: 500."""
    return {"number": "many"}


@router.get("/unhandled")
async def unhandled() -> None:
    """An exception with a cause, which nobody handles."""
    try:
        look_up("missing")
    except KeyError as error:
        raise Mishap("The lookup failed") from error


@scope.probe
def look_up(key: str) -> str:
    shelf: dict[str, str] = {}
    return shelf[key]


@router.get("/thread")
def thread() -> None:
    """An exception in a thread of the pool."""
    look_up("missing")


async def broken_dependency() -> None:
    raise Mishap("The dependency failed")


@router.get("/dependency", dependencies=[Depends(broken_dependency)])
async def dependency() -> None:
    """Never reached."""


async def guarded() -> AsyncIterator[str]:
    """Sees the handler's exception on its way out and lets it pass."""
    try:
        yield "guarded"
    except Mishap as error:
        scope.annotate(cleaned_up_after=str(error))
        raise


@router.get("/cleanup")
async def cleanup(resource: Annotated[str, Depends(guarded)]) -> None:
    raise Mishap(f"The handler failed while {resource}")


@router.get("/background", status_code=202)
async def background(jobs: BackgroundTasks) -> None:
    """The answer is fine; the job after it is not."""
    jobs.add_task(failing_job)


@scope.probe
async def failing_job() -> None:
    await asyncio.sleep(0.005)
    raise Mishap("The job failed")


@router.get("/timeout")
async def timeout(after_ms: Annotated[int, Query(ge=1, le=10_000)] = 50) -> None:
    try:
        async with asyncio.timeout(after_ms / 1000):
            await never()
    except TimeoutError as error:
        raise HTTPException(504, "Took too long") from error


@scope.probe
async def never() -> None:
    """Waits until cancelled."""
    await asyncio.Event().wait()


@router.get("/cancelled")
async def cancelled() -> None:
    """Of three tasks one fails, so the other two are cancelled."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(never())
            tasks.create_task(never())
            tasks.create_task(failing_job())
    except* Mishap as group:
        raise HTTPException(502, f"{len(group.exceptions)} of 3 tasks failed") from group


@router.get("/hang")
async def hang(seconds: Annotated[float, Query(ge=0, le=600)] = 600) -> None:
    """Answers late enough for the client to give up or the worker to die first."""
    with scope.span("hang", seconds=seconds):
        await asyncio.sleep(seconds)


@router.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(broken_stream(), media_type="text/plain")


async def broken_stream() -> AsyncIterator[str]:
    yield "The first line arrives,\n"
    await asyncio.sleep(0)
    raise Mishap("The second line does not")


@router.websocket("/socket")
async def socket(websocket: WebSocket) -> None:
    """Fails upon the first message."""
    await websocket.accept()
    raise Mishap(f"Cannot answer {await websocket.receive_text()}")
