"""Take in what came back, in whatever state it is: bytes kept first, then each line classified in SQL, then answers written.

Every question of an export ends in exactly one outcome, and every line of a file in exactly one disposition; both sums are checked before
anything is said to have been imported.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from prevalence.engines.contract import raw_tables
from prevalence.engines.settings import Settings, UserError, display
from prevalence.labeling.exports import BATCH, DECISION_COLUMNS, LABEL_STUDIO, VENDOR_CSV, open_ledger
from prevalence.labeling.ledger import MOST_REPLICATES, PRICES, REPORT, Ledger, now, stamp, write_whole

ANSWERS = "label_events"
# a question, for messages and for what goes back to who sent the file
_REJECT_COLUMNS = ("line", "assignment_id", "outcome", "disposition")
_SQL = {BATCH: "import_openai_batch.sql", LABEL_STUDIO: "import_label_studio.sql", VENDOR_CSV: "import_vendor_csv.sql"}
_DECISIONS = frozenset(DECISION_COLUMNS)


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    name: str
    file_sha256: str
    is_new: bool
    lines: int
    dispositions: dict[str, int]
    # of the questions of every export that the file answers
    requested: int
    outcomes: dict[str, int]
    late: int
    # answers of a judge by models that were not the one that was asked
    other_models: dict[str, int]
    rejects: Path | None
    events: Path | None


def import_file(
    settings: Settings, raw_folder: Path, path: Path, export_id: str | None = None, close: bool = False
) -> Imported:
    """Take in one file; with `close`, questions of its exports that nobody answered end as `missing`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{display(path)} cannot be read ({error.strerror}). Remedy: name the file that came back."
        ) from error
    _refuse_raw_folder(raw_folder)
    ledger = Ledger(settings)
    with ledger.alone():
        digest = hashlib.sha256(content + (b"\nclosed" if close else b"")).hexdigest()
        folder = ledger.received / digest
        report = folder / REPORT
        if report.exists():
            return _read_report(report, is_new=False)
        form = _form_of(path, content)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"raw{path.suffix.lower()}", content)
        imported_at = _first_moment(folder)
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            _classify(connection, ledger, form, content, path, export_id, imported_at)
            _place(connection, ledger, raw_folder, digest, imported_at, form, close)
            return _write(connection, ledger, raw_folder, folder, digest, path.name, imported_at)


def _refuse_raw_folder(raw_folder: Path) -> None:
    if not raw_folder.is_dir():
        raise UserError(
            f"The raw folder {raw_folder} is not there. Remedy: --raw-folder names the folder of your logs' Parquet files."
        )
    file = raw_folder / f"{ANSWERS}.parquet"
    if file.exists():
        raise UserError(
            f"{display(file)} holds answers, and those that are imported become files in {ANSWERS}/ beside it; a table is one or the "
            f"other. Remedy: `mkdir {raw_folder}/{ANSWERS} && mv {file} {raw_folder}/{ANSWERS}/earlier.parquet`."
        )


def _first_moment(folder: Path) -> datetime:
    """When the file came, the same however often its import is begun."""
    path = folder / "received_at"
    if not path.exists():
        write_whole(path, now().replace(tzinfo=None).isoformat().encode())
    return datetime.fromisoformat(path.read_text())


# --- reading a file ---------------------------------------------------------------------------------------------------


def _form_of(path: Path, content: bytes) -> str:
    forms = {
        ".jsonl": BATCH,
        ".ndjson": BATCH,
        ".json": LABEL_STUDIO,
        ".csv": VENDOR_CSV,
        ".tsv": VENDOR_CSV,
        ".txt": VENDOR_CSV,
    }
    form = forms.get(path.suffix.lower())
    if form is None:
        what = "an Excel workbook" if content[:4] == b"PK\x03\x04" else f"a file {path.name}"
        raise UserError(
            f"{display(path)} is {what}, which is none of the forms that come back. Remedy: the output of a batch as .jsonl, a "
            "Label Studio export (JSON) as .json, a vendor's decisions as .csv; a workbook is saved as CSV UTF-8."
        )
    return form


def _classify(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    form: str,
    content: bytes,
    path: Path,
    export_id: str | None,
    imported_at: datetime,
) -> None:
    if form == VENDOR_CSV:
        connection.register("decision_rows", _csv_rows(content, path))
        connection.execute("create temp table decisions as select * from decision_rows")
    else:
        texts = content.split(b"\n") if form == BATCH else _tasks(content, path)
        connection.register("line_rows", _lines(texts))
        connection.execute("create temp table lines as select * from line_rows")
    open_ledger(connection, ledger)
    _questions(connection, ledger, form, export_id)
    connection.execute("set variable imported_at = ?", [imported_at])
    connection.execute(
        """
        create temp macro are_refs(refs, components) as len(list_filter(
            refs,
            lambda ref: not regexp_full_match(ref, 'c(0|[1-9][0-9]{0,5})') or try_cast(substr(ref, 2) as integer) >= components
        )) = 0
        """
    )
    connection.execute(Path(__file__).with_name(_SQL[form]).read_text())


