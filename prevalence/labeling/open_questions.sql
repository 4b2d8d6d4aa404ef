-- What is sent of the open assignments of one pool, in the order in which it is sent. Temp tables: open_assignments (of the warehouse),
-- asked (every question of every export), again (those that are to be asked once more), escalated (hashes of items that nobody
-- is to see again). Variables: vendor (null for a judge), most_components, is_media_cleared, seed.
create or replace temp table questions as
with outstanding as (
    select asked.*
    from asked
    anti join again
        on asked.custom_id = again.custom_id
),

earlier_asked as (
    select
        assignment_id,
        count(*) as times
    from asked
    group by assignment_id
),

judged_assignments as (
    select
        open_assignments.*,
        coalesce(earlier_asked.times, 0) as replicate,
        case
            when outstanding.assignment_id is not null then 'asked before'
            when escalated.item_hash is not null then 'escalated'
            when open_assignments.media_count > 0 and not getvariable('is_media_cleared') then 'media not screened'
            when open_assignments.component_count > getvariable('most_components') then 'too many components'
            when
                exists (
                    select 1
                    from outstanding as others
                    where
                        others.vendor = getvariable('vendor')
                        and others.item_id = open_assignments.item_id
                        and others.policy_id = open_assignments.policy_id
                )
                then 'this vendor has the item'
        end as held_back
    from open_assignments
    left join earlier_asked
        on open_assignments.assignment_id = earlier_asked.assignment_id
    left join (select distinct assignment_id from outstanding) as outstanding
        on open_assignments.assignment_id = outstanding.assignment_id
    left join (select distinct item_hash from escalated) as escalated
        on open_assignments.item_hash = escalated.item_hash
),

-- people of one vendor see an item once: its other slots are for others
first_slots as (
    select
        *,
        held_back is null
        and getvariable('vendor') is not null
        and row_number() over (
            partition by item_id, policy_id, held_back is null
            order by slot asc, purpose asc, assignment_id asc
        ) > 1 as is_another_slot
    from judged_assignments
)

-- by a hash of the question alone, so that any number of questions from the top is a random sample of them
select
    * exclude (held_back, is_another_slot),
    case when is_another_slot then 'this vendor has the item' else held_back end as held_back,
    sha256(getvariable('seed') || '|' || assignment_id) as place
from first_slots
order by place asc, assignment_id asc;
