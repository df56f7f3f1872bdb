from __future__ import annotations

import pytest

from load_tests.shop import run_mix


@pytest.mark.parametrize(
    ("url", "bounds", "message"),
    [
        ("http://127.0.0.1:1", {}, "has an end"),
        ("http://127.0.0.1:1", {"seconds": -1.0}, "above zero"),
        ("http://127.0.0.1:1", {"requests": 5, "visitors": 0}, "above zero"),
        ("http://example.org", {"requests": 5}, "loopback"),
    ],
)
def test_a_run_without_end_or_against_others_is_refused(url: str, bounds: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run_mix(url, **bounds)  # type: ignore[arg-type]


def test_a_run_ends_at_its_number_of_requests_also_when_nobody_answers() -> None:
    report = run_mix("http://127.0.0.1:1", requests=12, visitors=3)
    assert (report.requests, report.answered) == (12, 0)
    assert report.unexpected > 0
    assert len({sample.id for sample in report.samples}) == 12


def test_a_run_ends_at_its_time() -> None:
    assert 0.2 <= run_mix("http://127.0.0.1:1", seconds=0.2, visitors=2).seconds < 5
