{{ config(materialized='table') }}

with

draws as (

    select *
    from {{ ref('draw_units') }}

),

frame_days as (

    select *
    from {{ ref('frame_totals') }}

),

plans as (

    select *
    from {{ ref('frame_plans') }}

),

designs as (

    select *
    from {{ ref('designs') }}

),

interaction_days as (

    select *
    from {{ ref('day_profiles') }}
    where source_name = 'interactions'

),

weighted_draws as (

    select
        *,
        exposure / inclusion_probability as weighted_exposure
    from draws

),

drawn_sums as (

    select
        plan_id,
        sample_date,
        max(design) as design,
        count(*) as drawn_units,
        sum(draws) as draws,
        -- the frame as it was when the day was drawn, kept with each drawn unit
        max(frame_units) as frame_units_when_drawn,
        max(frame_exposure) as frame_exposure_when_drawn,
        sum(draws * weighted_exposure) as weighted_exposure,
        sum(draws / inclusion_probability) as weights,
        sum(draws / (inclusion_probability * inclusion_probability)) as squared_weights,
        sum(draws * weighted_exposure * weighted_exposure) as squared_weighted_exposure,
        sum((1 - inclusion_probability) * weighted_exposure * weighted_exposure) as poisson_variance
    from weighted_draws
    group by plan_id, sample_date

),

drawn_days as (

    select
        drawn_sums.*,
        case
            -- of draws with replacement: n / (n - 1) times the squares of what each draw adds, less their mean's
            when designs.is_with_replacement
                then
                    drawn_sums.draws / nullif(cast(drawn_sums.draws - 1 as double), 0)
                    * greatest(
                        drawn_sums.squared_weighted_exposure
                        - drawn_sums.weighted_exposure * drawn_sums.weighted_exposure / drawn_sums.draws,
                        0
                    )
            else drawn_sums.poisson_variance
        end as weighted_exposure_variance
    from drawn_sums
    left join designs
        on drawn_sums.design = designs.design

),

-- days that were drawn and have left the frame since are kept: their draw is for ever
plan_days as (

    select
        plan_id,
        unit_date as sample_date
    from frame_days

    union distinct

    select
        plan_id,
        sample_date
    from drawn_days

),

joined_days as (

    select
        plan_days.*,
        plans.unit_type,
        plans.expected_units,
        designs.is_drawn_elsewhere,
        designs.is_with_replacement,
        coalesce(drawn_days.drawn_units, 0) as drawn_units,
        coalesce(drawn_days.draws, 0) as draws,
        drawn_days.frame_units_when_drawn,
        drawn_days.frame_exposure_when_drawn,
        coalesce(drawn_days.frame_exposure_when_drawn, 0) as covered_exposure,
        drawn_days.weighted_exposure,
        drawn_days.weighted_exposure_variance,
        drawn_days.weights,
        drawn_days.squared_weights,
        coalesce(frame_days.frame_units, 0) as frame_units,
        coalesce(frame_days.frame_exposure, 0) as frame_exposure,
        coalesce(frame_days.imputed_score_exposure, 0) as imputed_score_exposure,
        interaction_days.late_share,
        interaction_days.null_user_share
    from plan_days
    left join plans
        on
            plan_days.plan_id = plans.plan_id
            and plan_days.sample_date = plans.unit_date
    left join designs
        on plans.design = designs.design
    left join drawn_days
        on
            plan_days.plan_id = drawn_days.plan_id
            and plan_days.sample_date = drawn_days.sample_date
    left join frame_days
        on
            plan_days.plan_id = frame_days.plan_id
            and plan_days.sample_date = frame_days.unit_date
    left join interaction_days
        on plan_days.sample_date = interaction_days.row_date

),

final as (

    select
        plan_id,
        sample_date,
        cast(drawn_units as bigint) as drawn_units,
        cast(frame_units_when_drawn as bigint) as frame_units_when_drawn,
        cast(frame_units as bigint) as frame_units,
        cast(frame_exposure_when_drawn as bigint) as frame_exposure_when_drawn,
        cast(frame_exposure as bigint) as frame_exposure,
        cast(frame_exposure - covered_exposure as bigint) as uncovered_exposure,
        cast(frame_exposure - covered_exposure as double)
        / nullif(cast(greatest(frame_exposure, covered_exposure) as double), 0) as uncovered_exposure_share,
        cast(imputed_score_exposure as double) / nullif(cast(frame_exposure as double), 0)
            as imputed_exposure_share,
        late_share,
        case when unit_type = 'user_day' then null_user_share end as signed_out_share,
        -- in standard deviations of a Poisson sample, which no design here exceeds
        case
            when not is_drawn_elsewhere
                then
                    (
                        cast(draws as double)
                        - cast(
                            case
                                when is_with_replacement then expected_units
                                else least(expected_units, coalesce(frame_units_when_drawn, expected_units))
                            end as double
                        )
                    ) / sqrt(nullif(cast(expected_units as double), 0))
        end as draw_deviation,
        case
            when not is_drawn_elsewhere
                then
                    -- rounded: what is left of a sum that is exact are last digits, which differ between runs
                    round(
                        (weighted_exposure - cast(frame_exposure_when_drawn as double))
                        / sqrt(nullif(weighted_exposure_variance, 0)), 9
                    )
        end as weighted_exposure_deviation,
        -- so many equal weights would vary as these do (Kish); of a handful of units nothing else is to be expected
        case when drawn_units >= 10 then round(weights * weights / nullif(squared_weights, 0), 9) end as effective_draws
    from joined_days

)

select * from final
