from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import FrameType

import pytest

from load_tests.functions.child import applications, basket, measured
from load_tests.functions.child.exchange import exchange
from load_tests.functions.child.served import Served
from load_tests.functions.child.tools import TOOLS
from load_tests.functions.variants import CASES, variants


def test_a_priced_basket_is_200_calls() -> None:
    calls: list[str] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        if (
            event == "call"
            and Path(frame.f_code.co_filename) == Path(basket.__file__)
            and frame.f_code.co_name[0] != "<"
        ):
            calls.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        basket.answer()
    finally:
        sys.setprofile(before)
    assert len(calls) == 200


@pytest.mark.parametrize("name", ["plain", "fastapi"])
def test_the_applications_answer_with_the_basket(name: str) -> None:
    sent: list[object] = []
    app = getattr(applications, name)()

    async def keep(message: object) -> None:
        sent.append(message)

    async def kept(scope: object, receive: object, _: object) -> None:
        await app(scope, receive, keep)

    asyncio.run(exchange(kept))
    assert [message["type"] for message in sent if isinstance(message, dict)] == [
        "http.response.start",
        "http.response.body",
    ]
    assert "delivery" in str(sent)


def test_uvicorn_serves_one_request_after_the_other() -> None:
    served = Served(applications.fastapi())
    asyncio.run(served.requests(3))
    assert served.connection.answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"delivery" in served.connection.answer


def test_every_case_can_be_measured() -> None:
    cases = measured.measures(measured.unwrapped)
    assert cases.keys() == CASES.keys()
    for name in CASES:
        assert asyncio.run(measured.measured(cases[name], 10)) > 0


def test_every_variant_has_its_tool() -> None:
    assert {variant.tool for variant in variants("3.12").values()} == TOOLS.keys()


def test_both_engines_are_measured_where_there_are_both() -> None:
    assert {"ast", "monitoring"} <= variants("3.13").keys()
    assert "monitoring" not in variants("3.11")
