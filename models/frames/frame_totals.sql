{{ prevalence._daily('unit_date') }}

with

units as (

    select * from {{ ref('frame_units') }}

),

user_days as (

    select
        *,
        'user_day' as unit_type
    from {{ ref('frame_user_days') }}

),

all_units as (

    {% for relation in ['units', 'user_days'] -%}
    select
        plan_id,
        unit_date,
        unit_type,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_learned,
        is_score_imputed
    from {{ relation }}

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

final as (

    select
        plan_id,
        unit_date,
        unit_type,
        cast(count(*) as bigint) as frame_units,
        cast(sum(exposure) as bigint) as frame_exposure,
        cast(sum(size_measure) as bigint) as frame_size,
        max(expected_units) as expected_units,
        -- rounded, so that the order of addition cannot show
        round(sum(inclusion_probability), 9) as sum_of_inclusion_probabilities,
        min(inclusion_probability) as smallest_inclusion_probability,
        max(inclusion_probability) as largest_inclusion_probability,
        cast(count_if(is_certainty) as bigint) as certainty_units,
        case
            when bool_or(is_score_learned) then 'learned'
            when bool_or(not is_score_learned) then 'raw'
            else 'none'
        end as score_basis_used,
        cast(sum(case when is_score_imputed then exposure else 0 end) as bigint) as imputed_score_exposure,
        -- a unit that is taken with certainty cannot be missed, so it does not bound what was missed
        max(case when not is_certainty then exposure / nullif(inclusion_probability, 0) end)
            as maximum_weighted_exposure
    from all_units
    group by plan_id, unit_date, unit_type

)

select * from final
