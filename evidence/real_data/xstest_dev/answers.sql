-- Who answers. The adjudicated label is the expert, GPT-4 the judge, the two annotators the raters. What violates is the
-- response, the second component. A policy that is about the other kind of prompt is not violated, by rule: the known
-- share of a policy is that of all turns.
create or replace temp table source_answers as
with answers as (
    select
        gold.unit_id,
        gold.policy,
        'sme' as pool,
        cast(0 as bigint) as slot,
        gold.gold_label as label
    from read_parquet(getvariable('source') || '/gold.parquet') as gold
    union all
    select
        labels.unit_id,
        labels.policy,
        case labels.labeler_type when 'llm' then 'llm' else 'bpo' end as pool,
        case labels.labeler_id when 'annotator-2' then 1 else 0 end as slot,
        labels.label
    from read_parquet(getvariable('source') || '/labels.parquet') as labels
    where labels.labeler_type in ('llm', 'human')
),

labelers as (
    select distinct
        pool,
        slot
    from answers
),

policies as (
    select distinct policy
    from answers
)

select
    interactions.interaction_id as unit_key,
    policies.policy as policy_id,
    labelers.pool,
    labelers.slot,
    coalesce(answers.label, 'non_violating') as label,
    'c1' as component_refs
from read_parquet(getvariable('source') || '/interactions.parquet') as interactions
cross join policies
cross join labelers
left join answers
    on
        interactions.interaction_id = answers.unit_id
        and policies.policy = answers.policy
        and labelers.pool = answers.pool
        and labelers.slot = answers.slot;
