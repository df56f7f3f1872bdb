"""The environment of a program that shall trace itself."""

from __future__ import annotations

import os
from pathlib import Path

from scope.config import load
from scope.instrument.launch import BOOTSTRAP, environment


def test_python_is_led_to_the_bootstrap_first() -> None:
    made = environment({"PYTHONPATH": f"/a{os.pathsep}{os.pathsep}/b"}, load())
    assert made["PYTHONPATH"].split(os.pathsep) == [BOOTSTRAP, "/a", "", "/b"]
    assert Path(BOOTSTRAP, "sitecustomize.py").is_file()


def test_without_a_path_there_is_the_bootstrap_alone() -> None:
    assert environment({}, load())["PYTHONPATH"] == BOOTSTRAP
    assert environment({"PYTHONPATH": ""}, load())["PYTHONPATH"] == BOOTSTRAP


def test_running_within_a_run_adds_nothing() -> None:
    config = load()
    once = environment({"PYTHONPATH": "/a"}, config)
    assert environment(once, config) == once


def test_the_child_gets_the_same_settings_wherever_it_runs(tmp_path: Path) -> None:
    config = load(overrides={"dir": tmp_path / "elsewhere", "service": "shop"})
    made = environment({"HOME": "/root"}, config)
    assert made["HOME"] == "/root"
    assert made["SCOPE_RUN"] == "1"
    assert load(environ=made, cwd="/").values() == config.values()


def test_the_base_is_left_alone() -> None:
    base = {"PYTHONPATH": "/a"}
    environment(base, load())
    assert base == {"PYTHONPATH": "/a"}
