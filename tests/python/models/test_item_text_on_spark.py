"""A text is shown and hashed the same on Spark, whatever is in it.

Needs the extra `spark` and Java 17, and skips without them.
"""

from __future__ import annotations

import hashlib
import json

import pytest

from prevalence.engines.spark import java

MISSING = java.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]

# every character that Unicode has room for, but halves of surrogate pairs, which UTF-8 cannot spell
CHARACTERS = """
    select
        'character ' || n as id,
        chr(cast(n as integer)) || case n % 3 when 0 then '' when 1 then '"' else 'x' end as text
    from range(1114112) as counters (n)
    where n not between 55296 and 57343 and (n < 70000 or n % 997 = 0 or n > 1114000)
"""
# each a text that something on its way might take for more than a text
AWKWARD = {
    "null": None,
    "nothing": "",
    "spaces": "  \t ",
    "quotes": '\'"`\' ""',
    "backslashes": "\\ \\\\ \\n \\u0041 \\' C:\\new",
    "control": "\x00\x01\b\f\n\r\t\x0b\x1b\x1f\x7f\x85",
    "separators": "\u2028\u2029\ufeff\u00a0\u200b/</script>",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308 e\u0301 \u00e9",
    "right to left": "\u202eabc\u202c \u05e9\u05dc\u05d5\u05dd",
    "variable": "${env:HOME} ${spark.app.id} {{ 1 + 1 }} %s $1",
    "json": '{"v": null, "w": [1e3]}',
    "words": "null",
    "long": "0123456789\u00e9\n" * 20_000,
}
CALLS = """
select
    id,
    text,
    {{ prevalence._json_string('text') }} as json,
    {{ prevalence._netstring('text') }} as hashed_text,
    {{ prevalence._sha256(prevalence._netstring('text')) }} as hash,
    {{ prevalence._json_object(['text', 'id']) }} as row_json,
    length(text) as characters
from texts
"""


def test_every_text_is_the_same_json_and_the_same_hash(duckdb_calls, spark_calls, tmp_path):
    import pandas as pd

    awkward = tmp_path / "awkward.parquet"
    pd.DataFrame({"id": AWKWARD.keys(), "text": AWKWARD.values()}).to_parquet(awkward)
    tables = {"texts": f"{CHARACTERS} union all select id, text from read_parquet('{awkward}')"}
    found = [calls.run({"items": CALLS}, tables)["items"].set_index("id") for calls in (duckdb_calls, spark_calls)]
    ours, theirs = (frame.loc[sorted(frame.index)] for frame in found)
    assert len(ours) == len(theirs) > 68_000
    for column in ours.columns:
        same = (ours[column] == theirs[column]) | (ours[column].isna() & theirs[column].isna())
        assert same.all(), (column, ours[column][~same].iloc[0], theirs[column][~same].iloc[0])
    # and what both say is right
    for row in ours.itertuples():
        text = None if row.Index == "null" else row.text
        if row.Index in AWKWARD:
            assert text == AWKWARD[row.Index]
        assert json.loads(row.json) == text
        assert json.loads(row.row_json) == {"text": text, "id": row.Index}
        netstring = f"{len((text or '').encode())}:{text or ''},"
        assert row.hashed_text == netstring
        assert row.hash == hashlib.sha256(netstring.encode()).hexdigest()
