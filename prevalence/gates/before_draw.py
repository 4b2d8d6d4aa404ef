"""Before a draw: the frame is complete and its probabilities are the plan's. A draw is for ever."""

from prevalence.gates.checks import Check, Gate, Table

REBUILD = (
    "build units and frames again (dbt build --select path:models/units path:models/frames frame_profiles) "
    "and run this gate again before anything is drawn."
)

GATE = Gate(
    name="before_draw",
    tables=(Table("frame_profiles", ("plan_id", "unit_date")), Table("plan_problems", ("plan_id", "message"))),
    checks=(
        Check(
            "frames_exist",
            "frame_profiles",
            None,
            "there is at least one plan with a frame",
            "fill seeds/sampling_plans.csv (or land sampling_plans) and build the frames.",
        ),
        Check(
            "frame_has_every_day",
            "frame_profiles",
            "frame_units",
            "every plan has units on every calendar day of the period",
            "land and stage the missing days, or set period_start_date and period_end_date to the days that the "
            "logs cover.",
        ),
        Check(
            "frame_has_exposure",
            "frame_profiles",
            "frame_exposure",
            "the units of a frame were exposed at all",
            "see whether was_viewed is false throughout: only viewed components count.",
        ),
        Check(
            "probabilities_add_up",
            "frame_profiles",
            "probability_sum_difference",
            "the inclusion probabilities of a day add up to the plan's expected units",
            REBUILD,
            may_be_null=True,
        ),
        Check(
            "probabilities_are_valid",
            "frame_profiles",
            "invalid_probabilities",
            "every inclusion probability lies in (0, 1]",
            REBUILD,
        ),
        Check(
            "frame_units_agree_with_units",
            "frame_profiles",
            "unit_count_difference",
            "a frame has exactly the units of its unit table",
            REBUILD,
            may_be_null=True,
        ),
        Check(
            "frame_exposure_agrees_with_units",
            "frame_profiles",
            "exposure_difference",
            "a frame has exactly the exposure of its unit table",
            REBUILD,
            may_be_null=True,
        ),
        Check(
            "frame_totals_agree_with_frame",
            "frame_profiles",
            "totals_difference",
            "the control totals are those of the frame's rows",
            REBUILD,
        ),
        Check(
            "heaviest_unit_share",
            "frame_profiles",
            "heaviest_unit_share",
            "no single drawn unit would stand for a large part of a day's exposure",
            "raise defence_share or expected_units of the plan: one violation in such a unit moves the day's "
            "figure by this much.",
            may_be_null=True,
        ),
        Check(
            "imputed_exposure_share",
            "frame_profiles",
            "imputed_exposure_share",
            "most exposure has a risk score",
            "land the risk scores of these days. Figures stay unbiased without, but intervals get wider.",
            may_be_null=True,
        ),
        Check(
            "frame_volume",
            "frame_profiles",
            "exposure_ratio",
            "a day's exposure is near the median of the period's days",
            "compare with quality.day_profiles: a day that was cut short makes a frame that is too small.",
        ),
        Check(
            "plans_can_work",
            "plan_problems",
            "severity",
            "every plan can be drawn from its frame as it says",
            "change the plan in seeds/sampling_plans.csv, or in the table sampling_plans that you land; what was drawn "
            "before stays drawn.",
        ),
    ),
)
