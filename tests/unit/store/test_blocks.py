"""Blocks: what goes in comes out, whatever its size; the directory is in step with it."""

from __future__ import annotations

import random
import zlib
from struct import unpack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope._core import bundle
from scope.store.blocks import BLOCK_BYTES, Block, Contents, OpenBlock, pack_blocks
from scope.store.bundles import Bundle
from tests.unit.store.kit import summary


def contents(blobs: list[bytes], ids: list[str | None] | None = None) -> Contents:
    count = len(blobs)
    return Contents(
        requests=[7 << 44 | number for number in range(count)],
        blobs=blobs,
        traces=[number.to_bytes(16, "big") for number in range(count)],
        spans=[(1 << 64) - 1 - number for number in range(count)],
        ids=ids or [None] * count,
    )


def read(blocks: list[Block], places: list[int], index: int) -> bytes:
    block = next(block for block in blocks if block.block == places[index])
    return OpenBlock(block.requests, block.sizes, block.data).records(7 << 44 | index)


@given(st.lists(st.sampled_from([0, 1, 8, 24, 40]).flatmap(lambda size: st.binary(min_size=size, max_size=size))))
def test_every_request_is_read_as_it_was_written(blobs: list[bytes]) -> None:
    blocks, places = pack_blocks(5, contents(blobs))
    assert [read(blocks, places, index) for index in range(len(blobs))] == blobs


@given(st.integers(0, 30).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1)))
def test_a_bundle_holds_its_rows_and_ends_where_the_next_begins(rows: list[bytes]) -> None:
    bundled = bundle(rows)
    read = Bundle(b"before" + bundled + b"after", 6, len(rows[0]), len(rows))
    assert [read.row(index) for index in range(len(rows))] == rows
    assert read.end == 6 + len(bundled)


@pytest.mark.parametrize("rows", [[], [b"one", b"other"], [b"text", "text"], 3])
def test_what_is_no_rows_of_one_length_is_refused(rows: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        bundle(rows)


def test_what_rows_have_in_common_is_written_once() -> None:
    rows = [b"GET /items/%03d" % number for number in range(100)]
    assert len(bundle(rows)) == len(rows[0]) + 2 + 2 * 100


@pytest.mark.parametrize("count", [15, 16, 17, 400])
def test_requests_of_one_size_are_read_back_bundled_or_not(count: int) -> None:
    source = random.Random(count)
    blobs = [source.randbytes(328) for _ in range(count)] + [b"another size"]
    blocks, places = pack_blocks(1, contents(blobs))
    assert [read(blocks, places, index) for index in range(count + 1)] == blobs


def test_requests_alike_take_half_the_room_that_deflate_alone_would_give_them() -> None:
    blobs = [summary(key).blob for key in range(100, 200)]
    (block,), _ = pack_blocks(1, contents(blobs))
    assert len(block.data) < len(zlib.compress(b"".join(blobs), 1)) / 2


def test_a_block_holds_so_many_bytes_unless_one_request_alone_has_more() -> None:
    blobs = [bytes(BLOCK_BYTES // 2), bytes(BLOCK_BYTES // 2), b"more", bytes(BLOCK_BYTES + 1)]
    blocks, places = pack_blocks(1, contents(blobs))
    sizes = [unpack(f"<{len(block.sizes) // 4}I", block.sizes) for block in blocks]
    assert [sum(each) for each in sizes] == [BLOCK_BYTES // 2 + 4, BLOCK_BYTES // 2, BLOCK_BYTES + 1]
    assert [read(blocks, places, index) for index in range(4)] == blobs


def test_the_directory_is_in_the_order_of_the_sizes() -> None:
    (block,), _ = pack_blocks(3, contents([b"three", b"one", b"fourth"], ["c", None, "d\ne"]))
    assert unpack("<3q", block.requests) == (7 << 44 | 1, 7 << 44, 7 << 44 | 2)
    assert unpack("<3I", block.sizes) == (3, 5, 6)
    assert [block.traces[at + 15] for at in (0, 16, 32)] == [1, 0, 2]
    assert [block.spans[at + 7] for at in (0, 8, 16)] == [0xFE, 0xFF, 0xFD]
    assert block.ids == "\n\nc\nd e\n"


def test_a_block_without_ids_has_no_text_of_them() -> None:
    (block,), _ = pack_blocks(1, contents([b"a", b"b"]))
    assert block.ids is None


def test_a_trace_id_of_another_length_does_not_shift_the_others() -> None:
    parts = contents([b"a", b"b", b"c"])._replace(traces=[b"short", b"x" * 20, b"y" * 16])
    (block,), _ = pack_blocks(1, parts)
    assert block.traces == b"short".ljust(16, b"\0") + b"x" * 16 + b"y" * 16


def test_a_request_of_another_block_is_not_found() -> None:
    (block,), _ = pack_blocks(1, contents([b"a"]))
    with pytest.raises(KeyError):
        OpenBlock(block.requests, block.sizes, block.data).records(99)


def test_nothing_needs_no_block() -> None:
    assert pack_blocks(1, contents([])) == ([], [])