def _lines(texts: Sequence[bytes]) -> pa.Table:
    """Numbered lines; empty ones are none. Bytes that are not UTF-8 stay in the file that is kept."""
    numbers, lines, whole = [], [], []
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        numbers.append(number)
        try:
            lines.append(text.removeprefix(b"\xef\xbb\xbf").decode())
            whole.append(True)
        except UnicodeDecodeError:
            lines.append("")
            whole.append(False)
    arrays = [pa.array(numbers, pa.int64()), pa.array(lines, pa.string()), pa.array(whole, pa.bool_())]
    return pa.table(arrays, names=["line_number", "line", "is_utf8"])


def _tasks(content: bytes, path: Path) -> list[bytes]:
    try:
        tasks = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{display(path)} is not JSON as a whole ({str(error)[:120]}), so nothing of it was taken. Its bytes are kept. Remedy: "
            "export it again from Label Studio, exportType=JSON."
        ) from error
    if not isinstance(tasks, list):
        raise UserError(
            f"{display(path)} is no list of tasks. Remedy: export it again from Label Studio, exportType=JSON."
        )
    return [json.dumps(task).encode() for task in tasks]


def _csv_rows(content: bytes, path: Path) -> pa.Table:
    """The rows of a decisions file, by its header; whatever a spreadsheet chose for encoding and separator."""
    text = None
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            raise UserError(
                f"{display(path)} is neither UTF-8 nor UTF-16 (byte {error.start}), and nothing of it was taken. Remedy: save it as "
                "CSV UTF-8."
            ) from error
    assert text is not None
    if "\x00" in text:
        raise UserError(f"{display(path)} holds NUL characters, so it is no CSV. Remedy: save it as CSV UTF-8.")
    csv.field_size_limit(10_000_000)
    first = text.split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise UserError(f"{display(path)} is no CSV ({error}). Remedy: save it as CSV UTF-8.") from error
    lacking = [name for name in DECISION_COLUMNS if name not in header]
    twice = [name for name, times in Counter(header).items() if times > 1 and name in _DECISIONS]
    if lacking or twice:
        what = f"lacks {', '.join(lacking)}" if lacking else f"has {', '.join(twice)} twice"
        raise UserError(
            f"{display(path)}: its first row {what}; nothing of it was taken. Remedy: the columns {', '.join(DECISION_COLUMNS)}, as in "
            "the decisions.csv that was sent along."
        )
    from prevalence.labeling.shown_text import uncell

    columns: dict[str, list[Any]] = {name: [] for name in ("line_number", *DECISION_COLUMNS, "is_whole")}
    place = {name: header.index(name) for name in DECISION_COLUMNS}
    rows = iter(reader)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error:
            row = ["?"]
        if not any(value.strip() for value in row):
            continue
        # a spreadsheet adds empty cells at the end of a row; one that is short or long is not a row of these columns
        is_whole = len(row) >= len(header) and not any(row[len(header) :])
        columns["line_number"].append(reader.line_num)
        columns["is_whole"].append(is_whole)
        for name in DECISION_COLUMNS:
            value = uncell(row[place[name]]) if place[name] < len(row) else ""
            columns[name].append(value.encode("utf-8", "replace").decode())
    kinds = {"line_number": pa.int64(), "is_whole": pa.bool_()}
    return pa.table({name: pa.array(values, kinds.get(name, pa.string())) for name, values in columns.items()})


def _questions(connection: duckdb.DuckDBPyConnection, ledger: Ledger, form: str, export_id: str | None) -> None:
    """What was asked in this form, the latest of each, with the rules that its answers may name."""
    if export_id is not None:
        ledger.export(export_id)
    rules = {export.export_id: list(export.manifest["rule_ids"]) for export in ledger.exports()}
    connection.register(
        "rule_rows",
        pa.table(
            [pa.array(rules, pa.string()), pa.array(list(rules.values()), pa.list_(pa.string()))],
            names=["export_id", "rules"],
        ),
    )
    # a batch's line names the question itself, people's rows the assignment
    key = "custom_id" if form == BATCH else "assignment_id"
    connection.execute(
        f"""
        create temp table questions as
        select asked.*, rule_rows.rules
        from asked
        inner join rule_rows on asked.export_id = rule_rows.export_id
        where asked.form = ? and asked.export_id = coalesce(?, asked.export_id)
        qualify row_number() over (partition by asked.{key} order by asked.replicate desc, asked.export_id asc) = 1
        """,
        [form, export_id],
    )


