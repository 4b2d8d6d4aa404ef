"""How often units are drawn, over 20,000 samples of one small frame, against what each design says.

One statement draws all samples: a replicate is a group, and random numbers are hashes of replicate and unit. Draws with
replacement are also enumerated: all 216 outcomes of three draws from six units.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from conftest import DbtCalls
from scipy import stats

SAMPLES, UNITS, DRAWN = 20_000, 12, 5
# the first two are certainties: 5 x 40 exceeds the total, 103, and 4 x 30 the 63 that are left
SIZES = [40, 30, 8, 6, 5, 4, 3, 3, 2, 1, 1, 0]
DESIGNS = ["poisson", "sequential_poisson", "pareto", "simple_random"]
ROWS = ", ".join(f"({number}, {size})" for number, size in enumerate(SIZES))

# six units: exposure, score in hundredths, whether it violates; three draws by exposure, by exposure x score, and by half
# of each, as whole numbers
SIX_UNITS = [(100, 5, 0), (50, 90, 1), (30, 10, 0), (10, 50, 1), (5, 5, 0), (5, 90, 0)]
SIX_SIZES = {
    "exposure": [exposure for exposure, _, _ in SIX_UNITS],
    "risk": [exposure * score // 25 for exposure, score, _ in SIX_UNITS],
    "mixture": [251 * exposure + 8 * exposure * score for exposure, score, _ in SIX_UNITS],
}
SIX_ROWS = ", ".join(
    f"('{measure}', 'u{i}', {size}, {exposure}, {violates}, {i / 6}, {size / sum(sizes)}::double)"
    for measure, sizes in SIX_SIZES.items()
    for i, (size, (exposure, _, violates)) in enumerate(zip(sizes, SIX_UNITS, strict=True))
)


def middle(measure: str, unit: int) -> float:
    """A random number that falls into the middle of a unit's part of the total."""
    sizes = SIX_SIZES[measure]
    return (sum(sizes[:unit]) + sizes[unit] / 2) / sum(sizes)


# outcome o is the draws o % 6, o // 6 % 6 and o // 36
OUTCOME_NUMBER = (
    "case "
    + " ".join(
        f"when measure = '{measure}' and floor(outcome / pow(6, _number - 1)) % 6 = {unit} then {middle(measure, unit)}"
        for measure in SIX_SIZES
        for unit in range(6)
    )
    + " end"
)

