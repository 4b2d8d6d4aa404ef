{{ prevalence._daily('row_date') }}

{%- set sources = {
    'interactions': 'stg_interactions_classified',
    'components': 'stg_components_classified',
    'logged_draws': 'stg_logged_draws_classified',
} %}

with

{% for source_name, model_name in sources.items() -%}
{{ source_name }} as (

    select *
    from {{ ref(model_name) }}

),

{% endfor -%}
counted_rows as (

    {% for source_name in sources -%}
    select
        '{{ source_name }}' as source_name,
        row_disposition,
        coalesce(quarantine_reason, 'none') as quarantine_reason,
        count(*) as row_count,
        {% if source_name == 'interactions' -%}
        count_if(country is null) as null_country_rows,
        count_if({{ prevalence._is_missing('user_id') }}) as null_user_rows,
        {%- else -%}
        cast(null as bigint) as null_country_rows,
        cast(null as bigint) as null_user_rows,
        {%- endif %}
        row_date
    from {{ source_name }}
    group by row_date, row_disposition, coalesce(quarantine_reason, 'none')
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}
),

final as (

    select
        source_name,
        row_disposition,
        quarantine_reason,
        cast(row_count as bigint) as row_count,
        cast(null_country_rows as bigint) as null_country_rows,
        cast(null_user_rows as bigint) as null_user_rows,
        row_date
    from counted_rows

)

select * from final
