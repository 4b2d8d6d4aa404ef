"""What a gate found, as one page that stands alone: no script, nothing that is loaded, and every name is text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from prevalence.engines.terminal import plain
from prevalence.gates.checks import Check, Gate

if TYPE_CHECKING:
    from prevalence.gates.validation import CheckResult

STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border-bottom: 1px solid #d9dce1; overflow-wrap: anywhere }
th { color: #667; font-weight: normal } td.number { text-align: right; white-space: nowrap }
.passed td.state { color: #2c7a3f } .failed td.state { color: #b3261e; font-weight: bold }
.warned td.state { color: #9a6700; font-weight: bold } .message { color: #444 }
"""
# a browser that honours it loads and runs nothing, whatever a name holds
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
HEADERS = ("check", "severity", "found", "expected", "limit", "observed", "rows")


def page(gate: Gate, results: Sequence[CheckResult], subject: str) -> str:
    """The page: a section for each table that the gate looks at, a row for each check and limit."""
    checks = {check.name: check for check in gate.checks}
    failed = sum(not result.is_passed for result in results)
    title = f"Gate {gate.name.replace('_', ' ')}"
    sections = []
    for table in gate.tables:
        own = [result for result in results if result.table_name == table.full_name]
        if own:
            heads = "".join(f"<th>{head}</th>" for head in HEADERS)
            rows = "".join(_row(result, checks[result.check_name]) for result in own)
            sections.append(f"<h2>{_text(table.full_name)}</h2>\n<table><tr>{heads}</tr>\n{rows}</table>\n")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="referrer" content="no-referrer">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n<body><h1>{_text(title)}</h1>\n"
        f"<p>{len(results)} limits, {failed} not kept. Subject {_text(subject)}: what the gate looked at.</p>\n"
        f"{''.join(sections)}</body></html>\n"
    )


def _row(result: CheckResult, check: Check) -> str:
    state = "passed" if result.is_passed else "failed"
    kind = "warned" if not result.is_passed and result.severity == "warning" else state
    observed = "" if result.observed is None else f"{result.observed:g}"
    message = f'<div class="message">{_text(result.message)}</div>' if result.message else ""
    return (
        f'<tr class="{kind}"><td>{_text(result.check_name)}</td><td>{_text(result.severity)}</td>'
        f'<td class="state">{state}</td><td>{_text(check.expected)}{message}</td><td>{_text(result.limit_text)}</td>'
        f'<td class="number">{_text(observed)}</td><td class="number">{result.failing_rows}</td></tr>\n'
    )


def _text(value: str) -> str:
    return escape(plain(value), quote=True)