TABLES = {
    "six_units": f"""
        select measure, outcome, unit_id, size::bigint as size_measure, exposure, is_violating, random_number, share,
            3::bigint as draws_wanted
        from (values {SIX_ROWS})
            as units (measure, unit_id, size, exposure, is_violating, random_number, share), range(216) as o (outcome)
    """,
    "frame": f"""
        select design, 'u' || i as unit_id, replicate, {DRAWN}::bigint as expected_units,
            case when design = 'simple_random' then 1 else size end::bigint as size_measure
        from (values {ROWS}) as units (i, size), range({SAMPLES}) as samples (replicate),
            (values {", ".join(f"('{design}')" for design in DESIGNS)}) as designs (design)
    """,
    "streams": f"""
        select design, 'u' || w as unit_id, replicate, 2::bigint as expected_units, w::bigint as size_measure
        from (values (1), (2), (3), (10)) as weights (w), range({SAMPLES}) as samples (replicate),
            (values ('poisson'), ('pareto'), ('sequential_poisson')) as designs (design)
    """,
    "frame_with_replacement": f"""
        select 'u' || i as unit_id, replicate, {DRAWN}::bigint as expected_units, size::bigint as size_measure
        from (values {ROWS}) as units (i, size), range({SAMPLES}) as samples (replicate)
    """,
}
SAMPLES_OF = """
with probabilities as (
    {{ prevalence.inclusion_probabilities(
        'FRAME', unit='unit_id', size='size_measure', expected_units='expected_units', by=['design', 'replicate'],
        columns=['expected_units', 'size_measure']) }}
),
numbered as (
    select *, {{ prevalence.hash_unit("design || '|' || cast(replicate as string) || '|' || unit_id", 'test') }}
        as random_number
    from probabilities
),
samples as (
    {{ prevalence.draw_sample(
        'numbered', unit='unit_id', design='design', inclusion_probability='inclusion_probability',
        is_certainty='is_certainty', random_number='random_number', expected_units='expected_units',
        by=['design', 'replicate']) }}
)
select design, replicate, unit_id, size_measure, inclusion_probability from samples
"""
MODELS = {
    "drawn": SAMPLES_OF.replace("FRAME", "frame"),
    "stream_samples": SAMPLES_OF.replace("FRAME", "streams"),
    "probabilities": """select * from (
        {{ prevalence.inclusion_probabilities(
            'frame', unit='unit_id', size='size_measure', expected_units='expected_units', by=['design', 'replicate'])
        }}) as p where replicate = 0""",
    "drawn_with_replacement": """with numbered as (
        select *, {{ prevalence.hash_unit("cast(replicate as string) || '|' || unit_id", 'test') }} as random_number
        from frame_with_replacement
    ),
    samples as (
    {{ prevalence.draw_with_replacement(
        'numbered', unit='unit_id', size='size_measure', random_number='random_number',
        expected_units='expected_units', by=['replicate'],
        draw_number=prevalence.hash_unit("cast(replicate as string) || '|' || cast(_number as string)", 'test_draw')
    ) }})
    select replicate, unit_id, draws from samples""",
    "outcomes": f"""{{{{ prevalence.draw_with_replacement(
        'six_units', unit='unit_id', size='size_measure', random_number='random_number',
        expected_units='draws_wanted', by=['measure', 'outcome'], draw_number="{OUTCOME_NUMBER}") }}}}""",
    # one row per draw; each outcome is a sample of its own, so a stratum
    "outcome_draws": """{{ prevalence._numbered(
        ref('outcomes'), 'draws', ['measure', 'outcome', 'unit_id', 'exposure', 'is_violating', 'share']) }}""",
    **{
        f"outcome_{name}": f"""{{{{ prevalence.survey_estimates(
            ref('outcome_draws'), y='{y}', x='{x}', weight='1 / (3 * share)', design='pps_with_replacement',
            stratum="measure || cast(outcome as string)", by=[['measure', 'outcome']], total={total}) }}}}"""
        for name, y, x, total in (
            ("totals", "is_violating * exposure / 200", "1", "true"),
            ("ratios", "is_violating * exposure", "exposure", "false"),
        )
    },
}


@pytest.fixture(scope="module")
def results(dbt_calls: DbtCalls) -> dict[str, pd.DataFrame]:
    return dbt_calls.run(MODELS, TABLES)


def odds(number: np.ndarray) -> np.ndarray:
    return number / (1 - number)


def exact_probabilities(stated: np.ndarray, drawn: int, design: str) -> np.ndarray:
    """Chance to be among the `drawn` smallest ranking values, from the values' distribution: U / pi, or ratio of odds.

    A unit of value t is drawn if fewer than `drawn` of the others lie below t: their number is a sum of independent
    choices, whose distribution is built choice by choice.
    """

    def below(t: np.ndarray) -> np.ndarray:
        """Each unit's chance of a value below t (rows: t)."""
        if design == "sequential_poisson":
            return np.minimum(np.outer(t, stated), 1)
        scaled = np.outer(t, odds(stated))
        return scaled / (1 + scaled)

    nodes, weights = np.polynomial.legendre.leggauss(60)
    chances = np.zeros(len(stated))
    # in the unit's own random number, piecewise: where another's U / pi reaches 1 there is a kink
    for unit, probability in enumerate(stated):
        kinks = probability / stated if design == "sequential_poisson" else np.array([])
        edges = np.unique(np.concatenate([[0, 1], kinks[kinks < 1], np.linspace(0, 1, 21)]))
        for left, right in itertools.pairwise(edges):
            number = (left + right) / 2 + (right - left) / 2 * nodes
            t = number / probability if design == "sequential_poisson" else odds(number) / odds(probability)
            others = np.delete(below(t), unit, axis=1)
            counts = np.zeros((len(t), len(stated)))
            counts[:, 0] = 1
            for chance in others.T:
                counts[:, 1:] = counts[:, 1:] * (1 - chance)[:, None] + counts[:, :-1] * chance[:, None]
                counts[:, 0] *= 1 - chance
            chances[unit] += (right - left) / 2 * weights @ counts[:, :drawn].sum(axis=1)
    return chances


