-- Who answers: the log itself. A click stands in for a rare violation of the one shown item.
create or replace temp table source_answers as
select
    labels.unit_id as unit_key,
    labels.policy as policy_id,
    'sme' as pool,
    cast(0 as bigint) as slot,
    labels.label,
    'c0' as component_refs
from read_parquet(getvariable('source') || '/labels.parquet') as labels;
