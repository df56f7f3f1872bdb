"""A trace as Markdown."""

from __future__ import annotations

from dataclasses import replace

from scope.views.markdown import markdown_lines
from tests.unit.views.samples import DECLINED, make_span, make_trace


def markdown(**fields: object) -> str:
    return "\n".join(markdown_lines(make_trace(make_span("GET", 0, 1), **fields)))


def test_nothing_of_a_request_acts_as_markup() -> None:
    text = markdown(path="/`*_<script>|[x](y)\n# heading", route=None)
    assert "# `` GET /`*_<script>|[x](y)\\n# heading ``" in text
    assert "| path | `` /`*_<script>\\|[x](y)\\n# heading `` |" in text
    assert "\n# heading" not in text


def test_a_fence_is_longer_than_any_run_of_backticks() -> None:
    exception = replace(DECLINED, message="```\n# out of the box")
    text = "\n".join(markdown_lines(make_trace(make_span("GET", 0, 1, status="error", exception=exception))))
    assert "````text\n```\n# out of the box" in text


def test_an_exception_that_passed_through_many_spans_is_told_once() -> None:
    inner = make_span("inner", 0, 1, status="error", exception=DECLINED)
    outer = make_span("outer", 0, 1, inner, status="error", exception=replace(DECLINED, frames=()))
    text = "\n".join(markdown_lines(make_trace(outer)))
    assert text.count("## `shop.errors.PaymentDeclined`") == 1
    assert "/srv/shop/payments.py:31 in charge" in text


def test_background_work_is_told_of_only_where_there_was_any() -> None:
    assert "background" not in markdown()
    assert "background" not in markdown(background_ns=5_000)
    assert "| background | `5 ms` |" in markdown(background_ns=5_000_000)
