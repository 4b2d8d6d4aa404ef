-- Published daily figures of whole samples beside what stored draws, audits and experts' own answers give, with no model, macro or stored
-- estimate of the project in between: the sum of violating exposure over the sum of exposure, each over the unit's probability. What shows
-- the same is asked about once under a version of a policy, so an answer is found by what was shown and not by the unit that it was asked for.
with answers as (
    select
        item_hash,
        policy_id,
        policy_version,
        decision
    from warehouse.raw.label_events
    where pool = 'sme' and outcome = 'ok' and label_event_id like 'answer%' and decision in ('violating', 'non_violating')
    qualify row_number() over (partition by item_hash, policy_id, policy_version order by submitted_at, label_event_id) = 1
),

labeled_units as (
    select
        audits.plan_id,
        audits.policy_id,
        audits.sample_date,
        draws.exposure / (draws.inclusion_probability * audits.audit_probability) as weighted_exposure,
        answers.decision = 'violating' as is_violating
    from warehouse.draws.draw_audits as audits
    inner join warehouse.draws.draw_units as draws
        on audits.plan_id = draws.plan_id and audits.unit_id = draws.unit_id
    inner join warehouse.draws.draw_policies as policies
        on
            audits.plan_id = policies.plan_id
            and audits.sample_date = policies.sample_date
            and audits.policy_id = policies.policy_id
    inner join (select distinct unit_type, unit_id, item_hash from warehouse.labels.label_items) as items
        on draws.unit_type = items.unit_type and draws.unit_id = items.unit_id
    inner join answers
        on
            items.item_hash = answers.item_hash
            and policies.policy_id = answers.policy_id
            and policies.policy_version = answers.policy_version
),

recomputed as (
    select
        plan_id,
        policy_id,
        sample_date,
        count(*) as labeled_units,
        sum(case when is_violating then weighted_exposure else 0 end) / sum(weighted_exposure) as prevalence
    from labeled_units
    group by plan_id, policy_id, sample_date
)

select
    published.period_start,
    published.plan_id,
    published.policy_id,
    published.release_status,
    published.prevalence,
    recomputed.prevalence as recomputed_prevalence,
    recomputed.labeled_units
from warehouse.marts.prevalence as published
left join recomputed
    on
        published.plan_id = recomputed.plan_id
        and published.policy_id = recomputed.policy_id
        and published.period_start = recomputed.sample_date
where
    published.period_type = 'day'
    and published.pivot_name = 'overall'
    and published.prevalence is not null
