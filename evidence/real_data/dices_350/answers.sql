-- Who answers. The expert verdict is the expert; of the 123 raters, who all judged every conversation, two are the raters.
-- The verdict is about the last response, the last component.
create or replace temp table source_answers as
with last_components as (
    select
        interaction_id,
        'c' || (max(position) - 1) as component_ref
    from read_parquet(getvariable('source') || '/components.parquet')
    group by interaction_id
),

raters as (
    select
        labeler_id,
        row_number() over (order by labeler_id) - 1 as slot
    from read_parquet(getvariable('source') || '/labels.parquet')
    group by labeler_id
    qualify slot < 2
),

answers as (
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
        'bpo' as pool,
        raters.slot,
        labels.label
    from read_parquet(getvariable('source') || '/labels.parquet') as labels
    inner join raters on labels.labeler_id = raters.labeler_id
)

select
    answers.unit_id as unit_key,
    answers.policy as policy_id,
    answers.pool,
    answers.slot,
    answers.label,
    last_components.component_ref as component_refs
from answers
inner join last_components on answers.unit_id = last_components.interaction_id;
