"""rogan_gladen on figures of a weighted design: repeated samples whose labels err, each with gold of its own."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

REPLICATES = 400
SENSITIVITY, SPECIFICITY = 0.85, 0.99
GOLD_POSITIVE, GOLD_NEGATIVE = 300, 2000


def _repeated_samples() -> tuple[pd.DataFrame, float]:
    """Two strata with weights 100 and 10; labels that err; a sensitivity and a specificity measured on new gold."""
    generator = np.random.default_rng(8)
    strata = [("low", 30_000, 300, 0.01), ("high", 3000, 300, 0.30)]
    violating = {name: round(size * share) for name, size, _, share in strata}
    samples = []
    for replicate in range(REPLICATES):
        gold = {
            "sensitivity": generator.binomial(GOLD_POSITIVE, SENSITIVITY) / GOLD_POSITIVE,
            "specificity": generator.binomial(GOLD_NEGATIVE, SPECIFICITY) / GOLD_NEGATIVE,
        }
        for name, size, sampled, _ in strata:
            truth = generator.permutation(np.arange(size) < violating[name])[:sampled]
            label = generator.uniform(size=sampled) < np.where(truth, SENSITIVITY, 1 - SPECIFICITY)
            frame = pd.DataFrame({"label": label.astype(float), "weight": size / sampled, "size": size})
            samples.append(frame.assign(band=name, replicate=replicate, **gold))
    return pd.concat(samples), sum(violating.values()) / 33_000


SAMPLES, TRUTH = _repeated_samples()


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    estimates = call_text(
        "survey_estimates",
        relation="noisy_samples",
        y="label",
        weight="weight",
        # a sample is a design of its own: its strata are not those of another
        stratum="cast(replicate as varchar) || band",
        population_psus="size",
        by=[["replicate", "sensitivity", "specificity"]],
    )
    models = {}
    for interval in ("lang_reiczigel", "wald"):
        corrected = call_text(
            "rogan_gladen",
            relation="estimates",
            apparent="estimate",
            variance="variance",
            sensitivity="sensitivity",
            specificity="specificity",
            sensitivity_items=str(GOLD_POSITIVE),
            specificity_items=str(GOLD_NEGATIVE),
            columns=["replicate"],
            interval=interval,
        )
        models[f"corrected_{interval}"] = (
            f"with estimates as (\n{estimates}\n)\nselect * from (\n{corrected}\n) as rows"
        )
    models["apparent"] = estimates
    path = dbt_calls.folder / "noisy_samples.parquet"
    samples = SAMPLES
    duckdb.sql(f"copy (select * from samples) to '{path}' (format parquet)")
    return dbt_calls.run(models, {"noisy_samples": f"select * from '{path}'"})


def test_apparent_share_is_not_the_truth(results) -> None:
    rows = results["apparent"]
    apparent = TRUTH * SENSITIVITY + (1 - TRUTH) * (1 - SPECIFICITY)
    assert rows.estimate.mean() == pytest.approx(apparent, abs=4 * rows.estimate.std() / REPLICATES**0.5)
    assert rows.estimate.mean() - TRUTH > 5 * rows.estimate.std() / REPLICATES**0.5


@pytest.mark.parametrize("interval", ["lang_reiczigel", "wald"])
def test_corrected_share_covers_the_truth(results, interval) -> None:
    rows = results[f"corrected_{interval}"]
    assert len(rows) == REPLICATES and set(rows.status) == {"ok"}
    error = rows.estimate.std() / REPLICATES**0.5
    assert abs(rows.estimate.mean() - TRUTH) < 4 * error
    # the spread of 400 variances is some 7 % of their mean
    assert rows.variance.mean() == pytest.approx(rows.estimate.var(), rel=0.2)
    covered = ((rows.interval_lower <= TRUTH) & (rows.interval_upper >= TRUTH)).mean()
    assert covered > 0.92


def test_variance_is_the_designs_and_not_that_of_a_count(results) -> None:
    apparent, corrected = (results[name].set_index("replicate").sort_index() for name in ("apparent", "corrected_wald"))
    youden = apparent.sensitivity + apparent.specificity - 1
    p = corrected.estimate
    label_error = (
        p**2 * apparent.sensitivity * (1 - apparent.sensitivity) / GOLD_POSITIVE
        + (1 - p) ** 2 * apparent.specificity * (1 - apparent.specificity) / GOLD_NEGATIVE
    )
    np.testing.assert_allclose(corrected.variance, (apparent.variance + label_error) / youden**2, rtol=1e-9)
