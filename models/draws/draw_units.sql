with

units as (

    select * from {{ ref('frame_units') }}

),

user_days as (

    select
        *,
        cast(0 as bigint) as stratum_number,
        expected_units as stratum_units
    from {{ ref('frame_user_days') }}

),

plans as (

    select
        plan_id,
        unit_date,
        -- a plan that was renamed keeps its random numbers
        coalesce(random_number_stream, series_id) as random_number_stream,
        random_number_days,
        coalesce(random_number_start, cast(0 as double)) as random_number_start,
        sampling_salt
    from {{ ref('frame_plans') }}

),

designs as (

    select * from {{ ref('designs') }}

),

totals as (

    select
        *,
        unit_date as sample_date
    from {{ ref('frame_totals') }}
    {{ prevalence._where_replayed('unit_date') }}

),

{% if var('replay') -%}
-- what was drawn is drawn again, whatever has been found wrong with its plan or day since
drawn_days as (

    select distinct
        plan_id,
        sample_date
    from {{ source('earlier_draws', 'draw_plans') }}

),
{%- else -%}
-- a plan that cannot work draws nothing, a day that is cut short or a frame that is broken is not drawn until it is
-- mended; all others are
held_plan_days as (

    select distinct
        plan_id,
        unit_date as sample_date
    from {{ ref('held_plan_days') }}

),
{%- endif %}

undrawn_days as (

    {{ prevalence._not_yet_kept('totals') | indent(4) }}

),

open_days as (

    select
        undrawn_days.plan_id,
        undrawn_days.sample_date,
        undrawn_days.unit_type,
        undrawn_days.frame_units,
        undrawn_days.frame_exposure,
        undrawn_days.maximum_weighted_exposure,
        plans.random_number_stream,
        plans.random_number_days,
        plans.random_number_start,
        plans.sampling_salt
    from undrawn_days
    inner join plans
        on
            undrawn_days.plan_id = plans.plan_id
            and undrawn_days.sample_date = plans.unit_date
    {% if var('replay') -%}
    inner join drawn_days
        on
            undrawn_days.plan_id = drawn_days.plan_id
            and undrawn_days.sample_date = drawn_days.sample_date
    {%- else -%}
    left join held_plan_days
        on
            undrawn_days.plan_id = held_plan_days.plan_id
            and undrawn_days.sample_date = held_plan_days.sample_date
    where held_plan_days.plan_id is null
    {%- endif %}

),

all_units as (

    {% for relation in ['units', 'user_days'] -%}
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
    from {{ relation }}

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

keyed_units as (

    select {{ prevalence._broadcast(['open_days', 'designs']) }}
        open_days.*,
        designs.drawn_by,
        designs.is_with_replacement,
        all_units.unit_id,
        all_units.unit_key,
        all_units.design,
        all_units.stratum_number,
        all_units.stratum_units,
        all_units.exposure,
        all_units.size_measure,
        all_units.inclusion_probability,
        all_units.is_certainty,
        {{ prevalence._random_number_key(
            'open_days.random_number_stream', 'all_units.unit_id', 'all_units.unit_key', 'all_units.unit_date',
            'open_days.random_number_days', 'open_days.sampling_salt'
        ) }} as random_number_key
    from all_units
    inner join open_days
        on
            all_units.plan_id = open_days.plan_id
            and all_units.unit_date = open_days.sample_date
    inner join designs
        on all_units.design = designs.design

),

open_units as (

    select
        *,
        {{ prevalence._permanent_random_number('random_number_key', 'random_number_start', 'sampling_salt') }}
            as random_number
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
        'open_units', unit='unit_id', design='drawn_by', inclusion_probability='inclusion_probability',
        is_certainty='is_certainty', random_number='random_number', expected_units='stratum_units',
        by=['plan_id', 'sample_date', 'stratum_number']
    ) | indent(4) }}

),

with_replacement_units as (

    select *
    from open_units
    where is_with_replacement

),

repeatedly_drawn_units as (

    {{ prevalence.draw_with_replacement(
        'with_replacement_units', unit='unit_id', size='size_measure', random_number='random_number',
        expected_units='stratum_units', by=['plan_id', 'sample_date', 'sampling_salt'],
        draw_number=prevalence._draw_random_number('plan_id', 'sample_date', '_number', 'sampling_salt')
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
