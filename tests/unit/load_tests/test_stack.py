from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from load_tests.__main__ import main
from load_tests.overhead.load import LoadError, full, paced
from load_tests.prices import send_prices
from load_tests.proof import Findings, check_answers
from load_tests.stack import ADMIN_KEY, Stack, isolated, shop

VARIABLES = ("SCOPE_DIR", "SHOP_DATABASE")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with shop(tmp_path_factory.mktemp("stack"), workers=1, collect=False) as stack:
        yield stack


def test_everything_a_run_keeps_is_in_its_directory(tmp_path: Path) -> None:
    environment = isolated(tmp_path, {"SCOPE_PROFILE": "prod"})
    assert all(Path(environment[name]).is_relative_to(tmp_path) for name in VARIABLES)
    assert environment["SCOPE_PROFILE"] == "prod"


def test_the_shop_answers_visitors_as_they_expect(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--url", stack.base_url, "--requests", "150", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (status, report["unexpected"], report["requests"]) == (0, 0, 150), stack.shop.tail()


def test_staff_gets_in_with_the_key(stack: Stack) -> None:
    import httpx

    assert httpx.get(f"{stack.base_url}/admin/orders", headers={"X-Admin-Key": ADMIN_KEY}).status_code == 200


def test_every_price_is_answered_under_its_own_id(stack: Stack) -> None:
    run = send_prices(stack.port, 300, connections=4, depth=4)
    findings = Findings()
    check_answers(run.sent, findings)
    assert (len(run.sent), run.unanswered, findings.lines()) == (300, 0, [])


def test_without_wrk_the_generator_applies_full_load(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    done = full(stack.port, "/products/1/price", 1)
    assert done.requests > 0
    assert done.seconds >= 1


def test_paced_load_sends_its_number_of_requests(stack: Stack) -> None:
    done = paced(stack.port, "/products/1/price", 0.2, 100)
    assert done.requests == 20
    assert done.seconds >= 0.19


def test_load_that_fails_is_no_measurement(stack: Stack) -> None:
    with pytest.raises(LoadError, match="not a success"):
        paced(stack.port, "/nowhere", 0.1, 100)