# --- what becomes of the lines -----------------------------------------------------------------------------------------


def _place(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    raw_folder: Path,
    digest: str,
    imported_at: datetime,
    form: str,
    close: bool,
) -> None:
    _refuse_two_vendors(connection)
    own = _events_path(raw_folder, digest)
    files = [str(path) for path in _event_files(raw_folder) if path != own]
    connection.execute("create temp table earlier_answers (assignment_id varchar, is_ok boolean)")
    if files:
        connection.execute(
            "insert into earlier_answers select assignment_id, bool_or(outcome = 'ok') from read_parquet(?, union_by_name = true) "
            "where assignment_id is not null group by assignment_id",
            [files],
        )
    prices = _prices(connection, ledger)
    if close:
        _add_missing(connection)
    for name, value in {
        "file_sha256": digest,
        "is_closing": close,
        "most_replicates": MOST_REPLICATES,
        "input_price": prices.get("input", 0.0) * 100,
        "output_price": prices.get("output", 0.0) * 100,
    }.items():
        connection.execute(f"set variable {name} = ?", [value])
    currency = prices.get("currency")
    connection.execute(
        f"set variable currency = {'?' if currency else 'null::varchar'}", [currency] if currency else []
    )
    connection.execute(Path(__file__).with_name("import_events.sql").read_text())


def _refuse_two_vendors(connection: duckdb.DuckDBPyConnection) -> None:
    vendors = connection.sql(
        "select questions.vendor, count(*) from classified inner join questions on classified.custom_id = questions.custom_id "
        "where questions.pool <> 'llm' group by questions.vendor order by questions.vendor"
    ).fetchall()
    if len(vendors) > 1:
        listed = ", ".join(f"{vendor} {rows:,}" for vendor, rows in vendors)
        raise UserError(
            f"The file answers questions of several vendors ({listed} rows), and who answered would be a guess; nothing of it was "
            "taken. Remedy: a file for each, or --export with the id of the export that it answers."
        )


def _prices(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> dict[str, Any]:
    ids = connection.sql(
        "select distinct questions.export_id from classified inner join questions on classified.custom_id = questions.custom_id "
        "where questions.pool = 'llm'"
    ).fetchall()
    for (export_id,) in ids:
        path = ledger.export(export_id).folder / PRICES
        if path.exists():
            return json.loads(path.read_text())
    return {}


def _add_missing(connection: duckdb.DuckDBPyConnection) -> None:
    """Questions of the file's exports that no file has answered: nobody will any more."""
    connection.execute(
        """
        insert into classified by name
        select
            (select coalesce(max(line_number), 0) from classified)
            + row_number() over (order by questions.custom_id) as line_number,
            questions.custom_id,
            questions.assignment_id,
            'missing' as outcome
        from questions
        where
            questions.export_id in (
                select asked.export_id
                from classified
                inner join questions as asked on classified.custom_id = asked.custom_id
            )
            and questions.custom_id not in (select custom_id from classified where custom_id is not null)
            and questions.custom_id not in (
                select custom_id from outcomes where disposition = 'answer' and custom_id is not null
            )
        """
    )


def _event_files(raw_folder: Path) -> list[Path]:
    folder = raw_folder / ANSWERS
    return (
        sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith((".", "_")))
        if folder.is_dir()
        else []
    )


def _events_path(raw_folder: Path, digest: str) -> Path:
    return raw_folder / ANSWERS / f"import_{digest[:24]}.parquet"


