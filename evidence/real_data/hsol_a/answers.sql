-- Who answers. The published majority class is the expert. The source gives a tweet's crowd judgements as counts without
-- names, listed by class: in the order of a hash, the first stands in for the judge and the next two for the raters.
create or replace temp table source_answers as
select
    gold.unit_id as unit_key,
    gold.policy as policy_id,
    'sme' as pool,
    cast(0 as bigint) as slot,
    gold.gold_label as label,
    'c0' as component_refs
from read_parquet(getvariable('source') || '/gold.parquet') as gold
union all
select
    judgements.unit_id as unit_key,
    judgements.policy as policy_id,
    case when judgements.place = 1 then 'llm' else 'bpo' end as pool,
    greatest(judgements.place - 2, 0) as slot,
    judgements.label,
    'c0' as component_refs
from (
    select
        labels.unit_id,
        labels.policy,
        labels.label,
        row_number() over (
            partition by labels.unit_id, labels.policy
            order by md5(labels.labeler_id), labels.labeler_id
        ) as place
    from read_parquet(getvariable('source') || '/labels.parquet') as labels
) as judgements
where judgements.place <= 3;
