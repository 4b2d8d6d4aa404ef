-- Stratified simple random samples, drawn with replacement, against the values that the package svy 0.25 prints.
-- Each stratum is given as its weight's numerator (units in the population), sampled units and positive units.
with

strata as (

    select
        case_name,
        stratum,
        population_units,
        stratum_units,
        stratum_positives
    from (
        values
        ('balanced', 'a', 2000, 100, 20), ('balanced', 'b', 3000, 150, 15), ('balanced', 'c', 5000, 250, 5),
        ('rare', 'a', 200, 60, 3), ('rare', 'b', 800, 120, 2), ('rare', 'c', 4000, 120, 1),
        ('very rare', 'a', 500, 100, 1), ('very rare', 'b', 9500, 400, 0),
        ('two', 'a', 900, 90, 30), ('two', 'b', 100, 40, 2),
        ('wide', 'a', 1000, 50, 25), ('wide', 'b', 1000, 50, 10), ('wide', 'c', 1000, 50, 40)
    ) as published_strata (case_name, stratum, population_units, stratum_units, stratum_positives) -- noqa: AL05

),

digits as (

    select digit
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as all_digits (digit) -- noqa: AL05

),

units as (

    select
        strata.case_name,
        -- the cases are samples of their own: a stratum belongs to one of them
        strata.case_name || ' ' || strata.stratum as stratum_name,
        cast(strata.population_units as double) / strata.stratum_units as design_weight,
        case
            when hundreds.digit * 100 + tens.digit * 10 + ones.digit < strata.stratum_positives then 1
            else 0
        end as is_positive
    from strata
    cross join digits as hundreds
    cross join digits as tens
    cross join digits as ones
    where hundreds.digit * 100 + tens.digit * 10 + ones.digit < strata.stratum_units

),

estimates as (

    {{ prevalence.survey_estimates(
        'units', y='is_positive', stratum='stratum_name', by=[['case_name']]
    ) | indent(4) }}

),

published as (

    select
        case_name,
        cast(estimate as double) as estimate,
        cast(std_error as double) as std_error,
        degrees_of_freedom,
        cast(interval_lower as double) as interval_lower,
        cast(interval_upper as double) as interval_upper
    from (
        values
        ('balanced', '0.08', '0.01177656977278549', 497, '0.058371340077815616', '0.10643850594658186'),
        ('rare', '0.011333333333333334', '0.007018422684272203', 297, '0.00196338177391462', '0.035292352106268174'),
        ('very rare', '0.0005', '0.0005', 498, '0.000012638451087210', '0.002783615818487358'),
        ('two', '0.305', '0.04510711027423328', 128, '0.21855345657029754', '0.4028742090397448'),
        ('wide', '0.5', '0.03595159254890834', 147, '0.42742040650407725', '0.5725795934959228')
    ) as published_values ( -- noqa: AL05
        case_name, estimate, std_error, degrees_of_freedom, interval_lower, interval_upper
    )

)

select
    published.case_name,
    estimates.estimate,
    estimates.std_error,
    estimates.degrees_of_freedom,
    estimates.interval_lower,
    estimates.interval_upper
from published
left join estimates
    on published.case_name = estimates.case_name
where
    coalesce(abs(estimates.estimate / published.estimate - 1) > 1e-10, true)
    or coalesce(abs(estimates.std_error / published.std_error - 1) > 1e-10, true)
    or coalesce(estimates.degrees_of_freedom <> published.degrees_of_freedom, true)
    or coalesce(abs(estimates.interval_lower / published.interval_lower - 1) > 1e-9, true)
    or coalesce(abs(estimates.interval_upper / published.interval_upper - 1) > 1e-9, true)
