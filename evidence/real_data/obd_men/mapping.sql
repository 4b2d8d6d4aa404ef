-- Impressions as interactions of one shown item, with their real times. The set has the two logs of one week side by side;
-- the surface tells them apart. Variables: source (the folder of the set), target (the folder of raw tables).
copy (
    select
        interactions.interaction_id,
        interactions.surface,
        timezone('UTC', interactions.event_ts) as occurred_at,
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
            ('clicked', 'obd-men', 'Clicked')
    ) as policies (policy_id, policy_version, title)
) to (getvariable('target') || '/policies.parquet') (format parquet);

-- Nothing is drawn: each log is a sample already, and its design is the one that was logged.
copy (
    select *
    from (
        values
            (
                'impressions_bts', 'interaction', 'logged', cast(null as bigint),
                cast(null as double), cast(null as bigint), cast(null as double)
            ),
            ('impressions_random', 'interaction', 'logged', null, null, null, null)
    ) as plans (plan_id, unit_type, design, expected_units, defence_share, audit_units, audit_floor)
) to (getvariable('target') || '/sampling_plans.parquet') (format parquet);

-- The logged probability of the shown item, as it is. Both plans estimate the click rate under a uniform choice.
copy (
    select
        'impressions_' || design.behavior_policy as plan_id,
        design.interaction_id,
        design.propensity_score as inclusion_probability
    from read_parquet(getvariable('source') || '/design.parquet') as design
    order by design.interaction_id
) to (getvariable('target') || '/logged_draws.parquet') (format parquet);
