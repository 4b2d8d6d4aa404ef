"""Labels to estimates: what was drawn is labelled, under one protocol, and stands for the frame as it is now."""

from prevalence.gates.checks import Check, Gate, Table

GATE = Gate(
    name="labels_to_estimates",
    tables=(
        Table("label_profiles", ("plan_id", "policy_id", "sample_date")),
        Table("label_plan_profiles", ("plan_id", "policy_id")),
        Table("frame_coverage", ("plan_id", "sample_date")),
        Table("label_event_profiles", ("source_name",)),
    ),
    checks=(
        Check(
            "drawn_units_exist",
            "label_profiles",
            None,
            "there is at least one drawn unit to label",
            "draw first: prevalence run, or dbt build --select draw_units after the gate before_draw has passed.",
        ),
        Check(
            "every_drawn_day_is_labelled",
            "label_profiles",
            "labelled_share",
            "every day that was drawn has answers for every policy",
            "hand out the assignments of these days (labels.label_assignments) and land the answers; a day without "
            "labels has no figure.",
        ),
        Check(
            "day_judge_nonresponse_share",
            "label_profiles",
            "judge_nonresponse_share",
            "the judge answered nearly all units of a day",
            "read the outcomes in staging.stg_label_events (refusal, expired, malformed_json ...) and send the "
            "rest again or to people.",
            may_be_null=True,
        ),
        Check(
            "judge_nonresponse_share",
            "label_plan_profiles",
            "judge_nonresponse_share",
            "the judge answered nearly all units of a plan and policy",
            "read the outcomes in staging.stg_label_events (refusal, expired, malformed_json ...) and send the "
            "rest again or to people.",
            may_be_null=True,
        ),
        Check(
            "audit_answered_share",
            "label_plan_profiles",
            "audit_answered_share",
            "experts answered nearly all audited units of a plan and policy",
            "finish the open assignments of labels.label_audit_assignments; the correction for the judge's errors "
            "rests on them.",
            may_be_null=True,
        ),
        Check(
            "expert_answered_share",
            "label_plan_profiles",
            "expert_answered_share",
            "where a plan has no judge, experts answered nearly all of its units",
            "finish the open assignments of labels.label_audit_assignments.",
            may_be_null=True,
        ),
        Check(
            "judged_violations_are_audited",
            "label_profiles",
            "unaudited_violating_units",
            "every unit that the judge calls violating is audited",
            "build draw_audits again after the judge's answers have landed, and have the added units labelled.",
            may_be_null=True,
        ),
        Check(
            "one_label_protocol",
            "label_plan_profiles",
            "label_protocols",
            "a series is labelled under one protocol",
            "a protocol has changed within the period: publish the parts apart, or label the same units under both "
            "(a bridge).",
        ),
        Check(
            "answers_are_usable",
            "label_event_profiles",
            "quarantined_share",
            "few answers had to be set aside",
            "quality.quarantined_label_events holds each answer with its reason (unknown policy, unknown "
            "assignment, stale item ...).",
        ),
        Check(
            "answers_are_accounted_for",
            "label_event_profiles",
            "unaccounted_rows",
            "landed answers = used + late + duplicate + quarantined answers",
            "answers arrived after staging was built: build stg_label_events again.",
        ),
        Check(
            "every_day_is_drawn",
            "frame_coverage",
            "drawn_units",
            "every day of the frame has drawn units",
            "build draw_units over the whole period. A plan with very few expected units may draw none on a day: "
            "raise expected_units.",
        ),
        Check(
            "drawn_units_as_expected",
            "frame_coverage",
            "draw_deviation",
            "the number of drawn units is what the probabilities promise, in standard deviations",
            "the draw does not follow its probabilities: compare draws.draw_units with the plan; do not publish.",
            may_be_null=True,
        ),
        Check(
            "weights_recover_exposure",
            "frame_coverage",
            "weighted_exposure_deviation",
            "the weighted exposure of the drawn units is the frame's exposure, in standard errors",
            "the weights are not one over the probabilities of the draw, or units of the draw were lost.",
            may_be_null=True,
        ),
        Check(
            "frame_coverage_gap",
            "frame_coverage",
            "uncovered_exposure_share",
            "the frame has hardly grown since its sample was drawn",
            "rows arrived after the draw and could not be drawn. Their share bounds what the figure may miss; draw "
            "later (raise the delay) from now on.",
        ),
    ),
)
