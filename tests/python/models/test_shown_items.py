"""What labelers are shown leads back to nothing that the logs name."""

from __future__ import annotations

from pathlib import Path

import duckdb

NAMES = """
    select unit_id as name from draws.draw_units union select unit_key from labels.label_units
    union select plan_id from draws.draw_units union select unit_id from labels.label_items
    union select user_id from raw.interactions union select interaction_id from raw.interactions
    union select session_id from raw.interactions union select content_id from raw.components
"""


def test_what_is_shown_names_no_unit_user_content_plan_or_place(measured_world: Path) -> None:
    with duckdb.connect(str(measured_world / "built.duckdb"), read_only=True) as connection:
        (items,) = connection.execute("select count(*) from labels.label_items").fetchone()
        # texts are what a content says, and links where it lies: of the rest not a word is the logs'
        shown = connection.execute(
            "select item_id, item_schema, item_hash, regexp_replace(components, '\"(text|uri)\":\"[^\"]*\"', '', 'g') as components,"
            " component_count, media_count from labels.shown_items"
        ).fetchall()
        names = {name for (name,) in connection.execute(NAMES).fetchall() if name}
        columns = {name for name, *_ in connection.execute("describe labels.shown_items").fetchall()}
    assert len(shown) == items > 0
    assert not {"unit_id", "unit_key", "unit_type", "unit_date", "unit_token", "plan_id"} & columns
    words = {word for row in shown for value in row for word in str(value).replace('"', " ").replace(",", " ").split()}
    assert len(names) > 100 and not names & words
