"""Compares the routes that the analysis finds in applications nobody here wrote with a count made by hand.

    python -m tests.third_party.routes chainlit

Each is fetched from the package index at the version in projects.toml, to build/routes, and never installed, imported
or run. Without a name all of projects.toml are compared. Exits with 1 where a number differs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scope.instrument.analyse import analyse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).parent
BUILD = HERE.parents[2] / "build" / "routes"
PIP = (sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "download", "--no-deps")


@dataclass(frozen=True, slots=True)
class Project:
    """An application and the count by hand; projects.toml says what each field is."""

    name: str
    version: str
    archive: str
    package: str
    files: Mapping[str, int]
    paths: list[str]
    unknown: Mapping[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])

    def folder(self) -> Path:
        """Where its code is, fetched if it has not been. Raises CalledProcessError."""
        folder = BUILD / f"{self.name}-{self.version}"
        if not folder.exists():
            fetched = BUILD / "fetched" / self.name
            only = "--only-binary" if self.archive == "wheel" else "--no-binary"
            subprocess.run([*PIP, only, self.name, f"{self.name}=={self.version}", "--dest", str(fetched)], check=True)
            [archive] = fetched.iterdir()
            _unpack(archive, folder)
        return next(path for path in sorted(folder.rglob(self.package)) if path.is_dir())


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
        return
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def projects() -> dict[str, Project]:
    table = tomllib.loads((HERE / "projects.toml").read_text(encoding="utf-8"))["projects"]
    return {name: Project(name=name, **facts) for name, facts in table.items()}


def differences(project: Project, found: Mapping[str, int], labels: set[str]) -> Iterator[str]:
    """A sentence for every file whose number is another, and every path that is not there."""
    for file in sorted(project.files.keys() | found.keys()):
        unknown, _ = project.unknown.get(file, (0, ""))
        expected = project.files.get(file, 0) - unknown
        if found.get(file, 0) != expected:
            yield f"{file}: {found.get(file, 0)} found, {expected} expected"
    yield from (f"{path} is not among them" for path in project.paths if path not in labels)


def check(project: Project) -> bool:
    """Whether the analysis finds what was counted. Prints both numbers, and what differs."""
    folder = project.folder()
    began = time.monotonic()
    routes = analyse(folder).routes
    seconds = time.monotonic() - began
    # A router that is included twice gives a route two paths; it is declared once.
    places = Counter(file for file, _ in {(route.file, route.line) for route in routes})
    counted = sum(project.files.values())
    print(f"{project.name} {project.version}: {places.total()} of {counted} routes, in {seconds:.1f} s", flush=True)
    for file, (number, reason) in project.unknown.items():
        print(f"  {number} in {file} is not known before it runs: {reason}")
    found = list(differences(project, places, {route.label for route in routes}))
    for difference in found:
        print(f"  {difference}")
    return not found


def main() -> None:
    known = projects()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names = parser.parse_args().names or list(known)
    if unknown := set(names) - known.keys():
        parser.error(f"projects.toml has no {', '.join(sorted(unknown))}")
    try:
        results = [check(known[name]) for name in names]
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
