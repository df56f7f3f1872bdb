"""Which integrations there are, and their being installed and undone."""

from __future__ import annotations

import importlib
import logging
import re
import sys
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Self

from ..errors import ScopeError
from ._patches import Patches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType, TracebackType

__all__ = ["INTEGRATIONS", "Handle", "Integration", "IntegrationError", "Library", "install"]

logger: Final = logging.getLogger("scope")

HOME: Final = "__scope_installation__"
"""Where a library's module keeps what was done to it, so that nobody does it twice."""


class IntegrationError(ScopeError):
    """An integration that does not exist, or whose library is missing or unknown; the message says what is wanted."""


@dataclass(frozen=True, slots=True)
class Library:
    """A module to hook into, and the oldest version of it that the tests pass on; empty where any does.

    A ``standard`` one belongs to the language: it always counts as imported.
    """

    module: str
    minimum: tuple[int, ...] = ()
    standard: bool = False


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration by its name, which is also that of the module here that does it.

    It takes whichever of ``libraries`` there are. ``needs`` are integrations that it builds upon.
    """

    name: str
    libraries: tuple[Library, ...]
    needs: tuple[str, ...] = ()

    def imported(self) -> tuple[Library, ...]:
        return tuple(each for each in self.libraries if each.standard or sys.modules.get(each.module))


INTEGRATIONS: Final[Mapping[str, Integration]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Integration("threads", (Library("concurrent.futures.thread", standard=True), Library("anyio.to_thread"))),
            Integration("loops", (Library("asyncio.base_events", standard=True), Library("uvloop"))),
            Integration("starlette", (Library("starlette", (1, 0)),)),
            Integration("fastapi", (Library("fastapi", (0, 150)),), needs=("starlette",)),
            Integration("httpx", (Library("httpx", (0, 27)), Library("httpx2", (2, 0)))),
        )
    }
)
"""Every integration by its name."""


class Handle:
    """Integrations installed on somebody's behalf; as a context manager, for the time of a block.

    A library is restored when the last handle on it is undone.
    """

    def __init__(self) -> None:
        self._held: list[tuple[str, _Installation]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The integrations that this handle holds."""
        return tuple(dict.fromkeys(name for name, _ in self._held))

    def undo(self) -> None:
        """Let go; the second call does nothing."""
        while self._held:
            self._held.pop()[1].release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.undo()

    def hold(self, integration: Integration, libraries: Iterable[Library]) -> None:
        """Install ``integration`` in ``libraries``, and what it needs. Raises IntegrationError."""
        for name in integration.needs:
            self.hold(INTEGRATIONS[name], INTEGRATIONS[name].libraries)
        for library in libraries:
            self._held.append((integration.name, _acquire(integration, library)))


def install(names: Iterable[str] | Literal["auto"] = "auto") -> Handle:
    """Hook into the libraries of the named integrations; "auto" takes those whose library is imported.

    Installing what is installed already only adds a holder. Raises IntegrationError for a name that is none, and for a
    library that is missing or too old; then nothing stays installed. "auto" skips such a library and logs why.
    """
    handle = Handle()
    try:
        if names == "auto":
            _install_imported(handle)
        else:
            for name in [names] if isinstance(names, str) else names:
                integration = _named(name)
                handle.hold(integration, _present(integration))
    except BaseException:
        handle.undo()
        raise
    return handle


def _install_imported(handle: Handle) -> None:
    for integration in INTEGRATIONS.values():
        libraries = integration.imported()
        try:
            if libraries:
                handle.hold(integration, libraries)
        except IntegrationError as error:
            logger.warning("scope: %s", error)


def _named(name: str) -> Integration:
    try:
        return INTEGRATIONS[name]
    except KeyError:
        raise IntegrationError(f"there is no integration {name!r}; there are {', '.join(INTEGRATIONS)}") from None


def _present(integration: Integration) -> list[Library]:
    """The libraries of ``integration`` that can be imported."""
    present = [each for each in integration.libraries if _imports(each.module)]
    if not present:
        modules = " or ".join(each.module for each in integration.libraries)
        raise IntegrationError(f"integration {integration.name!r} needs {modules}, which is not installed")
    return present


def _imports(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


class _Installation:
    """What was done to one library, and for how many."""

    def __init__(self, module: ModuleType) -> None:
        self.patches = Patches()
        self._module = module
        self._holders = 0

    def apply(self, integration: Integration) -> None:
        """Raises IntegrationError, with nothing done, where the library is not as it is known."""
        try:
            part = importlib.import_module(f"{__package__}.{integration.name}")
            part.install(self.patches, self._module)
        except (AttributeError, ImportError) as error:
            self._restore()
            library = f"{self._module.__name__} {getattr(self._module, '__version__', '')}".rstrip()
            raise IntegrationError(f"integration {integration.name!r} does not know {library}: {error}") from error

    def hold(self) -> None:
        self._holders += 1

    def release(self) -> None:
        self._holders -= 1
        if not self._holders:
            self._restore()

    def _restore(self) -> None:
        self.patches.undo()
        if vars(self._module).get(HOME) is self:
            del vars(self._module)[HOME]


def _acquire(integration: Integration, library: Library) -> _Installation:
    module = importlib.import_module(library.module)
    _check_version(integration, library, module)
    fresh = _Installation(module)
    installation: _Installation = vars(module).setdefault(HOME, fresh)
    if installation is fresh:
        fresh.apply(integration)
    installation.hold()
    return installation


def _check_version(integration: Integration, library: Library, module: ModuleType) -> None:
    if not library.minimum:
        return
    version: str = module.__version__
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < library.minimum:
        wanted = ".".join(map(str, library.minimum))
        message = f"integration {integration.name!r} needs {library.module} {wanted} or later, not {version}"
        raise IntegrationError(message)
