"""What every test here is given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scope import _core


@pytest.fixture(autouse=True)
def no_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPE_COLLECTOR_AUTOSTART", "false")


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """What a test began is ended; the next one begins anew."""
    yield
    session = _core.get_session()
    _core.set_session(None)
    _core.set_starter(None)
    _core.set_secret_names(None)
    _core.pause(False)
    if session is not None:
        session.close()
