-- A published figure again, by hand: sum of weight x violating exposure over sum of weight x exposure, from what was
-- drawn, who was audited and what the experts said. `--vars` name it: policy_id, policy_version (else the newest that
-- is published), plan_id, period_type, period_start.
with

figure as (

    select * from {{ ref('release_figures') }}
    where
        pivot_name = 'overall'
        and policy_id = '{{ var("policy_id", "self_harm") }}'
        and plan_id = '{{ var("plan_id", "content_days_mixture") }}'
        and period_type = '{{ var("period_type", "28_days") }}'
        and period_start = cast('{{ var("period_start", var("demo_world_start_date")) }}' as date)
    {% if var('policy_version', none) is not none -%}
    and policy_version = '{{ var("policy_version") }}'
    {% endif -%}
    qualify row_number() over (order by changed_in_release_number desc, policy_version desc) = 1

),

labeled_units as (

    select
        draws.exposure,
        draws.draws / (draws.inclusion_probability * audits.audit_probability) as weight,
        case when labels.expert_is_violating then 1 else 0 end as violates
    from figure
    inner join {{ ref('draw_units') }} as draws
        on
            figure.plan_id = draws.plan_id
            and figure.period_start <= draws.sample_date
            and figure.period_end >= draws.sample_date
    inner join {{ ref('draw_audits') }} as audits
        on
            draws.plan_id = audits.plan_id
            and draws.unit_id = audits.unit_id
            and figure.policy_id = audits.policy_id
    inner join {{ ref('fct_unit_labels') }} as labels
        on
            draws.plan_id = labels.plan_id
            and draws.unit_id = labels.unit_id
            and figure.policy_id = labels.policy_id
            and figure.policy_version = labels.policy_version
    -- a unit that the experts have not answered for says nothing, above and below the line
    where labels.expert_is_violating is not null

),

recomputed as (

    select
        sum(weight * violates * exposure) / sum(weight * exposure) as prevalence,
        count(*) as sampled_units,
        sum(violates) as positive_units
    from labeled_units

)

select
    figure.release_id,
    figure.release_status,
    figure.prevalence as published_prevalence,
    recomputed.prevalence as recomputed_prevalence,
    figure.sampled_units as published_sampled_units,
    recomputed.sampled_units as recomputed_sampled_units,
    figure.positive_units as published_positive_units,
    recomputed.positive_units as recomputed_positive_units
from figure
cross join recomputed
