"""Raw to staging: every landed row is accounted for, and no day has lost more rows than it may."""

from prevalence.gates.checks import Check, Gate, Table

GATE = Gate(
    name="raw_to_staging",
    tables=(
        Table("log_row_accounting", ("source_name", "row_day")),
        Table("log_source_profiles", ("source_name",)),
        Table("log_quarantine_reasons", ("source_name", "row_day", "quarantine_reason")),
        Table("day_profiles", ("source_name", "row_date")),
        Table("plan_row_problems", ("plan_id", "message")),
    ),
    checks=(
        Check(
            "rows_are_accounted_for",
            "log_row_accounting",
            "unaccounted_rows",
            "landed rows = used + late + duplicate + quarantined rows",
            "rows reached raw after staging was built, or were taken away from it: build staging again over the "
            "whole period "
            "(dbt build --select staging quality --event-time-start ... --event-time-end ...).",
        ),
        Check(
            "sources_are_accounted_for",
            "log_source_profiles",
            "unaccounted_rows",
            "the rows of the accounting add up to the rows of the raw table",
            "build staging again over the whole period. A negative number: rows of an interaction whose id occurs "
            "on days further apart than deduplication_days "
            "are counted twice; raise that variable.",
        ),
        Check(
            "required_sources_have_rows",
            "log_source_profiles",
            "required_usable_rows",
            "interactions and components have usable rows",
            "look at quality.log_quarantine_reasons: when all rows are quarantined for one reason the mapping is "
            "wrong; when none has landed "
            "the folder of logs is empty or is not the one that was meant.",
            may_be_null=True,
        ),
        Check(
            "every_day_has_rows",
            "day_profiles",
            "usable_rows",
            "every calendar day of the period has usable interactions and components",
            "land the missing days, or set period_start_date and period_end_date to the days that the logs cover.",
        ),
        Check(
            "day_volume",
            "day_profiles",
            "volume_ratio",
            "a day's usable rows are near the median of the period's days",
            "see whether the day's export is cut short or was written twice; a real swing is let through by "
            "widening the limit in seeds/gate_limits.csv.",
        ),
        Check(
            "day_duplicate_share",
            "day_profiles",
            "duplicate_share",
            "few rows of a day are second copies of a row",
            "see whether the day was exported twice; duplicates are left out either way.",
        ),
        Check(
            "day_late_share",
            "day_profiles",
            "late_share",
            "few rows of a day were received after late_after_hours",
            "late rows are used; when there are many, days near the end of the period are likely to be incomplete: "
            "end the period earlier.",
        ),
        Check(
            "day_quarantined_share",
            "day_profiles",
            "quarantined_share",
            "few rows of a day had to be set aside",
            "quality.quarantined_log_rows holds each row with its reason: mend them in the source and land again.",
        ),
        Check(
            "source_duplicate_share",
            "log_source_profiles",
            "duplicate_share",
            "few rows of a source are second copies of a row",
            "see whether files were landed twice; duplicates are left out either way.",
        ),
        Check(
            "source_quarantined_share",
            "log_source_profiles",
            "quarantined_share",
            "few rows of a source had to be set aside",
            "quality.quarantined_log_rows holds each row with its reason: mend them in the source and land again.",
        ),
        Check(
            "quarantine_reason_share",
            "log_quarantine_reasons",
            "landed_share",
            "no reason sets aside more than a small part of a source's rows on a day",
            "quality.quarantined_log_rows holds each row with its reason: mend them in the source and land again.",
            may_be_null=True,
        ),
        Check(
            "components_per_interaction",
            "day_profiles",
            "components_ratio",
            "a day's components per interaction are near the median of the period's days",
            "see whether the components of that day were exported in full.",
            may_be_null=True,
        ),
        Check(
            "null_country_share",
            "day_profiles",
            "null_country_share",
            "most interactions of a day have a country",
            "see whether the enrichment that fills in the country ran for that day; pivots by country show these "
            "interactions as 'unknown'.",
            may_be_null=True,
        ),
        Check(
            "null_user_share",
            "day_profiles",
            "null_user_share",
            "a good part of a day's interactions has a user",
            "signed-out traffic has none; when all have lost it, the join that fills it in has failed. Sessions "
            "and user-days leave such rows out.",
            may_be_null=True,
        ),
        Check(
            "plans_can_be_read",
            "plan_row_problems",
            "severity",
            "every plan is made of known words, known policies and numbers in their range",
            "mend the named columns in seeds/sampling_plans.csv, or in the table sampling_plans that you land; "
            "models/staging/_sources.yml says what each may hold.",
        ),
    ),
)