def expected_probabilities(design: str) -> tuple[np.ndarray, np.ndarray]:
    """(probabilities that the frame states, exact chances of the design), unit by unit, worked out apart from SQL."""
    if design == "simple_random":
        return np.full(UNITS, DRAWN / UNITS), np.full(UNITS, DRAWN / UNITS)
    rest = np.array([float(Fraction((DRAWN - 2) * size, sum(SIZES[2:]))) for size in SIZES[2:]])
    stated = np.concatenate([[1, 1], rest])
    if design == "poisson":
        return stated, stated
    exact = np.concatenate([[1, 1], exact_probabilities(rest[:-1], DRAWN - 2, design), [0]])
    assert exact.sum() == pytest.approx(DRAWN, abs=1e-9)
    return stated, exact


def frequencies(rows: pd.DataFrame) -> np.ndarray:
    counts = rows["unit_id"].value_counts()
    return np.array([counts.get(f"u{unit}", 0) for unit in range(UNITS)])


@pytest.mark.parametrize("design", DESIGNS)
def test_units_are_drawn_as_often_as_stated(results, design) -> None:
    """Chi-square of counts, units of probability 0 and 1 being drawn never and always.

    Units of a sample of fixed size depend on each other, so the statistic is the quadratic form of the deviations with
    the covariance that the samples show.
    """
    stated, exact = expected_probabilities(design)
    table = results["probabilities"].query("design == @design").set_index("unit_id")
    probabilities = table["inclusion_probability"].reindex([f"u{unit}" for unit in range(UNITS)]).to_numpy()
    np.testing.assert_allclose(probabilities, stated, rtol=1e-14, atol=0)
    assert abs(probabilities.sum() - DRAWN) < 1e-9

    rows = results["drawn"].query("design == @design")
    assert not rows.duplicated(["replicate", "unit_id"]).any()
    counts = frequencies(rows)
    assert (counts[exact == 1] == SAMPLES).all() and (counts[exact == 0] == 0).all()
    taken = np.zeros((SAMPLES, UNITS))
    taken[rows["replicate"], rows["unit_id"].str[1:].astype(int)] = 1
    if design != "poisson":
        assert (taken.sum(axis=1) == DRAWN).all()
    random = np.flatnonzero((exact > 0) & (exact < 1))
    # a fixed sum is one degree of freedom less, and one unit that says nothing new
    free = random if design == "poisson" else random[:-1]
    deviation = taken[:, free].mean(axis=0) - exact[free]
    statistic = SAMPLES * deviation @ np.linalg.solve(np.cov(taken[:, free].T), deviation)
    assert stats.chi2.sf(statistic, len(free)) > 0.001
    # and the test would see a design that is off: the probabilities of equal chances, or of another design
    if design in ("poisson", "pareto"):
        wrong = taken[:, free].mean(axis=0) - np.full(len(free), exact[random].mean())
        assert stats.chi2.sf(SAMPLES * wrong @ np.linalg.solve(np.cov(taken[:, free].T), wrong), len(free)) < 1e-9


def test_order_designs_keep_to_their_probabilities() -> None:
    """What is stated is met in the limit alone (Rosen 1997): here, with three random draws, how far it is off."""
    for design, most in (("pareto", 0.012), ("sequential_poisson", 0.04)):
        stated, exact = expected_probabilities(design)
        off = np.abs(exact - stated)[2:]
        assert 0 < off.max() < most, (design, off.max())


def test_draws_with_replacement_are_as_often_as_stated(results) -> None:
    rows = results["drawn_with_replacement"]
    assert not rows.duplicated(["replicate", "unit_id"]).any()
    assert (rows.groupby("replicate")["draws"].sum() == DRAWN).all() and rows["replicate"].nunique() == SAMPLES
    totals = rows.groupby("unit_id")["draws"].sum()
    observed = np.array([totals.get(f"u{unit}", 0) for unit in range(UNITS)])
    assert observed[-1] == 0
    shares = np.array(SIZES[:-1]) / sum(SIZES)
    # draws are independent of each other, also within a sample
    assert stats.chisquare(observed[:-1], SAMPLES * DRAWN * shares).pvalue > 0.001
    largest = rows.loc[rows["unit_id"] == "u0", "draws"].value_counts()
    times = np.array([SAMPLES - largest.sum(), *(largest.get(k, 0) for k in range(1, DRAWN + 1))])
    wanted = SAMPLES * stats.binom.pmf(np.arange(DRAWN + 1), DRAWN, shares[0])
    assert stats.chisquare(times, wanted).pvalue > 0.001


