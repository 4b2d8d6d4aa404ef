{{ config(materialized='view') }}

with

-- in a replay as they are stored: what was known when a day was drawn is recorded and not drawn
plan_columns as (

    select * from {{ source('earlier_draws', 'draw_plans') if var('replay') else ref('draw_plans') }}

),

final as (

    {{ prevalence._plan_settings('plan_columns') | indent(4) }}

)

select
    plan_id,
    sample_date,
    {{ (prevalence._plan_columns() | list + prevalence._recorded_vars() | list) | join(',\n    ') }}
from final
