"""The tests of the documentation would pass on an empty list: what they go through is found."""

from __future__ import annotations

import pytest

from tests.unit.docs.pages import DOCS, Page, anchor, code_of, commands, pages, rows

TEXT = """\
# The page

See [the `other` page](other.md#so-it-is), [one](one.md) and `not [a](link)`.

    scope ls

    scope tail

```python
x = 1
```

| head | more |
|---|---|
| `a\\|b` | c |

## So it *is*: done
It is.
"""


@pytest.fixture
def example(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("docs") / "page.md"
    path.write_text(TEXT, encoding="utf-8")
    return Page(path)


def test_every_page_is_among_them() -> None:
    names = {page.name for page in pages()}
    assert {"README.md", "CHANGELOG.md", "docs/README.md", "docs/reference/filters.md"} <= names
    assert len(names) == len(list(DOCS.rglob("*.md"))) + 3


def test_blocks_are_told_from_prose(example: Page) -> None:
    assert [(block.language, block.text, block.number) for block in example.blocks()] == [
        ("", "scope ls\n\nscope tail", 5),
        ("python", "x = 1", 10),
    ]
    assert "scope" not in example.prose()
    assert "So it" in example.prose()


def test_links_and_anchors_are_found(example: Page) -> None:
    assert example.links() == ["other.md#so-it-is", "one.md"]
    assert example.anchors() == {"the-page", "so-it-is-done"}
    assert anchor("`scope ls`") == "scope-ls"


def test_sections_and_rows_are_found(example: Page) -> None:
    assert example.section("## So it *is*: done") == "It is."
    assert rows(example.text) == [["`a\\|b`", "c"]]
    assert code_of("`a\\|b`") == "a|b"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("scope ls -f 'a:b c'  # why", [["ls", "-f", "a:b c"]]),
        ("A=1 B='2 3' .venv/bin/scope run -- uvicorn a:b &", [["run", "--", "uvicorn", "a:b"]]),
        ("scope ls --json | jq . && scope errors; ls scope", [["ls", "--json"], ["errors"]]),
        ('eval "$(scope completion bash)"', [["completion", "bash"]]),
        ("scope show \\\n  @last", [["show", "@last"]]),
        ("$ scope ls", [["ls"]]),
        ("the scope's own", []),
        ("uvicorn app:app", []),
    ],
)
def test_commands_are_found(line: str, expected: list[list[str]]) -> None:
    assert list(commands(line)) == expected