@pytest.mark.parametrize(
    ("measure", "variance", "total", "std_error", "ratio"),
    [
        ("exposure", 0.07, 2 / 3, 1 / 3, 2 / 3),
        ("risk", 0.009509259259, 0.2324074074, 0.1162037037, 0.1),
        ("mixture", 0.025934755108, 0.3446618606, 0.1723309303, 29100 / 77650),
    ],
)
def test_draws_with_replacement_meet_the_enumeration(results, measure, variance, total, std_error, ratio) -> None:
    """Over all 216 outcomes the estimate has the prevalence as its mean, and its variance is what is estimated."""
    sizes = SIX_SIZES[measure]
    shares = np.array(sizes) / sum(sizes)
    drawn = results["outcomes"].query("measure == @measure").set_index(["outcome", "unit_id"])["draws"]
    for outcome in range(216):
        wanted = pd.Series([outcome % 6, outcome // 6 % 6, outcome // 36]).value_counts()
        assert {f"u{unit}": draws for unit, draws in wanted.items()} == drawn[outcome].to_dict()
    chance = np.array([shares[o % 6] * shares[o // 6 % 6] * shares[o // 36] for o in range(216)])
    totals = results["outcome_totals"].query("measure == @measure").set_index("outcome").sort_index()
    ratios = results["outcome_ratios"].query("measure == @measure").set_index("outcome").sort_index()
    assert chance @ totals["estimate"] == pytest.approx(0.3, rel=1e-12)
    assert (chance * (totals["estimate"] - 0.3) ** 2).sum() == pytest.approx(variance, rel=1e-9)
    assert chance @ totals["variance"].fillna(0) == pytest.approx(variance, rel=1e-9)
    # the second unit twice and the first once
    outcome = 1 + 6 * 0 + 36 * 1
    assert totals.loc[outcome, "estimate"] == pytest.approx(total, rel=1e-9)
    assert totals.loc[outcome, "std_error"] == pytest.approx(std_error, rel=1e-9)
    assert ratios.loc[outcome, "estimate"] == pytest.approx(ratio, rel=1e-9)


def test_largest_keys_of_a_stream_are_not_proportional_to_size() -> None:
    """Efraimidis and Spirakis's U^(1/w) draws one unit after another, so a chance is not n w / sum w."""
    weights = [1, 2, 3]
    chances = [Fraction(0)] * 3
    for first, second in itertools.permutations(range(3), 2):
        chance = Fraction(weights[first], 6) * Fraction(weights[second], 6 - weights[first])
        chances[first] += chance
        chances[second] += chance
    assert [round(float(chance), 6) for chance in chances] == [0.416667, 0.733333, 0.85]
    number = np.random.default_rng(5).random((SAMPLES, 3))
    taken = np.argsort(-np.log(number) / weights, axis=1)[:, :2]
    observed = np.bincount(taken.ravel(), minlength=3)
    np.testing.assert_array_equal(np.sort(taken), np.sort(np.argsort(-(number ** (1 / np.array(weights))))[:, :2]))
    for unit, chance in enumerate(chances):
        assert stats.binomtest(int(observed[unit]), SAMPLES, float(chance)).pvalue > 0.001
        stated = min(2 * weights[unit] / 6, 1 - 1e-9)
        assert stats.binomtest(int(observed[unit]), SAMPLES, stated).pvalue < 1e-9


def test_weights_of_a_stream_add_up(results) -> None:
    """Two of the weights 1, 2, 3 and 10, whose sum is 16: a sum is estimated without bias, and where a sample's size is
    fixed and sizes are what is summed, without error."""
    rows = results["stream_samples"]
    weighted = (rows["size_measure"] / rows["inclusion_probability"]).groupby([rows["design"], rows["replicate"]]).sum()
    for design in ("pareto", "sequential_poisson"):
        assert len(weighted[design]) == SAMPLES
        np.testing.assert_allclose(weighted[design], 16, rtol=1e-12)
    poisson = weighted["poisson"].to_numpy()
    # the unit of weight 10 is certain, so that each sample has a row
    assert len(poisson) == SAMPLES and poisson.std() > 1
    assert abs(poisson.mean() - 16) < 4 * poisson.std() / np.sqrt(SAMPLES)
