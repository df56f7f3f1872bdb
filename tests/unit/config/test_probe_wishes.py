"""The file of what running processes are asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scope.config.probe_wishes import (
    ProbeWish,
    changing_probe_wishes,
    generation,
    in_force,
    read_probe_wishes,
    write_probe_wishes,
)

ONE, TWO = ProbeWish("shop.*=timing", 100), ProbeWish("@task=off", 200)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "probes.json")


def test_what_is_written_is_read_in_order_and_replaces_what_was_there(path: str) -> None:
    assert read_probe_wishes(path) == ()
    for wishes in ((ONE, TWO), (TWO,), ()):
        write_probe_wishes(path, wishes)
        assert read_probe_wishes(path) == wishes
    assert [each.name for each in Path(path).parent.iterdir()] == ["probes.json"]
    assert Path(path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["", "{", "{}", "[1]", '[{"rule": "a"}]', '[{"rule": "a", "until_ns": "soon"}]', "3"]
)
def test_a_damaged_file_asks_for_nothing(path: str, content: str) -> None:
    Path(path).write_text(content)
    assert read_probe_wishes(path) == ()


def test_a_wish_ends_with_its_time() -> None:
    assert [in_force((ONE, TWO), now_ns) for now_ns in (0, 99, 100, 199, 200)] == [(ONE, TWO)] * 2 + [(TWO,)] * 2 + [()]


def test_changes_by_several_people_at_a_time_are_all_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "probes.json")

    def add(number: int) -> None:
        with changing_probe_wishes(path):
            write_probe_wishes(path, (*read_probe_wishes(path), ProbeWish(f"shop.f{number}=timing", number)))

    with ThreadPoolExecutor(8) as people:
        list(people.map(add, range(40)))
    assert sorted(wish.until_ns for wish in read_probe_wishes(path)) == list(range(40))


def test_other_wishes_have_another_generation_and_none_has_the_first() -> None:
    sets = [(), (ONE,), (TWO,), (ONE, TWO), (TWO, ONE), (ProbeWish(ONE.rule, 101),)]
    numbers = [generation(wishes) for wishes in sets]
    assert len(set(numbers)) == len(sets)
    assert numbers[0] == 0
    assert all(0 < number < 2**32 for number in numbers[1:])
