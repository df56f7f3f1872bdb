from __future__ import annotations

import json

from load_tests.report import NO_ANSWER, Sample, quantile, summarise


def sample(number: int, action: str, status: int, duration_ns: int, *, expected: bool = True) -> Sample:
    return Sample(f"run-{number}", action, status, expected, 0, duration_ns)


def test_requests_are_added_up_by_action() -> None:
    report = summarise(
        "http://127.0.0.1:8000",
        2.0,
        [
            sample(1, "list", 200, 10),
            sample(2, "list", 500, 30, expected=False),
            sample(3, "list", 200, 20),
            sample(4, "buy", 201, 5),
        ],
    )
    assert (report.requests, report.answered, report.unexpected, report.slowest_id) == (4, 4, 1, "run-2")
    buy, listing = report.actions
    assert (buy.action, buy.requests) == ("buy", 1)
    assert (listing.statuses, listing.unexpected) == ({200: 2, 500: 1}, 1)
    assert (listing.p50_ns, listing.p95_ns, listing.max_ns) == (20, 30, 30)


def test_the_slowest_request_is_one_that_was_answered() -> None:
    report = summarise("", 1.0, [sample(1, "hang", NO_ANSWER, 900), sample(2, "list", 200, 1)])
    assert (report.slowest_id, report.answered) == ("run-2", 1)


def test_a_run_without_requests_has_no_slowest_one() -> None:
    assert summarise("", 1.0, []).slowest_id == ""


def test_the_json_has_sums_and_no_samples() -> None:
    text = json.dumps(summarise("", 1.0, [sample(1, "list", 200, 1)]).as_json())
    assert json.loads(text)["requests"] == 1
    assert "samples" not in text


def test_people_get_a_line_for_each_action() -> None:
    lines = summarise("", 2.0, [sample(1, "list", 200, 3_000_000), sample(2, "hang", NO_ANSWER, 1)]).lines()
    assert [line.split()[0] for line in lines] == ["action", "hang", "list", "2"]
    assert lines[2].split() == ["list", "1", "3.0", "3.0", "3.0", "200:1"]
    assert lines[1].endswith("none:1")


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile(range(1, 101), share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 50, 95, 100]
    assert quantile([], 0.5) == 0
