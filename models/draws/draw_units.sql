-- a plan that cannot work is refused before it draws: depends_on: {{ ref('plan_problems') }}

with

content_days as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        stratum_number,
        stratum_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty
    from {{ ref('frame_content_days') }}

),

interactions as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        stratum_number,
        stratum_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty
    from {{ ref('frame_interactions') }}

),

user_days as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        cast(0 as bigint) as stratum_number,
        expected_units as stratum_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty
    from {{ ref('frame_user_days') }}

),

plans as (

    select
        plan_id,
        coalesce(random_number_stream, plan_id) as random_number_stream,
        random_number_days,
        coalesce(random_number_start, cast(0 as double)) as random_number_start
    from {{ ref('stg_sampling_plans') }}

),

totals as (

    select
        plan_id,
        unit_date,
        unit_type,
        frame_units,
        frame_exposure,
        maximum_weighted_exposure
    from {{ ref('frame_totals') }}
    {{ prevalence._where_replayed('unit_date') }}

),

{% if flags.INTROSPECT and is_incremental() -%}
drawn_days as (

    select distinct
        plan_id,
        sample_date
    from {{ this }}

),

{% endif -%}
-- a day is drawn once: what is in this table already is never drawn again
open_days as (

    select
        totals.plan_id,
        totals.unit_date,
        totals.unit_type,
        totals.frame_units,
        totals.frame_exposure,
        totals.maximum_weighted_exposure,
        plans.random_number_stream,
        plans.random_number_days,
        plans.random_number_start
    from totals
    inner join plans
        on totals.plan_id = plans.plan_id
    {% if flags.INTROSPECT and is_incremental() -%}
    left join drawn_days
        on
            totals.plan_id = drawn_days.plan_id
            and totals.unit_date = drawn_days.sample_date
    where drawn_days.plan_id is null
    {%- endif %}

),

frame_units as (

    select
        content_days.plan_id,
        content_days.unit_id,
        content_days.unit_date,
        content_days.unit_key,
        content_days.design,
        content_days.stratum_number,
        content_days.stratum_units,
        content_days.exposure,
        content_days.size_measure,
        content_days.inclusion_probability,
        content_days.is_certainty
    from content_days

    union all

    select
        interactions.plan_id,
        interactions.unit_id,
        interactions.unit_date,
        interactions.unit_key,
        interactions.design,
        interactions.stratum_number,
        interactions.stratum_units,
        interactions.exposure,
        interactions.size_measure,
        interactions.inclusion_probability,
        interactions.is_certainty
    from interactions

    union all

    select
        user_days.plan_id,
        user_days.unit_id,
        user_days.unit_date,
        user_days.unit_key,
        user_days.design,
        user_days.stratum_number,
        user_days.stratum_units,
        user_days.exposure,
        user_days.size_measure,
        user_days.inclusion_probability,
        user_days.is_certainty
    from user_days

),

keyed_units as (

    select {{ prevalence._broadcast(['open_days']) }}
        frame_units.plan_id,
        frame_units.unit_id,
        open_days.unit_type,
        frame_units.unit_key,
        frame_units.unit_date as sample_date,
        frame_units.design,
        frame_units.stratum_number,
        frame_units.stratum_units,
        frame_units.exposure,
        frame_units.size_measure,
        frame_units.inclusion_probability,
        frame_units.is_certainty,
        {{ prevalence._random_number_key(
            'open_days.random_number_stream', 'frame_units.unit_id', 'frame_units.unit_key', 'frame_units.unit_date',
            'open_days.random_number_days'
        ) }} as random_number_key,
        open_days.random_number_days,
        open_days.random_number_start,
        open_days.frame_units,
        open_days.frame_exposure,
        open_days.maximum_weighted_exposure
    from frame_units
    inner join open_days
        on
            frame_units.plan_id = open_days.plan_id
            and frame_units.unit_date = open_days.unit_date

),

open_units as (

    select
        *,
        {{ prevalence._permanent_random_number('random_number_key', 'random_number_start') }} as random_number
    from keyed_units

),

-- what a draw is made from, in two sums that do not depend on the order of units: a frame that has changed since, in
-- any unit or probability, has others
frame_fingerprints as (

    select
        plan_id,
        sample_date,
        {{ prevalence._frame_fingerprint('random_number', 'inclusion_probability') }} as frame_fingerprint
    from open_units
    group by plan_id, sample_date

),

drawn_units as (

    {{ prevalence.draw_sample(
        'open_units', unit='unit_id', design='design', inclusion_probability='inclusion_probability',
        is_certainty='is_certainty', random_number='random_number', expected_units='stratum_units',
        by=['plan_id', 'sample_date', 'stratum_number']
    ) | indent(4) }}

),

with_replacement_units as (

    select *
    from open_units
    where design = 'pps_with_replacement'

),

repeatedly_drawn_units as (

    {{ prevalence.draw_with_replacement(
        'with_replacement_units', unit='unit_id', size='size_measure', random_number='random_number',
        expected_units='stratum_units', by=['plan_id', 'sample_date'],
        draw_number=prevalence._draw_random_number('plan_id', 'sample_date', '_number')
    ) | indent(4) }}

),

all_drawn_units as (

    select
        *,
        cast(1 as bigint) as draws
    from drawn_units

    union all

    select *
    from repeatedly_drawn_units

),

final as (

    select {{ prevalence._broadcast(['frame_fingerprints']) }}
        all_drawn_units.plan_id,
        all_drawn_units.unit_id,
        all_drawn_units.unit_type,
        all_drawn_units.unit_key,
        all_drawn_units.sample_date,
        all_drawn_units.design,
        all_drawn_units.stratum_number,
        all_drawn_units.exposure,
        all_drawn_units.inclusion_probability,
        1 / all_drawn_units.inclusion_probability as design_weight,
        all_drawn_units.is_certainty,
        all_drawn_units.random_number_key,
        all_drawn_units.random_number_days,
        all_drawn_units.random_number_start,
        all_drawn_units.random_number,
        all_drawn_units.draws,
        all_drawn_units.frame_units,
        all_drawn_units.frame_exposure,
        all_drawn_units.maximum_weighted_exposure,
        frame_fingerprints.frame_fingerprint
    from all_drawn_units
    inner join frame_fingerprints
        on
            all_drawn_units.plan_id = frame_fingerprints.plan_id
            and all_drawn_units.sample_date = frame_fingerprints.sample_date

)

select {{ prevalence._in_one_file() }} * from final
