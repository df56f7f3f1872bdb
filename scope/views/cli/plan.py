"""``scope plan``."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import click

from ..jsonout import dumps
from .invocation import Invocation, pass_invocation
from .options import since_option

if TYPE_CHECKING:
    from ...instrument.analyse import Analysis

_SHOWN: Final = 20
_EXPLAINED: Final = 5
_SEVERITIES: Final = ("low", "medium", "high")


class _Asked(TypedDict):
    """The options."""

    everything: bool
    form: str | None
    rules: str | None
    from_store: bool
    since_ns: int | None
    explain: bool
    least: str | None


@click.command()
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Show every route and finding, not the first 20 of each.")
@click.option("--json", "form", flag_value="json", help="Routes, findings and the proposed plan for programs.")
@click.option("--sarif", "form", flag_value="sarif", help="The findings in SARIF 2.1.0, for code scanners.")
@click.option(
    "--rules",
    "rules",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="The proposed plan as rules for scope run --plan, printed or written to FILE.",
)
@click.option("--from-store", is_flag=True, help="Correct both by what the stored requests tell.")
@since_option
@click.option(
    "--explain", is_flag=True, help="Have the program of analyse.explain_command explain the first 5 findings."
)
@click.option(
    "--fail-on", "least", type=click.Choice(_SEVERITIES), help="Exit with 1 where a finding is that severe or more."
)
@pass_invocation
def command(invocation: Invocation, *, path: Path, **asked: Unpack[_Asked]) -> int:
    """Analyse a code base: routes, what hurts, what to probe.

    PATH is a directory of Python code, or a file. Nothing of it is imported or run.
    """
    from ...instrument.analyse import Severity

    if not path.exists():
        raise click.BadParameter(f"{path} does not exist; name a directory of Python code", param_hint="PATH")
    if asked["since_ns"] is not None and not asked["from_store"]:
        raise click.BadParameter("it is about stored requests: add --from-store", param_hint="--since")
    analysis = _analysed(invocation, path, asked)
    if asked["rules"] is not None:
        _write_rules(invocation, analysis, asked["rules"])
    if asked["rules"] is None or asked["form"] is not None:
        _print(invocation, analysis, asked["form"], None if asked["everything"] else _SHOWN)
    least = asked["least"]
    failed = least is not None and any(each.severity >= Severity[least.upper()] for each in analysis.findings)
    return 1 if failed else 0


def _analysed(invocation: Invocation, path: Path, asked: _Asked) -> Analysis:
    from ...instrument.analyse import analyse

    analysis = analyse(path)
    if asked["from_store"]:
        analysis = _corrected(invocation, analysis, asked["since_ns"])
    return _explained(invocation, analysis, path) if asked["explain"] else analysis


def _corrected(invocation: Invocation, analysis: Analysis, since_ns: int | None) -> Analysis:
    """By the store of the session directory. Raises StoreUnavailable where there is none."""
    from ..sample import corrected_by

    with invocation.open_store() as store:
        return corrected_by(store, analysis, since_ns)


def _explained(invocation: Invocation, analysis: Analysis, path: Path) -> Analysis:
    """The worst findings with what the user's program says of them. Raises ExplainError."""
    from ..explain import Explainer

    explainer = Explainer.configured(invocation.config.analyse, path.parent if path.is_file() else path)
    worst, rest = analysis.findings[:_EXPLAINED], analysis.findings[_EXPLAINED:]
    told = tuple(replace(each, explanation=explainer.explain(each)) for each in worst)
    return replace(analysis, findings=told + rest)


def _print(invocation: Invocation, analysis: Analysis, form: str | None, limit: int | None) -> None:
    from ..findings import analysis_lines, analysis_object, sarif_object

    output = invocation.output
    if form == "json":
        output.text([dumps(analysis_object(analysis), indent=2)])
    elif form == "sarif":
        output.text([dumps(sarif_object(analysis, version("asgi-scope")), indent=2)])
    else:
        output.lines(analysis_lines(analysis, limit=limit))


def _write_rules(invocation: Invocation, analysis: Analysis, file: str) -> None:
    from ..rules_file import rules_file_lines

    lines = rules_file_lines(analysis)
    if file == "-":
        invocation.output.text(lines)
        return
    try:
        Path(file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be written: {error.strerror}", param_hint="--rules") from None
    click.echo(f"scope: wrote {file}; scope run --plan {file} takes it", err=True)
