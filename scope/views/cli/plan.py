"""``scope plan``."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ..jsonout import dumps
from .invocation import Invocation, pass_invocation
from .options import since_option

if TYPE_CHECKING:
    from ...instrument.analyse import Analysis

_SHOWN: Final = 20
_SEVERITIES: Final = ("low", "medium", "high")


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
    "--fail-on", "least", type=click.Choice(_SEVERITIES), help="Exit with 1 where a finding is that severe or more."
)
@pass_invocation
def command(
    invocation: Invocation,
    *,
    path: Path,
    everything: bool,
    form: str | None,
    rules: str | None,
    from_store: bool,
    since_ns: int | None,
    least: str | None,
) -> int:
    """Analyse a code base: routes, what hurts, what to probe.

    PATH is a directory of Python code, or a file. Nothing of it is imported or run.
    """
    from ...instrument.analyse import Severity, analyse

    if not path.exists():
        raise click.BadParameter(f"{path} does not exist; name a directory of Python code", param_hint="PATH")
    if since_ns is not None and not from_store:
        raise click.BadParameter("it is about stored requests: add --from-store", param_hint="--since")
    analysis = analyse(path)
    if from_store:
        analysis = _corrected(invocation, analysis, since_ns)
    if rules is not None:
        _write_rules(invocation, analysis, rules)
    if rules is None or form is not None:
        _print(invocation, analysis, form, None if everything else _SHOWN)
    failed = least is not None and any(each.severity >= Severity[least.upper()] for each in analysis.findings)
    return 1 if failed else 0


def _corrected(invocation: Invocation, analysis: Analysis, since_ns: int | None) -> Analysis:
    """By the store of the session directory. Raises StoreUnavailable where there is none."""
    from ...instrument.analyse import corrected
    from ..measure import measure
    from ..sample import sampled

    with invocation.open_store() as store:
        return corrected(analysis, measure(analysis, sampled(store, since_ns), store.routes(since_ns)))


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
