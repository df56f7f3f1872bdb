"""``scope mcp`` as an agent has it: a process of its own, spoken to with the SDK's own client."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import TextContent

from tests.unit.docs.pages import code_of, page, rows
from tests.unit.views.cli.conftest import clean_environment, run_scope

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcp_types import CallToolResult

    from tests.unit.views.cli.conftest import Traced

PAGE = page("reference/mcp.md")


def agent(directory: Path, root: Path) -> Client:
    arguments = ["-P", "-m", "scope", "--dir", str(directory), "mcp", "--root", str(root)]
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=clean_environment())
    return Client(parameters, read_timeout_seconds=60)


def asked(directory: Path, root: Path, *calls: tuple[str, Mapping[str, Any]]) -> list[CallToolResult]:
    async def ask() -> list[CallToolResult]:
        async with agent(directory, root) as client:
            return [await client.call_tool(name, dict(arguments)) for name, arguments in calls]

    return anyio.run(ask)


def text_of(result: CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_an_agent_finds_a_request_and_looks_into_it(traced: Traced, code: Path) -> None:
    found, shown, compared, planned = asked(
        traced.directory,
        code,
        ("search_requests", {"filter": "errors>0", "limit": 1}),
        ("show_request", {"id": "@last-error"}),
        ("diff_requests", {"a": "users-0", "b": "users-1"}),
        ("propose_plan", {}),
    )
    assert [each["id"] for each in json.loads(text_of(found))["requests"]] == ["failing"]
    assert "CardDeclined" in json.loads(text_of(shown))["text"]
    assert json.loads(text_of(compared))["different"] is False
    assert json.loads(text_of(planned))["counts"]["routes"] == 1
    assert not any(each.is_error for each in (found, shown, compared, planned))


def test_what_cannot_be_done_is_an_error_of_the_call_and_the_server_goes_on(traced: Traced, code: Path) -> None:
    *refused, fine = asked(
        traced.directory,
        code,
        ("search_requests", {"filter": "nope:1"}),
        ("search_requests", {"limit": 1000}),
        ("search_requests", {"since": "whenever"}),
        ("show_request", {"id": "nobody"}),
        ("propose_plan", {"path": "../.."}),
        ("list_inflight", {}),
    )
    words = ["unknown field 'nope'", "less than or equal to 100", "is no time", "nobody", "outside"]
    assert [word in text_of(each) for word, each in zip(words, refused, strict=True)] == [True] * len(words)
    assert all(each.is_error for each in refused)
    assert not fine.is_error


def test_a_directory_without_a_store_is_an_error_of_the_call(tmp_path: Path, code: Path) -> None:
    [result] = asked(tmp_path / "none", code, ("list_routes", {}))
    assert result.is_error
    assert "there is no store" in text_of(result)


def test_the_reference_lists_every_tool_and_parameter(tmp_path: Path, code: Path) -> None:
    async def ask() -> list[Any]:
        async with agent(tmp_path, code) as client:
            return (await client.list_tools()).tools

    tools = anyio.run(ask)
    told = {
        tool.name: {name: _default(each) for name, each in tool.input_schema["properties"].items()} for tool in tools
    }
    assert [code_of(cells[0]) for cells in rows(PAGE.section("## Tools").partition("###")[0])] == list(told)
    assert {
        name: {code_of(cells[0]): code_of(cells[1]) for cells in rows(PAGE.section(f"### {name}"))} for name in told
    } == told
    assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)
    assert all(tool.description for tool in tools)


def _default(parameter: Mapping[str, Any]) -> str:
    return json.dumps(parameter["default"]) if "default" in parameter else ""


def test_without_the_sdk_the_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError('no', name='mcp')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        result = run_scope(tmp_path / "scope", "mcp")
    assert result.returncode == 1
    assert b"pip install 'asgi-scope[mcp]'" in result.stderr
    assert b"Traceback" not in result.stderr
