"""examples/package built from a copy, as a user's project: its figures, and columns of any name.

The profile's plugin line is all that brings the Python functions; the copy is built from its own folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import ROOT

# the example's columns under the names of statistics, SQL and the macros' own results
ODD_NAMES = {
    "post": "draw",
    "week": "p",
    "country": "y2",
    "stratum": "stratum",
    "stratum_size": "x",
    "w": "n",
    "views": "z",
    "judge": "variance",
    "audited": "status",
    "expert": "estimate",
}
ODD_MODELS = {
    "odd_names": "select "
    + ", ".join(f"{old} as {new}" for old, new in ODD_NAMES.items())
    + " from {{ ref('labels') }}",
    "odd_answers": "select post as p, rater as draw, answer as labels from {{ ref('answers') }}",
    "odd_views_by_country": """with members as (select * from {{ ref('odd_names') }})
        select * from ({{ prevalence.survey_estimates(
            relation='members', y='variance * z', x='z', weight='n', stratum='p || stratum', population_psus='x',
            by=[[], ['y2'], ['p', 'y2']]) }}) as draw""",
    "odd_audited_prevalence": """{{ prevalence.survey_two_phase_estimates(
        relation=ref('odd_names'), y='estimate', judge='variance', phase_1_weight='n',
        phase_1_stratum='p || stratum', phase_1_population='x', phase_2_stratum='p || variance',
        phase_2_sampled='status = 1', by=[[], ['p']]) }}""",
    "odd_change_between_weeks": """{{ prevalence.survey_difference(
        relation=ref('odd_names'), y='variance', weight='n', stratum='stratum', psu='draw', period='p',
        from_period='w1', to_period='w2') }}""",
    "odd_agreement_of_raters": """{{ prevalence.rater_agreement(
        relation=ref('odd_answers'), item='p', rater='draw', label='labels') }}""",
    "odd_replicates": """{{ prevalence.survey_replicate_estimates(
        relation=ref('odd_names'), y='variance', weight='n', scale=1, by=[[], ['draw', 'p']],
        replicate_weights=['case when p = \\'w1\\' then 2 * n else 0 end', 'case when p = \\'w2\\' then 2 * n else 0 end']
    ) }}""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, pd.DataFrame]:
    project = tmp_path_factory.mktemp("example") / "package"
    kept_back = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb", "package-lock.yml", ".user.yml")
    shutil.copytree(ROOT / "examples" / "package", project, ignore=kept_back)
    packages = project / "packages.yml"
    assert "local: ../.." in packages.read_text()
    packages.write_text(packages.read_text().replace("../..", str(ROOT)))
    for name, text in ODD_MODELS.items():
        (project / "models" / f"{name}.sql").write_text(text)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in ("deps", "build"):
        outcome = subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "--warn-error", command],
            cwd=project,
            env={**environment, "DBT_PROFILES_DIR": str(project)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    with duckdb.connect(str(project / "shared_posts.duckdb"), read_only=True) as connection:
        names = [name for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()]
        return {name: connection.execute(f"select * from {name}").df() for name in names}


def test_package_brings_macros_and_no_models(built) -> None:
    own = {path.stem for folder in ("models", "seeds") for path in (ROOT / "examples/package" / folder).glob("*.*")}
    assert set(built) == own | set(ODD_MODELS)


def test_share_of_views(built) -> None:
    """The ratio and its stratified variance, recomputed from the rows."""
    rows = built["labels"]
    row = built["views_by_country"].query("grouping_set == 'overall'").iloc[0]
    a, b = rows.w * rows.judge * rows.views, rows.w * rows.views
    assert row.status == "ok"
    assert row.estimate == pytest.approx(a.sum() / b.sum(), rel=1e-12)
    scores = (a - row.estimate * b) / b.sum()
    variance = sum(
        (1 - len(group) / group.stratum_size.iloc[0]) * len(group) * scores[group.index].var()
        for _, group in rows.groupby(["week", "stratum"])
    )
    assert row.variance == pytest.approx(variance, rel=1e-10)
    assert row.interval_lower < row.estimate < row.interval_upper


def test_audit_corrects_the_judge(built) -> None:
    rows = built["labels"]
    row = built["audited_prevalence"].query("grouping_set == 'overall'").iloc[0]
    assert row.status == "ok"
    assert row.judge_estimate == pytest.approx((rows.w * rows.judge).sum() / rows.w.sum(), rel=1e-12)
    cells = rows.groupby(["week", "judge"]).audited
    audited = rows[rows.audited == 1].assign(w2=(cells.transform("size") / cells.transform("sum"))[rows.audited == 1])
    residual = audited.expert.astype(float) - row.judge_coefficient * audited.judge
    total = row.judge_coefficient * (rows.w * rows.judge).sum() + (audited.w * audited.w2 * residual).sum()
    assert row.estimate == pytest.approx(total / rows.w.sum(), rel=1e-12)
    assert 0 < row.judge_coefficient < 1 and row.estimate < row.judge_estimate


def test_change_is_later_minus_earlier(built) -> None:
    rows = built["labels"]
    weeks = [(group.w * group.judge).sum() / group.w.sum() for _, group in rows.groupby("week")]
    row = built["change_between_weeks"].iloc[0]
    assert row.estimate == pytest.approx(weeks[1] - weeks[0], rel=1e-12)
    assert row.overlapping_psus == (rows.groupby("post").week.nunique() == 2).sum() > 0


def test_columns_of_any_name_give_the_same_figures(built) -> None:
    for name in ("views_by_country", "audited_prevalence", "change_between_weeks", "agreement_of_raters"):
        plain, odd = built[name], built[f"odd_{name}"].rename(columns={"p": "week", "y2": "country"})
        plain, odd = (
            frame.assign(
                grouping_set=frame.grouping_set.replace({"y2": "country", "p,y2": "week,country", "p": "week"})
            )
            for frame in (plain, odd)
        )
        keys = [column for column in ("grouping_set", "week", "country") if column in plain]
        pd.testing.assert_frame_equal(
            *(frame.sort_values(keys).reset_index(drop=True)[list(plain.columns)] for frame in (plain, odd)),
            check_exact=False,
            rtol=1e-12,
        )


def test_replicates_of_odd_names(built) -> None:
    """Two half samples, the weeks: scale 1 gives half of the squared difference of their figures."""
    replicates, weeks = built["odd_replicates"], built["change_between_weeks"].iloc[0]
    overall = replicates[replicates.grouping_set == "overall"].iloc[0]
    assert overall.estimate == pytest.approx(
        (built["labels"].w * built["labels"].judge).sum() / built["labels"].w.sum(), rel=1e-12
    )
    assert overall.variance == pytest.approx(weeks.estimate**2 / 2, rel=1e-12)
    # a week's post has weight in one of the two replicates alone
    assert set(replicates[replicates.grouping_set == "draw,p"].status) == {"undefined_replicates"}
