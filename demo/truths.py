"""What the demo world knows and the product does not: the true prevalence behind each published figure."""

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings
from prevalence.release.headline import Truths


def truths(settings: Settings) -> Truths:
    """The truth of each overall figure, for the summary and the chart."""
    with warehouse.connect(settings, read_only=True) as connection:
        rows = connection.rows(
            "select plan_id, unit_type, policy_id, period_type, period_start, true_prevalence from truth.plan_prevalence"
            " where pivot_name = 'overall'"
        )
    return {tuple(key): truth for *key, truth in rows}
