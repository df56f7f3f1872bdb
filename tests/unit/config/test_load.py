"""Where settings come from, which source wins, and what is said of bad ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scope.config import KEYS, Config, ConfigError, load
from scope.config.key import Derived

# Another good value of every key, as text and as it is read.
OTHERS: dict[str, tuple[str, object]] = {
    "enabled": ("off", False),
    "profile": ("prod", "prod"),
    "dir": ("/srv/traces", "/srv/traces"),
    "service": ("shop", "shop"),
    "integrations": ("httpx,sqlalchemy", ("httpx", "sqlalchemy")),
    "segment.dir": ("/srv/rings", "/srv/rings"),
    "segment.lanes": ("8", 8),
    "segment.first_lane_bytes": ("2MiB", 2 << 20),
    "segment.lane_bytes": ("128KiB", 128 << 10),
    "segment.block_bytes": ("32KiB", 32 << 10),
    "segment.definitions_bytes": ("1MiB", 1 << 20),
    "segment.overflow": ("block", "block"),
    "segment.block_ms": ("0.2s", 200),
    "segment.block_event_loops": ("true", True),
    "segment.leftovers_bytes": ("128MiB", 128 << 20),
    "capture.request_header": ("X-Correlation-ID", "x-correlation-id"),
    "capture.trust_headers": ("false", False),
    "capture.max_value_bytes": ("512", 512),
    "capture.max_attributes": ("16", 16),
    "capture.max_stack_frames": ("0", 0),
    "capture.exclude_paths": ("/health, /static/*", ("/health", "/static/*")),
    "capture.redact_names": ("iban", ("iban",)),
    "capture.redact_types": ("shop.Key", ("shop.Key",)),
    "probes.own": ("false", False),
    "probes.rules": ("shop.*,shop.models:Order=off,@app.task", ("shop.*", "shop.models:Order=off", "@app.task")),
    "probes.calls_per_function": ("10", 10),
    "probes.calls_per_request": ("100", 100),
    "probes.engine": ("ast", "ast"),
    "probes.value_bytes": ("512", 512),
    "probes.call_bytes": ("1KiB", 1024),
    "loop.min_outside_ms": ("1s", 1000),
    "loop.min_gc_ms": ("0", 0),
    "loop.report_ms": ("1s", 1000),
    "collector.autostart": ("false", False),
    "collector.idle_exit_s": ("1min", 60),
    "collector.poll_ms": ("0.05s", 50),
    "collector.commit_ms": ("1s", 1000),
    "collector.memory_bytes": ("1GiB", 1 << 30),
    "governor.enabled": ("off", False),
    "governor.budget_percent": ("2.5", 2.5),
    "store.slice_s": ("30min", 1800),
    "store.retention_age_s": ("2w", 14 * 86400),
    "store.retention_bytes": ("10GB", 10 * 1000**3),
    "analyse.explain_command": ("ask --model best", "ask --model best"),
    "analyse.explain_timeout_s": ("2min", 120),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    return root


def write(project: Path, text: str) -> Path:
    file = project / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    return file


def value(config: Config, name: str) -> object:
    return config.values()[name]


def refused(project: Path, environ: dict[str, str] | None = None, **overrides: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(environ=environ or {}, overrides=overrides, cwd=project)
    return caught.value


def test_the_table_of_other_values_is_whole() -> None:
    assert [*OTHERS] == [*KEYS]


@pytest.mark.parametrize("name", OTHERS)
def test_every_key_is_read_from_its_variable(name: str, project: Path) -> None:
    text, expected = OTHERS[name]
    variable = KEYS[name].variable
    config = load(environ={variable: text}, cwd=project)
    assert value(config, name) == expected
    assert config.sources[name] == variable


@pytest.mark.parametrize("name", OTHERS)
def test_every_key_is_read_from_the_project_file(name: str, project: Path) -> None:
    text, expected = OTHERS[name]
    file = write(project, f"[tool.scope]\n{name} = {text!r}\n")
    config = load(environ={}, cwd=project)
    assert value(config, name) == expected
    assert config.sources[name] == str(file)


@pytest.mark.parametrize("name", OTHERS)
def test_every_key_is_taken_as_an_argument(name: str, project: Path) -> None:
    expected = OTHERS[name][1]
    config = load(environ={}, overrides={name: expected}, cwd=project)
    assert value(config, name) == expected
    assert config.sources[name] == "argument"


@pytest.mark.parametrize("name", [name for name, key in KEYS.items() if not isinstance(key.default, Derived)])
def test_every_default_is_a_value_that_could_be_given(name: str) -> None:
    key = KEYS[name]
    assert key.kind.parse(key.default) == key.default
    assert key.kind.parse(key.kind.show(key.default)) == key.default


def test_values_keep_the_types_that_toml_gives_them(project: Path) -> None:
    write(
        project,
        '[tool.scope]\nenabled = false\ncapture.exclude_paths = ["/a", "/b"]\n[tool.scope.segment]\nlanes = 4\n',
    )
    config = load(environ={}, cwd=project)
    assert (config.enabled, config.capture.exclude_paths, config.segment.lanes) == (False, ("/a", "/b"), 4)


def test_arguments_win_over_the_environment_and_that_over_the_file(project: Path) -> None:
    write(project, "[tool.scope.segment]\nlanes = 1\nblock_bytes = 65536\n[tool.scope.collector]\npoll_ms = 1\n")
    environ = {"SCOPE_SEGMENT_LANES": "2", "SCOPE_COLLECTOR_POLL_MS": "2"}
    config = load(environ=environ, overrides={"segment.lanes": 3}, cwd=project)
    assert (config.segment.lanes, config.collector.poll_ms, config.segment.block_bytes) == (3, 2, 65536)
    assert config.segment.lane_bytes == 256 << 10


def test_arguments_may_be_nested_or_spelt_with_an_underscore(project: Path) -> None:
    overrides = {"segment": {"lanes": 3}, "collector_poll_ms": 5, "store": {"slice_s": None}, "service": None}
    config = load(environ={}, overrides=overrides, cwd=project)
    assert (config.segment.lanes, config.collector.poll_ms) == (3, 5)
    assert config.sources["store.slice_s"] == config.sources["service"] == "default"


def test_the_nearest_project_file_above_counts(project: Path) -> None:
    write(project, '[project]\nname = "outer"\n[tool.scope]\nsegment.lanes = 5\n')
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    config = load(environ={}, cwd=inner)
    assert (config.service, config.segment.lanes, config.dir) == ("outer", 5, str(project / ".scope"))
    write(project / "a", "")
    assert load(environ={}, cwd=inner).dir == str(project / "a" / ".scope")
    assert load(environ={}, cwd=inner).service == "a"


def test_without_a_project_file_the_working_directory_is_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "isfile", lambda path: False)
    monkeypatch.chdir(project)
    config = load(environ={})
    assert (config.dir, config.service) == (str(project / ".scope"), "shop")


def test_the_root_of_the_file_system_has_no_name_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "isfile", lambda path: False)
    assert load(environ={}, cwd="/").service == "app"


def test_the_name_of_a_folder_is_made_printable(project: Path) -> None:
    odd = project / "a\nb"
    odd.mkdir()
    write(odd, "")
    assert load(environ={}, cwd=odd).service == "a?b"


def test_the_environment_is_the_real_one_unless_another_is_given(tmp_path: Path) -> None:
    """The suite itself runs with SCOPE_DIR set."""
    assert load().dir == os.environ["SCOPE_DIR"]
    assert load().sources["dir"] == "SCOPE_DIR"


def test_relative_paths_start_from_where_they_are_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, '[tool.scope]\ndir = "var/traces"\n')
    below = project / "below"
    below.mkdir()
    monkeypatch.setenv("HOME", "/home/shop")
    assert load(environ={}, cwd=below).dir == str(project / "var" / "traces")
    assert load(environ={"SCOPE_DIR": "traces"}, cwd=below).dir == str(below / "traces")
    assert load(environ={}, overrides={"dir": Path("../x")}, cwd=below).dir == str(project / "x")
    assert load(environ={"SCOPE_DIR": "~/traces"}, cwd=below).dir == "/home/shop/traces"


def test_files_of_a_run_lie_in_its_directory(project: Path) -> None:
    config = load(environ={"SCOPE_DIR": "/run/x"}, cwd=project)
    assert (config.store_dir, config.lock_path) == ("/run/x/store", "/run/x/collector.lock")
    assert (config.status_path, config.log_path) == ("/run/x/collector.json", "/run/x/collector.log")
    assert config.segment.dir == "/run/x/segments"


def test_segments_lie_in_memory_where_that_can_be_written(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "memory"
    monkeypatch.setattr("scope.config.loader.SHARED_MEMORY", str(memory))
    write(project, "")
    assert load(environ={}, cwd=project).segment.dir == str(project / ".scope" / "segments")
    memory.mkdir()
    assert Path(load(environ={}, cwd=project).segment.dir).parent == memory


def test_one_directory_has_one_place_for_segments_however_it_is_reached(project: Path, tmp_path: Path) -> None:
    write(project, "")
    (tmp_path / "link").symlink_to(project)
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", "")
    places = [load(environ={}, cwd=tmp_path / name).segment.dir for name in ("shop", "link", "other")]
    assert places[0] == places[1] != places[2]
    assert f"scope-{os.geteuid()}-" in places[0]


@pytest.mark.parametrize(("profile", "expected"), [("dev", True), ("test", False), ("prod", False)])
def test_only_development_starts_a_collector_unasked(profile: str, expected: bool, project: Path) -> None:
    config = load(environ={"SCOPE_PROFILE": profile}, cwd=project)
    assert (config.collector.autostart, config.sources["collector.autostart"]) == (expected, "default")
    assert load(environ={"SCOPE_PROFILE": profile}, overrides={"collector.autostart": True}).collector.autostart


def test_a_child_process_can_be_given_the_same_settings(project: Path, tmp_path: Path) -> None:
    environ = {KEYS[name].variable: text for name, (text, _) in OTHERS.items()}
    for config in (load(environ={}, cwd=project), load(environ=environ, cwd=project)):
        again = load(environ=config.environment(), cwd=tmp_path)
        assert again == config
        assert again.sources["dir"] == "SCOPE_DIR"


def test_an_empty_variable_says_nothing_except_of_a_list(project: Path) -> None:
    write(project, '[tool.scope]\nsegment.lanes = 5\ncapture.exclude_paths = ["/a"]\n')
    environ = {"SCOPE_SEGMENT_LANES": " ", "SCOPE_CAPTURE_EXCLUDE_PATHS": "", "SCOPE_INTEGRATIONS": ""}
    config = load(environ=environ, cwd=project)
    assert (config.segment.lanes, config.capture.exclude_paths, config.integrations) == (5, (), ())


def test_settings_are_frozen_and_hashable(project: Path) -> None:
    config = load(environ={}, cwd=project)
    with pytest.raises(AttributeError):
        config.enabled = False  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.sources["enabled"] = "me"  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    assert hash(config) == hash(load(environ={}, cwd=project))


# --- what is wrong, and where ----------------------------------------------------------------------------------------


def test_a_bad_value_names_key_value_source_and_range(project: Path) -> None:
    error = refused(project, {"SCOPE_SEGMENT_LANES": "4096"})
    assert str(error) == "segment.lanes = '4096' (SCOPE_SEGMENT_LANES): expected a whole number from 1 to 1024"
    assert (error.key, error.source, error.allowed) == (
        "segment.lanes",
        "SCOPE_SEGMENT_LANES",
        "a whole number from 1 to 1024",
    )


def test_a_bad_value_of_the_file_names_the_file(project: Path) -> None:
    file = write(project, '[tool.scope]\nsegment.overflow = "discard-newst"\n')
    error = refused(project)
    assert f"({file})" in str(error)
    assert error.suggestion == "discard-newest"
    assert "did you mean discard-newest?" in str(error)


def test_a_bad_value_is_refused_even_where_another_source_overrides_it(project: Path) -> None:
    write(project, "[tool.scope]\nsegment.lanes = 0\n")
    assert refused(project, {"SCOPE_SEGMENT_LANES": "1"}).key == "segment.lanes"


def test_a_huge_bad_value_is_shown_in_part(project: Path) -> None:
    assert len(str(refused(project, profile="x" * 10_000))) < 250


def test_a_bad_value_that_cannot_be_shown_is_named_by_its_type(project: Path) -> None:
    assert "segment.lanes = <int> (argument): expected" in str(refused(project, segment_lanes=10**5000))


def test_an_unknown_key_names_a_close_one_and_its_neighbours(project: Path) -> None:
    file = write(project, "[tool.scope.capture]\nmax_value_byte = 3\n")
    error = refused(project)
    assert (error.key, error.source, error.suggestion) == (
        "capture.max_value_byte",
        str(file),
        "capture.max_value_bytes",
    )
    assert "unknown key capture.max_value_byte = 3" in str(error)
    assert "capture.trust_headers" in str(error)
    assert "store.slice_s" not in str(error)


@pytest.mark.parametrize("name", ["colour", "segment.lane", "segment_lane", "Segment_Lanes", "segmnt"])
def test_an_unknown_argument_is_refused(name: str, project: Path) -> None:
    error = refused(project, None, **{name: 1})
    assert (error.key, error.source) == (name, "argument")


def test_an_unknown_empty_table_is_refused_and_a_known_one_is_fine(project: Path) -> None:
    write(project, "[tool.scope.segment]\n")
    load(environ={}, cwd=project)
    write(project, "[tool.scope.segmnt]\n")
    assert refused(project).key == "segmnt"


def test_a_table_is_no_value(project: Path) -> None:
    write(project, "[tool.scope.service]\nname = 1\n")
    assert refused(project).key == "service"


def test_an_unknown_variable_is_refused_without_showing_its_value(project: Path) -> None:
    error = refused(project, {"SCOPE_SEGMENT_LANE": "hunter2"})
    assert (error.key, error.suggestion) == ("SCOPE_SEGMENT_LANE", "SCOPE_SEGMENT_LANES")
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "variable",
    [
        "SCOPE_RUN",
        "SCOPE_SERVICE_HOST",
        "SCOPE_COLLECTOR_SERVICE_PORT_HTTP",
        "SCOPE_PORT",
        "SCOPE_UI_PORT_8080_TCP_ADDR",
        "OTHER_SCOPE",
        "SCOPED",
    ],
)
def test_variables_that_are_no_settings_are_left_alone(variable: str, project: Path) -> None:
    """Ours between processes, those that Kubernetes makes of a service named scope, and those of others."""
    assert load(environ={variable: "tcp://10.0.0.1:80"}, cwd=project) == load(environ={}, cwd=project)


def test_lanes_must_hold_two_blocks(project: Path) -> None:
    error = refused(project, {"SCOPE_SEGMENT_LANE_BYTES": "64KiB"}, **{"segment.block_bytes": "64KiB"})
    assert str(error) == (
        "segment.lane_bytes = 64KiB (SCOPE_SEGMENT_LANE_BYTES): expected at least 128KiB, "
        "that is 2 x segment.block_bytes (argument)"
    )


def test_retention_cannot_be_shorter_than_a_slice(project: Path) -> None:
    error = refused(project, {"SCOPE_STORE_RETENTION_AGE_S": "30min"})
    assert error.key == "store.retention_age_s"
    assert error.allowed == "at least 1h, that is store.slice_s"


@pytest.mark.parametrize("text", ["[tool.scope", "\N{LATIN SMALL LETTER E WITH ACUTE}", "x = " + "[" * 5000])
def test_a_project_file_that_cannot_be_parsed_is_named(text: str, project: Path) -> None:
    file = write(project, text)
    error = refused(project)
    assert str(error).startswith(f"cannot read {file}: ")


def test_a_project_file_in_another_encoding_is_named(project: Path) -> None:
    (project / "pyproject.toml").write_bytes(b"# caf\xe9\n")
    assert refused(project).source == str(project / "pyproject.toml")


@pytest.mark.parametrize("text", ["[tool]\nscope = 1\n", "tool.scope = []\n"])
def test_our_part_of_the_project_file_must_be_a_table(text: str, project: Path) -> None:
    write(project, text)
    assert "write its keys below a line [tool.scope]" in str(refused(project))


@pytest.mark.parametrize("text", ["tool = 1\nproject = 2\n", "[project]\nname = 3\n", "[project]\n[tool.other]\n"])
def test_what_is_not_ours_in_the_project_file_is_not_judged(text: str, project: Path) -> None:
    write(project, text)
    assert load(environ={}, cwd=project).service == "shop"


def test_a_deleted_working_directory_is_an_error_that_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    project.rmdir()
    with pytest.raises(ConfigError, match="no working directory"):
        load(environ={})
