"""Builds the model checker, runs its scenarios, and runs them again on mutants, each of which a check has to kill.

A mutant is a text file: why it is wrong; the file that it changes; the scenario and the check (or checks, by ``|``)
that kill it; and the text to replace, which must occur exactly once, with what replaces it.

    python tests/core/model/suite.py BUILD_DIRECTORY [--large]
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).resolve().parent
ROOT = MODEL.parents[2]
CORE = ROOT / "scope" / "core"

MACHINE = ("memory", "explorer", "step", "operations")
WORLD = ("world", "writer", "collector", "checks", "model")
SHIPPED = ("ring", "reader", "segment", "identity")

FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-g0", "-Wall", "-Wextra", "-Wshadow", "-Wvla", "-fno-strict-aliasing")
# What the shipped source is compiled with: the machine's operations in place of its own, no clock, no disk.
REPLACED = (
    '-DSCOPE_SHARED_HEADER="replaced.h"',
    "-Dclock_gettime=model_clock_gettime",
    "-Dfallocate=model_fallocate",
)
SECONDS = 1800  # a program that takes so long does not end


class BrokenSuite(Exception):
    """The suite itself is at fault: a mutant that does not apply or compile, a program that does not end."""


@dataclass(frozen=True)
class Mutant:
    """One change to one source file."""

    name: str
    file: Path
    scenario: str
    checks: tuple[str, ...]
    old: str
    new: str

    def applied(self, text: str) -> str:
        """``text`` with the change made."""
        if text.count(self.old) != 1:
            message = f"mutant {self.name}: its text occurs {text.count(self.old)} times in {self.file}, not once"
            raise BrokenSuite(message)
        return text.replace(self.old, self.new)


FORMAT = re.compile(
    r"\A(?P<why>.+)\nfile: (?P<file>.+)\nscenario: (?P<scenario>.+)\ncheck: (?P<checks>.+)\n"
    r"<<<<\n(?P<old>.*)\n====\n(?P<new>.*)\n>>>>\n\Z",
    re.DOTALL,
)


def read_mutant(path: Path) -> Mutant:
    """The mutant that a file describes."""
    found = FORMAT.match(path.read_text())
    if not found:
        raise BrokenSuite(f"{path} does not describe a mutant")
    return Mutant(
        name=path.stem,
        file=ROOT / found["file"],
        scenario=found["scenario"],
        checks=tuple(found["checks"].split("|")),
        old=found["old"],
        new=found["new"],
    )


def run(command: Iterable[str | Path], *, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end and keeps what it said."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS if may_fail else None, check=False)
    if done.returncode and not may_fail:
        raise BrokenSuite(f"{' '.join(words)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done


def compile_object(source: Path, target: Path, *include: Path) -> None:
    """Compiles one file."""
    searched = [f"-I{directory}" for directory in (*include, MODEL)]
    shipped = REPLACED if source.stem in SHIPPED else REPLACED[:1]
    run([os.environ.get("CC", "cc"), *FLAGS, *shipped, *searched, "-c", source, "-o", target])


class Build:
    """The objects of the model, and the programs made of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)

    def _objects(self, names: Iterable[str], directory: Path) -> list[Path]:
        return [directory / f"{name}.o" for name in names]

    def link(self, program: Path, objects: Iterable[Path]) -> Path:
        """Makes a program of objects."""
        run([os.environ.get("CC", "cc"), *objects, "-o", program])
        return program

    def everything(self, workers: ThreadPoolExecutor) -> tuple[Path, Path]:
        """Compiles the model as it is; its program, and that of the litmus tests."""
        sources = [MODEL / f"{name}.c" for name in (*MACHINE, *WORLD, "litmus")]
        sources += [CORE / f"{name}.c" for name in SHIPPED]
        tasks = [
            workers.submit(compile_object, source, self._directory / f"{source.stem}.o", CORE) for source in sources
        ]
        for task in tasks:
            task.result()
        model = self._objects((*MACHINE, *WORLD, *SHIPPED), self._directory)
        litmus = self._objects((*MACHINE, "litmus"), self._directory)
        return self.link(self._directory / "model", model), self.link(self._directory / "litmus", litmus)

    def mutated(self, mutant: Mutant) -> Path:
        """Applies a mutant to copies of the sources and compiles what includes them; the program."""
        directory = self._directory / mutant.name
        directory.mkdir()
        for source in (*CORE.glob("*.h"), *(CORE / f"{name}.c" for name in SHIPPED), *MODEL.glob("*.[ch]")):
            shutil.copy(source, directory)
        changed = directory / mutant.file.name
        changed.write_text(mutant.applied(mutant.file.read_text()))
        affected = [mutant.file.stem] if mutant.file.suffix == ".c" else [*WORLD, *SHIPPED]
        for name in affected:
            compile_object(directory / f"{name}.c", directory / f"{name}.o", directory)
        objects = [
            (directory if name in affected else self._directory) / f"{name}.o" for name in (*MACHINE, *WORLD, *SHIPPED)
        ]
        return self.link(directory / "model", objects)


VIOLATED = re.compile(r"^.*: violated: ([^:]+): (.*)$", re.MULTILINE)


def survived(build: Build, mutant: Mutant) -> str | None:
    """Runs a mutant; what is wrong where it was not killed as it says."""
    done = run([build.mutated(mutant), mutant.scenario], may_fail=True)
    found = VIOLATED.search(done.stdout)
    if done.returncode == 0:
        return f"mutant {mutant.name} survives: no check of {mutant.scenario!r} sees it"
    if done.returncode != 1 or not found:
        return f"mutant {mutant.name}: {done.stderr.strip() or 'exit code'} {done.returncode}"
    if found[1] not in mutant.checks:
        return f"mutant {mutant.name} is killed by {found[1]!r} ({found[2]}), not by {'|'.join(mutant.checks)}"
    return None


def explore(program: Path, *arguments: str) -> str:
    """Runs a program of the model to its end; what it said."""
    done = run([program, *arguments], may_fail=True)
    print(done.stdout if done.returncode == 0 else done.stdout[-6000:], end="")
    if done.returncode:
        raise BrokenSuite(f"{program.name}: a check does not hold: {done.stderr}")
    return done.stdout


def main() -> int:
    """0 where every check holds and every mutant is killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--large", action="store_true", help="the larger bounds as well")
    options = parser.parse_args()
    begun = time.monotonic()
    mutants = [read_mutant(path) for path in sorted((MODEL / "mutants").glob("*.txt"))]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        build = Build(options.directory)
        model, litmus = build.everything(workers)
        explore(litmus)
        said = explore(model, *(["--large"] if options.large else []))
        faults = [fault for fault in workers.map(lambda mutant: survived(build, mutant), mutants) if fault]
    for fault in faults:
        print(fault)
    print(
        f"model: {said.splitlines()[-1]}, every check holds; "
        f"{len(mutants) - len(faults)} of {len(mutants)} mutants killed; {time.monotonic() - begun:.0f} s"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenSuite as fault:
        sys.exit(str(fault))
