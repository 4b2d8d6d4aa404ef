"""Before publication: the estimates agree with themselves, with each other and with what was published before."""

from prevalence.gates.checks import Check, Gate, Table

GATE = Gate(
    name="before_publication",
    tables=(
        Table("release_candidates", ("fingerprint",)),
        Table("estimate_profiles", ("plan_id", "policy_id", "unit_type", "estimator", "period_type")),
        Table(
            "estimate_agreements", ("policy_id", "unit_type", "period_type", "period_start", "plan_id", "other_plan_id")
        ),
        Table(
            "release_changes",
            ("period_type", "period_start", "policy_id", "plan_id", "unit_type", "pivot_name", "pivot_value"),
        ),
        Table("upstream_gates", ("gate_name",), schema=None),
    ),
    checks=(
        Check(
            "upstream_gates_passed",
            "upstream_gates",
            "failed_checks",
            "the three gates before this one have passed for the tables as they are now",
            "run the gates named here (prevalence gate <name>) and mend what they report.",
        ),
        Check(
            "candidates_exist",
            "release_candidates",
            "candidate_rows",
            "there is something to publish",
            "build the estimates; label first if quality.label_profiles shows no answers.",
        ),
        Check(
            "grain_is_unique",
            "release_candidates",
            "duplicate_keys",
            "there is one figure for each period, policy, plan, pivot value and estimator",
            "estimates.est_prevalence holds a key twice: do not publish; its unique_grain test names the rows.",
        ),
        Check(
            "nulls_have_a_reason",
            "estimate_profiles",
            "unexplained_nulls",
            "a figure is null only where its status says why",
            "look for rows of estimates.est_prevalence with status ok and a null figure.",
        ),
        Check(
            "rows_are_valid",
            "estimate_profiles",
            "published_invalid_row_estimates",
            "no figure is voided because a labelled unit has an impossible weight or probability",
            "look for rows of estimates.est_prevalence with status invalid_rows, and for the units in "
            "estimates.est_unit_domains.",
            may_be_null=True,
        ),
        Check(
            "intervals_are_valid",
            "estimate_profiles",
            "invalid_intervals",
            "0 <= lower bound <= estimate <= upper bound <= 1, wherever they are given",
            "look for rows of estimates.est_prevalence whose bounds are out of order.",
        ),
        Check(
            "standard_errors_are_valid",
            "estimate_profiles",
            "invalid_standard_errors",
            "a standard error is a number that is not negative",
            "look for rows of estimates.est_prevalence with a negative or infinite std_error.",
        ),
        Check(
            "overall_rows_exist",
            "estimate_profiles",
            "missing_overall_rows",
            "every plan and policy has an overall figure for every period that was drawn",
            "build the estimates again; a day without any label has no figure: see quality.label_profiles.",
        ),
        Check(
            "overall_figures_are_given",
            "estimate_profiles",
            "overall_null_share",
            "most overall figures are given",
            "count the reasons: select status, count(*) from estimates.est_prevalence group by status.",
        ),
        Check(
            "periods_add_up",
            "estimate_profiles",
            "roll_up_unit_difference",
            "the sampled units of a week or 28 days are those of its days",
            "days are missing from the longer period or counted twice: rebuild the estimates.",
            may_be_null=True,
        ),
        Check(
            "periods_agree_with_days",
            "estimate_profiles",
            "roll_up_deviation",
            "a week's or 28 days' figure is the mean of its days' figures weighted by exposure, within standard errors",
            "days are missing from the longer period or weigh too much in it: look at frame_exposure and the "
            "weights of its days.",
            may_be_null=True,
        ),
        Check(
            "pivots_add_up",
            "estimate_profiles",
            "pivot_unit_difference",
            "the values of a pivot that divides the units add up to the overall number of sampled units",
            "a pivot value is lost or counted twice: look at the pivots of estimates.est_prevalence.",
            may_be_null=True,
        ),
        Check(
            "relative_half_width",
            "estimate_profiles",
            "relative_half_width",
            "the 28-day overall interval is narrow enough to say something",
            "label more units, or read the figure pooled over a longer period.",
            may_be_null=True,
        ),
        Check(
            "judge_correction_share",
            "estimate_profiles",
            "judge_correction_share",
            "experts correct the judge's 28-day figure by a small part of it",
            "the judge errs often: mend its prompt and read only the two-phase figure.",
            may_be_null=True,
        ),
        Check(
            "plans_agree",
            "estimate_agreements",
            "deviation",
            "two plans that measure the same agree; 1 is a difference that is just significant",
            "look for what differs between the plans: frame, labels, weights. One of the two is biased.",
            may_be_null=True,
        ),
        Check(
            "change_since_last_release",
            "release_changes",
            "deviation",
            "a figure that was published before has hardly moved; 1 is a difference that would just be significant",
            "say why in the release note (late data, mended labels, another method): it will be published as restated.",
            may_be_null=True,
        ),
    ),
)
