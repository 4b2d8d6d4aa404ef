"""The folder of raw tables as it is on a given night, and the labelers who answer what is open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

FIRST_DAY = date(2026, 10, 5)
INTERACTIONS = 80
# all that a text can break; a policy is measured once it is declared
POLICIES = ("harassment", "misinformation", "self_harm", "spam")
_HERE = Path(__file__).parent

Row = dict[str, object]

FIRST_PLANS: tuple[Row, ...] = (
    {
        "plan_id": "contents_audited",
        "unit_type": "content_day",
        "design": "poisson",
        "expected_units": 14,
        "defence_share": 0.5,
        "audit_units": 6,
        "audit_floor": 0.2,
    },
    {"plan_id": "interactions_plain", "unit_type": "interaction", "design": "simple_random", "expected_units": 15},
)
PLAN_TYPES = {
    "plan_id": "varchar",
    "unit_type": "varchar",
    "design": "varchar",
    "expected_units": "bigint",
    "defence_share": "double",
    "audit_units": "bigint",
    "audit_floor": "double",
}
LIFE_TYPES = {"valid_from": "date", "valid_until": "date"}
POLICY_TYPES = {"policy_id": "varchar", "policy_version": "varchar", "title": "varchar"}


@dataclass
class World:
    """What a team has in its hands on one night: the folder, its tables of policies and plans, and its settings."""

    folder: Path
    night: int = 0
    keep_days: int | None = None
    salt: str | None = None
    judge: str = "judge_1"
    scores_version: str = "scores_1"
    expert_delay: int = 3
    listed_nights_alone: bool = False
    missing: set[int] = field(default_factory=set)
    policies: dict[str, Row] = field(default_factory=dict)
    plans: dict[str, Row] = field(default_factory=dict)
    spoil_answers: bool = False
    # labelers' answers by the night on which they arrive
    under_way: dict[int, list[Path]] = field(default_factory=dict)
    # the last day that there were ever logs of
    last_day: int = -1
    # all rows that policies and plans ever had, with the days on which they hold: what a team writes that dates its changes
    dated: dict[str, list[Row]] = field(default_factory=lambda: {"policies": [], "sampling_plans": []})
    salts: list[tuple[date, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("harassment", "self_harm"):
            self.set_policy({"policy_id": name, "policy_version": "1.0.0", "title": name})
        for plan in FIRST_PLANS:
            self.set_plan(dict(plan))
        self.held_back.mkdir(parents=True, exist_ok=True)

    @property
    def held_back(self) -> Path:
        """Answers that are under way, outside of what is landed."""
        return self.folder.parent / "under_way"

    @property
    def all_logs(self) -> Path:
        """Every file of logs as it came, without the rows that came after their day had been drawn."""
        return self.folder.parent / "undisturbed" / "raw"

    @property
    def next_day(self) -> date:
        """The first day that nobody can have been drawn from yet."""
        return day_of(self.last_day + 1)

    @property
    def today(self) -> date:
        return day_of(self.night)

    @property
    def variables(self) -> dict[str, str]:
        return {"sampling_salt": self.salt} if self.salt else {}

    def set_policy(self, row: Row) -> None:
        """A policy as it is from now on."""
        self._set("policies", self.policies, "policy_id", row)

    def set_plan(self, row: Row) -> None:
        """A plan as it is from now on."""
        self._set("sampling_plans", self.plans, "plan_id", row)

    def end_policy(self, name: str) -> None:
        del self.policies[name]
        self._end("policies", "policy_id", name)

    def end_plan(self, name: str) -> None:
        del self.plans[name]
        self._end("sampling_plans", "plan_id", name)

    def _set(self, table: str, rows: dict[str, Row], key: str, row: Row) -> None:
        rows[str(row[key])] = row
        self.dated[table].append({**row, "valid_from": self.next_day if self.last_day >= 0 else None})

    def _end(self, table: str, key: str, name: str) -> None:
        last = [row for row in self.dated[table] if row[key] == name][-1]
        last["valid_until"] = self.next_day

    def write_day(self, number: int) -> None:
        """The logs of one day, and the scores of its contents."""
        self.last_day = max(self.last_day, number)
        with duckdb.connect() as connection:
            _make_day(connection, self, number)
            for name in ("interactions", "components", "scores"):
                folder = "risk_scores" if name == "scores" else name
                self._write_logs(connection, f"from day_{name}", f"{folder}/{day_of(number)}.parquet")

    def _write_logs(self, connection: duckdb.DuckDBPyConnection, query: str, file: str, is_late: bool = False) -> None:
        _write(connection, query, self.folder / file)
        if not is_late:
            (self.all_logs / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.folder / file, self.all_logs / file)

    def write_late(self, number: int) -> None:
        """Two interactions of day `number` that arrive a night later, with their components."""
        self._write_copies(number, "late", "interaction_id || '_late'", f"cast('{self.today}' as timestamp)", 2)

    def write_again(self, number: int) -> None:
        """Three interactions of day `number`, delivered again today."""
        self._write_copies(number, "again", "interaction_id", "cast(null as timestamp)", 3)

    def write_clocks(self) -> None:
        """Three interactions with wrong clocks: ten days ahead, in 1970 and in the year 9999."""
        with duckdb.connect() as connection:
            _make_day(connection, self, self.night)
            connection.execute(
                """
                create temp table wrong as
                select
                    * exclude (n) replace (
                        'clock_' || n as interaction_id,
                        case n
                            when 1 then occurred_at + interval 10 day
                            when 2 then timestamp '1970-01-01'
                            else timestamp '9999-12-31'
                        end as occurred_at
                    )
                from (select *, row_number() over (order by interaction_id) as n from day_interactions)
                where n <= 3
                """
            )
            self._write_logs(connection, "from wrong", f"interactions/{self.today}_clocks.parquet")

    def _write_copies(self, number: int, name: str, interaction_id: str, received_at: str, rows: int) -> None:
        with duckdb.connect() as connection:
            _make_day(connection, self, number)
            chosen = f"select interaction_id from day_interactions order by md5(interaction_id) limit {rows}"
            self._write_logs(
                connection,
                f"select * replace ({interaction_id} as interaction_id, {received_at} as received_at) "
                f"from day_interactions where interaction_id in ({chosen})",
                f"interactions/{self.today}_{name}.parquet",
                is_late=name == "late",
            )
            self._write_logs(
                connection,
                f"select * replace ({interaction_id} as interaction_id) "
                f"from day_components where interaction_id in ({chosen})",
                f"components/{self.today}_{name}.parquet",
                is_late=name == "late",
            )

    def write_tables(self) -> None:
        """Policies and plans as the team has them today: what is retired is simply gone."""
        self._write_rows(self.folder / "policies.parquet", list(self.policies.values()), POLICY_TYPES)
        self._write_rows(self.folder / "sampling_plans.parquet", list(self.plans.values()), PLAN_TYPES)

    def write_undisturbed(self) -> None:
        """Beside all logs: policies and plans with their dates, and all answers that have arrived."""
        self._write_rows(self.all_logs / "policies.parquet", self.dated["policies"], POLICY_TYPES)
        self._write_rows(self.all_logs / "sampling_plans.parquet", self.dated["sampling_plans"], PLAN_TYPES)
        answers = self.folder / "label_events"
        if answers.exists():
            shutil.copytree(answers, self.all_logs / "label_events", dirs_exist_ok=True)
        salts = "".join(f"{day},{salt}\n" for day, salt in self.salts)
        (self.all_logs.parent / "salts.csv").write_text(salts)

    def _write_rows(self, path: Path, rows: list[Row], types: dict[str, str]) -> None:
        used = dict(types) | {key: LIFE_TYPES.get(key, "varchar") for row in rows for key in row if key not in types}
        values = ", ".join("(" + ", ".join(_literal(row.get(key)) for key in used) + ")" for row in rows)
        columns = ", ".join(f"cast({key} as {kind}) as {key}" for key, kind in used.items())
        with duckdb.connect() as connection:
            _write(
                connection,
                f"select {columns} from (values {values}) as rows_of_table ({', '.join(used)})",
                path,
            )

    def forget(self) -> None:
        """Retention: the logs of days that are older than `keep_days` are deleted."""
        if self.keep_days is None:
            return
        for name in ("interactions", "components", "risk_scores"):
            for path in sorted((self.folder / name).glob("*.parquet")):
                if date.fromisoformat(path.name[:10]) <= self.today - timedelta(days=self.keep_days):
                    path.unlink()

    def answer(self, warehouse: Path) -> None:
        """Labelers answer what is open by now; their answers arrive on a later night: the judge's on the next, experts' after their delay."""
        for pool, delay in (("llm", 1), ("sme", self.expert_delay), ("bpo", self.expert_delay)):
            arrives = self.night + delay
            path = self.held_back / f"{arrives:04d}_{self.night:04d}_{pool}.parquet"
            with duckdb.connect() as connection:
                connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
                _set(connection, night=day_of(arrives), pool=pool, judge=self.judge)
                connection.execute((_HERE / "answers.sql").read_text())
                # what has been asked and not yet been answered is not asked twice
                known = [str(file) for files in self.under_way.values() for file in files]
                if known:
                    connection.execute(
                        "delete from night_answers where assignment_id in "
                        f"(select assignment_id from read_parquet({known!r}))"
                    )
                (rows,) = connection.execute("select count(*) from night_answers").fetchone()
                if rows:
                    _write(connection, "from night_answers", path)
                    self.under_way.setdefault(arrives, []).append(path)

    def deliver_answers(self) -> None:
        """Answers that arrive tonight are put beside the others; a spoiled delivery brings faulty copies along."""
        due = [night for night in self.under_way if night <= self.night]
        for path in (path for night in sorted(due) for path in self.under_way.pop(night)):
            with duckdb.connect() as connection:
                _write(connection, f"from read_parquet('{path}')", self.folder / "label_events" / path.name)
                if self.spoil_answers:
                    _write(
                        connection,
                        f"""
                        select * exclude (n) replace (
                            'spoiled_' || label_event_id as label_event_id,
                            case n % 3 when 0 then 'sha256:0' else item_hash end as item_hash,
                            case n % 3 when 1 then '["c99"]' end as component_refs,
                            case n % 3 when 2 then 'nobody' else policy_id end as policy_id
                        )
                        from (select *, row_number() over (order by label_event_id) as n from read_parquet('{path}'))
                        where n <= 9
                        """,
                        self.folder / "label_events" / f"spoiled_{path.name}",
                    )
            path.unlink()
        self.spoil_answers = False


def day_of(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def _make_day(connection: duckdb.DuckDBPyConnection, world: World, number: int) -> None:
    _set(
        connection,
        day=day_of(number),
        first_day=FIRST_DAY,
        interactions=INTERACTIONS,
        policies=list(POLICIES),
        scored_policies=list(world.policies),
        scores_version=world.scores_version,
    )
    connection.execute((_HERE / "day.sql").read_text())


def _set(connection: duckdb.DuckDBPyConnection, **values: object) -> None:
    for name, value in values.items():
        connection.execute(f"set variable {name} = $1", [value])


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy ({query}) to '{path}' (format parquet)")


def _literal(value: object) -> str:
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"


Event = Callable[[World, str], None]


def _add_policy(world: World, value: str) -> None:
    world.set_policy({"policy_id": value, "policy_version": "1.0.0", "title": value})


def _change_version(world: World, value: str) -> None:
    policy, version = value.split()
    world.set_policy({**world.policies[policy], "policy_version": version})


def _change_plan(world: World, value: str) -> None:
    plan, *settings = value.split()
    known = world.plans.get(plan, {"plan_id": plan})
    world.set_plan(known | {name: text for name, text in (setting.split("=", 1) for setting in settings)})


def _rename_plan(world: World, value: str) -> None:
    old, new = value.split()
    known = world.plans[old]
    world.end_plan(old)
    world.set_plan({**known, "plan_id": new, "renamed_from": old})


def _rotate_salt(world: World, value: str) -> None:
    world.salt = value
    world.salts.append((world.next_day, value))


# What can happen on a night, by the word that timelines use.
EVENTS: dict[str, Event] = {
    "nothing": lambda world, value: None,
    "listed_nights_alone": lambda world, value: setattr(world, "listed_nights_alone", True),
    "keep_logs": lambda world, value: setattr(world, "keep_days", int(value)),
    "logs_missing": lambda world, value: world.missing.add(int(value)),
    "logs_filled": lambda world, value: world.write_day(int(value)),
    "delivered_again": lambda world, value: world.write_again(int(value)),
    "wrong_clocks": lambda world, value: world.write_clocks(),
    "wrong_answers": lambda world, value: setattr(world, "spoil_answers", True),
    "expert_delay": lambda world, value: setattr(world, "expert_delay", int(value)),
    "policy_added": _add_policy,
    "policy_version": _change_version,
    "policy_retired": lambda world, value: world.end_policy(value),
    "plan_changed": _change_plan,
    "plan_added": _change_plan,
    "plan_renamed": _rename_plan,
    "plan_retired": lambda world, value: world.end_plan(value),
    "judge": lambda world, value: setattr(world, "judge", value),
    "scores": lambda world, value: setattr(world, "scores_version", value),
    "salt": _rotate_salt,
}
