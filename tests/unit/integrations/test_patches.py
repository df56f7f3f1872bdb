"""Whatever was replaced comes back exactly, and nothing is kept alive for it."""

from __future__ import annotations

import gc
import weakref
from types import ModuleType

import pytest

from scope.integrations._patches import Patches


class Base:
    def greet(self) -> str:
        return "hello"


class Child(Base):
    pass


class Met:
    traced = False


def shout(original: object) -> object:
    return lambda self: "HELLO"


def test_what_a_class_had_of_its_own_is_put_back() -> None:
    patches, before = Patches(), dict(vars(Base))
    patches.replace(Base, "greet", shout)
    assert Base().greet() == "HELLO"
    patches.undo()
    assert dict(vars(Base)) == before


def test_what_a_class_inherited_it_inherits_again() -> None:
    patches = Patches()
    patches.replace(Child, "greet", shout)
    assert (Child().greet(), Base().greet()) == ("HELLO", "hello")
    patches.undo()
    assert "greet" not in vars(Child)


def test_a_static_method_stays_one() -> None:
    class Tool:
        @staticmethod
        def run() -> str:
            return "run"

    patches, before = Patches(), vars(Tool)["run"]
    patches.replace(Tool, "run", lambda original: staticmethod(lambda: original() + "!"))
    assert Tool.run() == "run!"
    patches.undo()
    assert vars(Tool)["run"] is before


def test_what_is_not_there_cannot_be_replaced() -> None:
    patches, module = Patches(), ModuleType("library")
    with pytest.raises(AttributeError, match="renamed"):
        patches.replace(module, "renamed", shout)
    patches.undo()
    assert not hasattr(module, "renamed")


def test_the_last_change_is_undone_first() -> None:
    patches, module = Patches(), ModuleType("library")
    vars(module)["steps"] = ()
    patches.replace(module, "steps", lambda steps: (*steps, "one"))
    patches.replace(module, "steps", lambda steps: (*steps, "two"))
    assert module.steps == ("one", "two")
    patches.undo()
    assert module.steps == ()


def test_what_was_added_to_a_class_is_removed() -> None:
    patches = Patches()
    patches.add(Base, "met", value=False)
    assert vars(Base)["met"] is False
    patches.undo()
    assert not hasattr(Base, "met")


def test_an_object_that_was_met_is_restored_while_it_lives() -> None:
    patches, met = Patches(), Met()
    met.traced = True
    patches.remember(met, lambda met: delattr(met, "traced"))
    patches.undo()
    patches.undo()
    assert not met.traced


def test_an_object_that_was_met_is_not_kept_alive() -> None:
    patches, met = Patches(), Met()
    undone: list[object] = []
    patches.remember(met, undone.append)
    gone = weakref.ref(met)
    del met
    gc.collect()
    assert gone() is None
    patches.undo()
    assert undone == []


def test_an_object_without_weak_references_is_refused() -> None:
    with pytest.raises(TypeError):
        Patches().remember((), lambda _: None)
