"""A model names a column where it comes to be and in `final`; steps in between pass on what they are given with a star."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
LARGEST_SHARE = 0.1

# a line of a select that holds nothing but a column, and one that ends in giving a column its name
PASSED_ON = re.compile(r"^\s*(?:\w+\.)?([a-z_][a-z0-9_]*),?$")
NAMED = re.compile(r"\bas ([a-z_][a-z0-9_]*),?$")
KEYWORDS = {"select", "from", "with", "where", "on", "case", "then", "else", "end", "union", "all", "values", "final"}


def repeated_columns(text: str) -> tuple[int, int]:
    """Lines that hold nothing but a column which the text has named before, and lines that are not empty."""
    lines = [line for line in text.splitlines() if line.strip()]
    named: set[str] = set()
    repeated = 0
    for line in lines:
        passed_on = PASSED_ON.match(line)
        if passed_on and passed_on[1] not in KEYWORDS:
            repeated += passed_on[1] in named
            named.add(passed_on[1])
        elif is_named := NAMED.search(line):
            named.add(is_named[1])
    return repeated, len(lines)


EXAMPLE = """
with

units as (

    select
        unit_id,
        width * height as size
    from {{ ref('units') }}

),

final as (

    select
        units.unit_id,
        units.size,
        case
            when units.size > 1 then 1
        end as is_large
    from units

)

select * from final
"""


def test_what_counts_as_repeated():
    assert repeated_columns(EXAMPLE) == (2, 17)


def test_a_column_is_said_once():
    counts = {
        str(path.relative_to(PROJECT)): repeated_columns(path.read_text())
        for folder in ("models", "demo")
        for path in (PROJECT / folder).rglob("*.sql")
    }
    share = sum(repeated for repeated, _ in counts.values()) / sum(lines for _, lines in counts.values())
    worst = sorted(counts, key=lambda name: -counts[name][0])[:10]
    listed = "\n".join(f"{counts[name][0]} of {counts[name][1]} lines: {name}" for name in worst)
    assert share <= LARGEST_SHARE, f"{share:.1%} of the lines repeat a column; most of them in\n{listed}"
