with

periods as (

    select * from {{ ref('periods') }}
    where anchored_to = 'recorded_date'

),

-- a warehouse of an earlier version began its periods on its first measured day, and goes on in that grid
published as (

    {{ prevalence._published_period_starts() | indent(4) }}

),

last_published as (

    select
        period_type,
        max(period_start) as period_start
    from published
    group by period_type

),

recorded as (
    {% if flags.INTROSPECT and is_incremental() %}
    select period_type from {{ this }}
    {% else %}
    select period_type from periods
    where 1 = 0
    {% endif %}
),

final as (

    select
        periods.period_type,
        coalesce(last_published.period_start, cast('{{ var("period_anchor_date") }}' as date)) as anchor_date
    from periods
    left join last_published
        on periods.period_type = last_published.period_type
    where periods.period_type not in (select recorded.period_type from recorded)

)

select {{ prevalence._in_one_file() }} * from final
