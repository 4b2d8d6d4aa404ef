"""Published data sets as one's own logs: map, measure, answer what is asked, measure on, compare with what is known.

`prevalence real-data hsol_a --data DIR --work DIR [--target session]`. Everything about a set is in its folder here, as SQL that
runs in DuckDB whichever engine measures.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from prevalence.command_line import cli
from prevalence.command_line.exits import EXIT_WAITING
from prevalence.engines import warehouse
from prevalence.engines.duckdb_warehouse import literal
from prevalence.engines.settings import PROJECT, TARGETS, Settings, UserError
from prevalence.release.headline import percent

EXAMPLES = PROJECT / "evidence" / "real_data"
SETS = tuple(sorted(path.parent.name for path in EXAMPLES.glob("*/mapping.sql")))
# The judge's answers, then those of the experts whose assignments depend on them; once more would be a fault.
ROUNDS = 3
# what the SQL of the examples reads of the warehouse
ASKED_AND_ANSWERED = ("labels.label_assignments", "labels.label_audit_assignments", "raw.label_events")
FIGURES = ("estimates.est_prevalence",)


@dataclass(frozen=True)
class Comparison:
    """A measured figure beside the one that the whole set is known to have."""

    plan_id: str
    policy_id: str
    estimator: str
    prevalence: float | None
    std_error: float | None
    lower: float | None
    upper: float | None
    sampled_units: int
    known: float
    known_std_error: float | None

    @property
    def covers(self) -> bool | None:
        return None if self.lower is None else self.lower <= self.known <= self.upper


def measure(name: str, data: Path, work: Path, draws: int = 1, target: str = TARGETS[0]) -> list[Comparison]:
    """Run one set from its published files to figures, from scratch, in the folder `work`.

    `draws` > 1 draws every sample that often, each under a plan of its own, to see how often the intervals hold.
    `target` is an output of profiles.yml. DuckDB's file and a session's tables lie in `work`; a Thrift server keeps its
    own.

    Raises UserError where the set is not in `data`, a run fails, or the Thrift server holds another world.
    """
    source = data / name
    if not (source / "facts.json").exists():
        raise UserError(
            f"There is no data set {name} in {data}. Remedy: give --data the folder that holds the folders of the sets."
        )
    work.mkdir(parents=True, exist_ok=True)
    settings = settings_of(work, target)
    start_afresh(settings, work)
    raw = work / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir()
    with _connection(source, target=str(raw)) as connection:
        connection.execute((EXAMPLES / name / "mapping.sql").read_text())
        _repeat_plans(connection, raw / "sampling_plans.parquet", draws)
    settings.enter()
    for round_number in range(1, ROUNDS + 1):
        code = cli.main(["run", "--target", target, "--raw-folder", str(raw)])
        # a run that waits for answers has gone to its end
        if code not in (0, EXIT_WAITING):
            raise UserError(f"`prevalence run` ended with exit code {code}; the message above says why.")
        if not _answer(name, source, settings, work, raw / "label_events" / f"round_{round_number}.parquet"):
            break
    return _compare(name, source, settings, work)


def settings_of(work: Path, target: str) -> Settings:
    """Where `measure` keeps the warehouse of this target."""
    settings = replace(Settings.from_environment(), engine=target, warehouse=work / "prevalence.duckdb")
    return settings if target == "thrift" else replace(settings, spark_folder=work / "spark")


def start_afresh(settings: Settings, work: Path) -> None:
    """Remove what an earlier call left in `work`. A Thrift server may hold what somebody needs, so there it refuses."""
    if settings.engine == "duckdb":
        for old in work.glob("prevalence.*"):
            if old.is_file():
                old.unlink()
        return
    if not warehouse.exists(settings):
        return
    from prevalence.engines.spark.spark_warehouse import project_databases

    with warehouse.connect(settings) as connection:
        if settings.engine == "session":
            for database in project_databases():
                connection.execute(f"drop database if exists {database} cascade")
        elif connection.world() is not None:
            raise UserError(
                f"The warehouse {settings.place} holds a world already, and a published set is measured from scratch. "
                "Remedy: set PREVALENCE_SPARK_FOLDER to a new folder and start the server again (`prevalence spark "
                f"stop`, `prevalence spark start`), or drop the databases {', '.join(project_databases())} (drop "
                "database NAME cascade) where they are not needed any more."
            )


def _repeat_plans(connection: duckdb.DuckDBPyConnection, plans: Path, draws: int) -> None:
    """Copies of every plan; a draw's random numbers follow from its plan's name."""
    connection.execute(
        f"""
        create temp table repeated_plans as
        select plans.* replace (
            plans.plan_id || case when draws.draw > 1 then '_draw_' || draws.draw else '' end as plan_id
        )
        from read_parquet('{plans}') as plans
        cross join range(1, {draws} + 1) as draws (draw)
        order by plan_id
        """
    )
    connection.execute(f"copy repeated_plans to '{plans}' (format parquet)")


def _answer(name: str, source: Path, settings: Settings, work: Path, answers: Path) -> int:
    """Answer every open assignment; returns how many there were."""
    answers.parent.mkdir(exist_ok=True)
    with (
        _connection(source, answers=str(answers)) as connection,
        _attached(connection, settings, ASKED_AND_ANSWERED, work),
    ):
        connection.execute((EXAMPLES / name / "answers.sql").read_text())
        connection.execute((EXAMPLES / "answer_assignments.sql").read_text())
        answered = connection.execute("select count(*) from open_assignments").fetchone()[0]
    if not answered:
        answers.unlink()
    return answered


def _compare(name: str, source: Path, settings: Settings, work: Path) -> list[Comparison]:
    known = (EXAMPLES / name / "known.sql").read_text()
    with _connection(source) as connection, _attached(connection, settings, FIGURES, work):
        rows = connection.execute(
            f"""
            with known as ({known})
            select
                estimates.plan_id,
                known.policy_id,
                estimates.estimator,
                estimates.prevalence,
                estimates.std_error,
                estimates.interval_lower,
                estimates.interval_upper,
                estimates.sampled_units,
                known.known,
                known.known_std_error
            from known
            inner join warehouse.estimates.est_prevalence as estimates
                on
                    known.plan_id = regexp_replace(estimates.plan_id, '_draw_[0-9]+$', '')
                    and known.policy_id = estimates.policy_id
                    and estimates.pivot_name = 'overall'
                    and estimates.period_type = '28_days'
            order by estimates.plan_id, known.policy_id, estimates.estimator
            """
        ).fetchall()
    return [Comparison(*row) for row in rows]


@contextmanager
def _attached(
    connection: duckdb.DuckDBPyConnection, settings: Settings, relations: Sequence[str], work: Path
) -> Iterator[None]:
    """Within, the connection reads these relations of the warehouse as warehouse.<schema>.<name>, of any engine.

    By way of Parquet in `work`, which a cluster's machines share anyway: the raw tables lie there.
    """
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        with warehouse.connect(settings, read_only=True) as exported:
            for relation in relations:
                exported.execute(exported.export(relation, f"{scratch}/{relation}.parquet"))
        connection.execute("attach ':memory:' as warehouse")
        for relation in relations:
            # DuckDB writes a file and Spark a folder of files
            path = Path(scratch) / f"{relation}.parquet"
            files = path / "*.parquet" if path.is_dir() else path
            connection.execute(f"create schema if not exists warehouse.{relation.split('.')[0]}")
            connection.execute(
                f"create view warehouse.{relation} as "
                f"select * from read_parquet({literal(str(files))}, hive_partitioning = false)"
            )
        yield


def _connection(source: Path, **variables: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    for name, value in {"source": str(source), **variables}.items():
        connection.execute(f"set variable {name} = '{value.replace(chr(39), chr(39) * 2)}'")
    return connection


def lines_of(comparisons: list[Comparison], draws: int) -> list[str]:
    """A line for each figure of the first draw, with how many of all draws cover what is known."""
    lines = [f"\n{'plan':<24}{'policy':<20}{'estimator':<11}{'measured':>10}  {'interval':<21}{'known':>10}  covered"]
    for row in comparisons:
        if "_draw_" in row.plan_id:
            continue
        interval = f"[{percent(row.lower)}, {percent(row.upper)}]"
        same = [
            other.covers
            for other in comparisons
            if other.plan_id.split("_draw_")[0] == row.plan_id
            and (other.policy_id, other.estimator) == (row.policy_id, row.estimator)
        ]
        covered = {True: "yes", False: "no", None: "n/a"}[row.covers]
        if draws > 1:
            covered += f", {sum(cover is True for cover in same)} of {len(same)} draws"
        lines.append(
            f"{row.plan_id:<24}{row.policy_id:<20}{row.estimator:<11}{percent(row.prevalence):>10}  {interval:<21}"
            f"{percent(row.known):>10}  {covered}"
        )
    return lines
