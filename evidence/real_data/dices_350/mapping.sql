-- Conversations as interactions whose turns are the components, in order. The set has no times, users or countries: one
-- nominal day stands for it all. Variables: source (the folder of the set), target (the folder of raw tables).
copy (
    select
        interactions.interaction_id,
        interactions.surface,
        timestamp '2023-01-01 12:00:00' as occurred_at,
        cast(null as varchar) as user_id,
        cast(null as varchar) as session_id,
        cast(null as varchar) as country,
        cast(null as timestamp) as received_at,
        cast(null as varchar) as client_stream_id,
        cast(null as bigint) as client_sequence,
        cast(null as varchar) as app_version,
        cast(null as varchar) as experiment_id,
        cast(null as varchar) as experiment_arm
    from read_parquet(getvariable('source') || '/interactions.parquet') as interactions
    order by interactions.interaction_id
) to (getvariable('target') || '/interactions.parquet') (format parquet);

copy (
    select
        components.interaction_id,
        components.position - 1 as position,
        components.component_type,
        components.content_id,
        components.text,
        cast(null as varchar) as uri,
        cast(null as varchar) as media_hash,
        cast(null as boolean) as was_viewed
    from read_parquet(getvariable('source') || '/components.parquet') as components
    order by components.interaction_id, components.position
) to (getvariable('target') || '/components.parquet') (format parquet);

copy (
    select *
    from (
        values
            ('unsafe_response', 'dices-350', 'Unsafe response')
    ) as policies (policy_id, policy_version, title)
) to (getvariable('target') || '/policies.parquet') (format parquet);

-- Experts on a plain random sample: the set has 123 raters for each conversation, but no judge.
copy (
    select *
    from (
        values
            (
                'conversations_experts', 'interaction', 'simple_random', cast(150 as bigint),
                cast(null as double), cast(null as bigint), cast(null as double)
            )
    ) as plans (plan_id, unit_type, design, expected_units, defence_share, audit_units, audit_floor)
) to (getvariable('target') || '/sampling_plans.parquet') (format parquet);