def _write(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    raw_folder: Path,
    folder: Path,
    digest: str,
    name: str,
    imported_at: datetime,
) -> Imported:
    dispositions = dict(connection.sql("select disposition, count(*) from placed group by 1 order by 1").fetchall())
    ((lines,),) = connection.sql("select count(*) from classified").fetchall()
    assert lines == sum(dispositions.values()), "a line is lost"
    path = _events_path(raw_folder, digest)
    events = connection.sql("select * from label_events order by label_event_id").to_arrow_table()
    if len(events):
        (table,) = (table for table in raw_tables() if table.name == ANSWERS)
        columns = ", ".join(f"cast({column.name} as {column.duckdb_type}) as {column.name}" for column in table.columns)
        written = connection.sql(f"select {columns} from label_events order by label_event_id").to_arrow_table()
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_parquet(written, path)
    _write_parquet(
        connection.sql(
            """
            select custom_id, coalesce(assignment_id, named_assignment_id) as assignment_id, outcome, disposition,
                label_event_id, getvariable('file_sha256') as file_sha256, cast(lead_time_s as double) as lead_time_s
            from placed
            order by line_number
            """
        ).to_arrow_table(),
        folder / "outcomes.parquet",
    )
    rejects = _write_rejects(connection, folder)
    requested, outcomes = _account(connection, ledger)
    ((late,),) = connection.sql(
        "select count(*) from placed where disposition = 'answer' and pool <> 'llm' and getvariable('imported_at') > due_at"
    ).fetchall()
    other_models = dict(
        connection.sql(
            "select model, count(*) from placed where disposition = 'answer' and model <> vendor group by model order by model"
        ).fetchall()
    )
    report = {
        "file_sha256": digest,
        "name": name,
        "imported_at": stamp(imported_at),
        "lines": lines,
        "dispositions": dispositions,
        "requested": requested,
        "outcomes": outcomes,
        "late": late,
        "other_models": other_models,
        "rejects": rejects.name if rejects else None,
        "events": str(path) if len(events) else None,
    }
    write_whole(folder / REPORT, (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode())
    return _read_report(folder / REPORT, is_new=True)


def _write_parquet(table: pa.Table, path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    write_whole(path, sink.getvalue())


def _write_rejects(connection: duckdb.DuckDBPyConnection, folder: Path) -> Path | None:
    """What goes back to who sent the file: each row that has no usable answer, and why."""
    from prevalence.labeling.shown_text import cell

    rows = connection.sql(
        """
        select cast(line_number as varchar), coalesce(named_assignment_id, assignment_id, custom_id, ''), outcome, disposition
        from placed
        where disposition not in ('answer', 'not_answered') or outcome not in ('ok', 'cannot_determine', 'escalated', 'skipped')
        order by line_number
        """
    ).fetchall()
    if not rows:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_REJECT_COLUMNS)
    writer.writerows([cell(value) for value in row] for row in rows)
    write_whole(folder / "rejects.csv", b"\xef\xbb\xbf" + text.getvalue().encode())
    return folder / "rejects.csv"


def _account(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> tuple[int, dict[str, int]]:
    """Each question of the exports that the file answers, with its one outcome; `missing` while there is none."""
    open_ledger(connection, ledger)
    touched = "select questions.export_id from placed inner join questions on placed.custom_id = questions.custom_id"
    outcomes = connection.sql(
        f"""
        with ends as (
            select custom_id, outcome
            from outcomes
            where disposition in ('answer', 'ask_again')
            qualify row_number() over (
                partition by custom_id order by outcome = 'ok' desc, disposition asc, label_event_id asc
            ) = 1
        )
        select coalesce(ends.outcome, 'missing') as outcome, count(*) as questions
        from asked
        left join ends on asked.custom_id = ends.custom_id
        where asked.export_id in ({touched})
        group by 1
        order by 1
        """
    ).fetchall()
    ids = [export_id for (export_id,) in connection.sql(f"select distinct export_id from ({touched})").fetchall()]
    requested = sum(ledger.export(export_id).manifest["rows"] for export_id in ids)
    assert requested == sum(count for _, count in outcomes), "questions and outcomes do not add up"
    return requested, dict(outcomes)


def _read_report(path: Path, is_new: bool) -> Imported:
    report = json.loads(path.read_text(encoding="utf-8"))
    return Imported(
        name=report["name"],
        file_sha256=report["file_sha256"],
        is_new=is_new,
        lines=report["lines"],
        dispositions=report["dispositions"],
        requested=report["requested"],
        outcomes=report["outcomes"],
        late=report["late"],
        other_models=report["other_models"],
        rejects=path.parent / report["rejects"] if report["rejects"] else None,
        events=Path(report["events"]) if report["events"] else None,
    )


def said(imported: Imported) -> list[str]:
    """What a person is told of it."""

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"

    if not imported.is_new:
        return [f"{imported.name}: these bytes were imported before, nothing to do"]
    lines = [f"{imported.name}: {imported.lines:,} lines = {listed(imported.dispositions)}"]
    lines.append(f"     {imported.requested:,} questions = {listed(imported.outcomes)}")
    lines += [f"     {imported.late:,} answers came after they were due"] if imported.late else []
    lines += [
        f"     {count:,} answers are signed by the model {model}, which is not the one that was asked; ask for the dated one"
        for model, count in imported.other_models.items()
    ]
    lines += [f"     answers: {display(imported.events)}"] if imported.events else []
    lines += [f"     for who sent it: {display(imported.rejects)}"] if imported.rejects else []
    return lines
