"""What the events of a soak carry."""

from __future__ import annotations

import pytest

from load_tests.soak.payload import LONGEST, attributes, check


def test_what_was_written_is_known_by_writer_and_number() -> None:
    for number in range(1000):
        carried = attributes(7 << 30, number)
        assert check(carried) == (7 << 30, number)
        assert len(str(carried["p"])) < LONGEST


def test_events_of_others_are_none_of_ours() -> None:
    assert check({}) is None
    assert check({"customer": 3}) is None


@pytest.mark.parametrize("change", [{"w": 8}, {"n": 4}, {"p": "another text"}, {"c": 0}, {"more": 1}, {"n": "3"}])
def test_whatever_is_changed_is_noticed(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="torn"):
        check({**attributes(7, 3), **change})


def test_what_is_cut_off_is_noticed() -> None:
    whole = attributes(7, 3)
    for name in whole.keys() - {"w"}:
        with pytest.raises(ValueError, match="torn"):
            check({key: value for key, value in whole.items() if key != name})
