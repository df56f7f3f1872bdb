"""Writes the golden files beside it: bytes of the wire format, and what they say as JSON.

Run ``python -m tests.unit.wire.golden.generate`` from the top of the checkout after a change of the format, and only
then: the files are what keeps the implementations in C and in Python together, and new ones with old ones.

- ``records.bin``: every type of record and every tag of value, one after the other from position 0 on. ``records.json``
  has an object for each on a line of its own: where it begins, its header, its prefix, its payload.
- ``definitions.bin``: an entry of every kind, told in ``definitions.json`` in the same manner.
- ``segment.bin``: a whole segment of two lanes, the first of them lapped; ``segment.json`` has its header, its controls
  and the records that a reader finds.

Bytes are written as ``{"hex": ...}``, other values that JSON has no notion of as ``{"cut": [text, length]}``,
``{"redacted": true}``, ``{"object": type}``, ``{"map": {...}}``, ``{"part": [...], "length": length}`` and
``{"instance": type, ...}``. A FUNCTION_EXIT has parent 0: what its prefix holds
there is its outcome.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from scope.model import Cut, Definition, Event, EventType, Frame, Instance, ObjectName, Part, Redacted
from scope.wire.decode import decode_records
from scope.wire.definitions import decode_definition, encode_definition, split_definitions
from scope.wire.encode import encode_records
from scope.wire.segment import SegmentFile
from tests.unit.wire.samples import DEFINITIONS, EVENTS
from tests.unit.wire.segment_builder import LaneWriter, build_segment

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE: Final = Path(__file__).parent


def plain(value: object) -> object:
    """``value`` of a payload as JSON has it."""
    if isinstance(value, Frame):
        return asdict(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {"map": fields(value)}
    return marked(value)


def marked(value: object) -> object:
    match value:
        case bytes():
            return {"hex": value.hex()}
        case Cut(text, length):
            return {"cut": [text, length]}
        case Part(items, length):
            return {"part": plain(items), "length": length}
        case Instance(type_name, attributes, is_part):
            return {"instance": type_name, "attributes": fields(attributes), "is_part": is_part}
        case Redacted():
            return {"redacted": True}
        case ObjectName(type_name):
            return {"object": type_name}
        case _:
            return value


def fields(values: Mapping[str, object]) -> dict[str, object]:
    """Named values; attributes, known by their name, need no mark that they are a map."""
    return {
        name: fields(value) if name == "attributes" and isinstance(value, Mapping) else plain(value)
        for name, value in values.items()
    }


def tell_record(offset: int, words: int, event: Event) -> dict[str, object]:
    return {
        "offset": offset,
        "type": int(event.type),
        "words": words,
        "time_ns": event.time_ns,
        "request": event.request,
        "span": event.span,
        "parent": event.parent,
        "site": event.site,
        "payload": fields(event.payload),
    }


def tell_records(data: bytes) -> list[dict[str, object]]:
    """What the records of ``data`` say."""
    told: list[dict[str, object]] = []
    offset = 0
    for event in decode_records(data):
        words = int.from_bytes(data[offset + 1 : offset + 3], "little")
        told.append(tell_record(offset, words, event))
        offset += words * 8
    return told


def tell_definitions(data: bytes) -> list[dict[str, object]]:
    """What the entries of ``data`` say."""
    return [tell_definition(number, entry) for number, entry in enumerate(split_definitions(data), 1)]


def tell_definition(number: int, entry: bytes) -> dict[str, object]:
    definition: Definition = decode_definition(entry)
    return {
        "number": number,
        "bytes": len(entry),
        "kind": int(definition.kind),
        "name": definition.name,
        "module": definition.module,
        "file": definition.file,
        "line": definition.line,
        "function_kind": int(definition.function_kind),
        "attributes": fields(definition.attributes),
    }


def tell_segment(path: Path) -> list[dict[str, object]]:
    """What the header, the controls and the rings of a segment say: an object for each, then one for each record."""
    told: list[dict[str, object]] = []
    with SegmentFile(path) as segment:
        header = asdict(segment.header)
        told.append({name: str(value) if isinstance(value, UUID) else value for name, value in header.items()})
        told[0].update(control=segment.control, losses=list(segment.losses), definitions=len(segment.definitions()))
        for number in range(segment.header.lanes):
            reading = segment.read(number)
            told.append({"lane": number, "lapped_bytes": reading.lapped_bytes, **asdict(segment.lane(number))})
            told.extend(
                {"lane": number, "position": record.position, "type": record.data[0], "words": len(record.data) // 8}
                for record in reading.records
            )
    return told


def golden_segment() -> bytes:
    """Lane 0 has been written round more than twice; lane 1 was retired and taken over by a second thread."""
    first, second = LaneWriter(losses=(1, 2, 3, 4, 5, 6, 7, 8, 9)), LaneWriter()
    first.own(4711)
    for number in range(24):
        text = {"attributes": {"filler": "x" * 3000}}
        first.write(Event(EventType.ANNOTATION, 2_000 + number, 7, 1, payload=text))
    second.own(4712, 1)
    records = [event for event in EVENTS if event.type not in {EventType.FILL, EventType.BLOCK}]
    for event in records:
        second.write(event)
    second.own(4713, 2, state=2)
    second.write(Event(EventType.LANE, 3_000, payload={"thread_id": 4713, "generation": 2, "thread_name": "worker"}))
    second.head = second.written[2][0]
    entries = [encode_definition(definition) for definition in DEFINITIONS]
    return build_segment([first, second], entries, control=5, losses=(0, 0, 9, 0, 0, 0, 0, 1, 0))


def lines(objects: Iterable[dict[str, object]]) -> str:
    """A JSON list with an object a line."""
    return "[\n" + ",\n".join(json.dumps(item) for item in objects) + "\n]\n"


def generate(folder: Path) -> None:
    """Write the golden files to ``folder``."""
    records = encode_records(EVENTS)
    definitions = b"".join(encode_definition(definition) for definition in DEFINITIONS)
    (folder / "records.bin").write_bytes(records)
    (folder / "records.json").write_text(lines(tell_records(records)))
    (folder / "definitions.bin").write_bytes(definitions)
    (folder / "definitions.json").write_text(lines(tell_definitions(definitions)))
    (folder / "segment.bin").write_bytes(golden_segment())
    (folder / "segment.json").write_text(lines(tell_segment(folder / "segment.bin")))


if __name__ == "__main__":
    generate(HERE)
