-- One day of a small world's logs, the same on every run. Variables: `day` and `first_day` (dates), `interactions` (how many),
-- `policies` (all that a text can break), `scored_policies` (those that there are scores of) and `scores_version`. A content lives for ten days; which policies it breaks is written in its text, where simulated labelers read it.
create or replace temp table day_interactions as
select
    'i_' || strftime(getvariable('day'), '%Y%m%d') || '_' || n as interaction_id,
    case when n % 3 = 0 then 'search' else 'feed' end as surface,
    cast(getvariable('day') as timestamp) + to_minutes(cast(10 + n * 1400 / getvariable('interactions') as integer)) as occurred_at,
    'u_' || (md5_number_lower('u' || n || getvariable('day')) % 40) as user_id,
    's_' || strftime(getvariable('day'), '%Y%m%d') || '_' || (n % 20) as session_id,
    case when n % 4 = 0 then 'BR' else 'DE' end as country,
    cast(null as timestamp) as received_at,
    cast(null as varchar) as client_stream_id,
    cast(null as bigint) as client_sequence,
    cast(null as varchar) as app_version,
    cast(null as varchar) as experiment_id,
    cast(null as varchar) as experiment_arm
from range(getvariable('interactions')) as numbers (n);

create or replace temp table day_contents as
with numbers as (
    select
        n,
        -- each content's ten days begin on a day of its own
        cast(floor((date_diff('day', getvariable('first_day'), getvariable('day')) + n % 10) / 10.0) as bigint) as life
    from range(60) as numbers (n)
)

select
    n as place,
    'c_' || n || '_' || life as content_id
from numbers;

create or replace temp table day_violations as
select
    contents.content_id,
    policies.policy_id,
    md5_number_lower(contents.content_id || policies.policy_id) % 100 < 12 as is_violating
from day_contents as contents
cross join (select unnest(getvariable('policies')) as policy_id) as policies;

create or replace temp table day_components as
with shown as (
    select
        interactions.interaction_id,
        positions.p as position,
        md5_number_lower(interactions.interaction_id || positions.p) % 60 as place
    from day_interactions as interactions
    cross join range(2) as positions (p)
),

broken as (
    select
        content_id,
        coalesce(string_agg(policy_id, ' ' order by policy_id) filter (where is_violating), 'none') as policies
    from day_violations
    group by content_id
)

select
    shown.interaction_id,
    shown.position,
    case when shown.position = 0 then 'query' else 'response' end as component_type,
    contents.content_id,
    'text of ' || contents.content_id || ' breaks: ' || broken.policies || '.' as text,
    cast(null as varchar) as uri,
    cast(null as varchar) as media_hash,
    true as was_viewed
from shown
inner join day_contents as contents
    on shown.place = contents.place
inner join broken
    on contents.content_id = broken.content_id;

create or replace temp table day_scores as
select
    content_id,
    policy_id,
    getvariable('scores_version') as model_version,
    case
        when is_violating then 0.3 + 0.6 * (md5_number_lower('s' || content_id) % 1000) / 1000.0
        else 0.5 * (md5_number_lower('s' || content_id) % 1000) / 1000.0
    end as score,
    cast(getvariable('day') as timestamp) as scored_at
from day_violations
where list_contains(getvariable('scored_policies'), policy_id);
