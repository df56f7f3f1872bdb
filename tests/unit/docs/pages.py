"""The pages of the documentation taken apart: links, headings, blocks of code, commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"

SHELLS = frozenset({"", "sh", "console"})
"""Languages of blocks in which a line may be a command; an indented block has none."""

_FENCE = re.compile(r"(`{3,})(\w*)")
_HEADING = re.compile(r"(#{1,6}) +(.+)")
_LINK = re.compile(r"!?\[(?:[^][]|\[[^][]*\])*\]\(([^()\s]+(?:\([^()]*\))?)\)")
_INLINE = re.compile(r"(`+)(.+?)\1")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_SUBSTITUTED = re.compile(r"\$\(([^()]*)\)")
_OPERATORS = frozenset("|&;()<>")


class Block(NamedTuple):
    """A block of code; ``number`` is the line that it begins in, counted from 1."""

    language: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def blocks(self, *languages: str) -> list[Block]:
        """Blocks of these languages, or all."""
        return [block for block in _blocks(self.text) if not languages or block.language in languages]

    def prose(self) -> str:
        """The page without its blocks."""
        lines = self.text.splitlines()
        for block in self.blocks():
            size = len(block.text.splitlines())
            lines[block.number - 1 : block.number - 1 + size] = [""] * size
        return "\n".join(lines)

    def links(self) -> list[str]:
        return _LINK.findall(_INLINE.sub("", self.prose()))

    def anchors(self) -> set[str]:
        """What a link may name after ``#``, as GitHub makes it of headings."""
        return {anchor(match[2]) for line in self.prose().splitlines() if (match := _HEADING.fullmatch(line))}

    def inline(self) -> list[str]:
        """Code within the prose."""
        return [code for _, code in _INLINE.findall(self.prose())]

    def section(self, heading: str) -> str:
        """What stands below ``heading`` up to the next heading of its level or above."""
        lines = self.text.splitlines()
        start = lines.index(heading) + 1
        level = len(heading.partition(" ")[0])
        ends = re.compile(f"#{{1,{level}}} ")
        inside = next((at for at, line in enumerate(lines[start:], start) if ends.match(line)), len(lines))
        return "\n".join(lines[start:inside])


def pages() -> list[Page]:
    """Everything that people read: the front pages and docs/."""
    front = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "load_tests" / "README.md"]
    return [Page(path) for path in (*front, *sorted(DOCS.rglob("*.md")))]


def page(name: str) -> Page:
    """The page of docs/ by its path below it."""
    return Page(DOCS / name)


def anchor(heading: str) -> str:
    plain = re.sub(r"[^\w\- ]", "", _INLINE.sub(r"\2", heading).strip().lower())
    return plain.replace(" ", "-")


def rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables in ``text``, heads and rules left out."""
    lines = text.splitlines()
    table = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("|") and not _is_rule(line) and not _is_rule(following)
    ]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def code_of(cell: str) -> str:
    """What stands in backquotes in a cell of a table, bars restored."""
    found = _INLINE.search(cell)
    return found[2].replace("\\|", "|") if found else ""


def commands(text: str, program: str = "scope") -> Iterator[list[str]]:
    """The arguments of every call of ``program`` in shell commands, a line each or continued with a backslash."""
    for line in text.replace("\\\n", " ").splitlines():
        plain = line.strip().removeprefix("$ ")
        for inner in _SUBSTITUTED.findall(plain):
            yield from commands(inner, program)
        for words in _simple_commands(_SUBSTITUTED.sub("_", plain)):
            called = [word for at, word in enumerate(words) if not _is_assignment(words[: at + 1])]
            if called and called[0].rpartition("/")[2] == program:
                yield called[1:]


def _is_assignment(words: Sequence[str]) -> bool:
    """Whether the last of ``words`` sets a variable for the command that follows."""
    return all(_ASSIGNMENT.fullmatch(word) for word in words)


def _simple_commands(line: str) -> Iterator[list[str]]:
    """The words between operators; none where the line is no shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # an apostrophe in what a program printed
        return
    command: list[str] = []
    for word in words:
        if set(word) <= _OPERATORS:
            yield command
            command = []
        else:
            command.append(word)
    yield command


def _is_rule(line: str) -> bool:
    return line.startswith("|") and set(line) <= set("|-: ")


def _blocks(text: str) -> Iterator[Block]:
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence:
            end = next((k for k in range(at + 1, len(lines)) if lines[k].startswith(fence[1])), len(lines))
            yield Block(fence[2], "\n".join(lines[at + 1 : end]), at + 2)
            at = end + 1
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1] or lines[at - 1].startswith("#")):
            end = _end_of_indented(lines, at)
            yield Block("", "\n".join(line[4:] for line in lines[at:end]), at + 1)
            at = end
        else:
            at += 1


def _end_of_indented(lines: Sequence[str], start: int) -> int:
    end = start
    for at in range(start, len(lines)):
        if lines[at].startswith("    "):
            end = at + 1
        elif lines[at].strip():
            break
    return end
