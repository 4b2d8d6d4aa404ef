{#- The name of an age in days as the pivot `content_age` gives it; null is unknown. -#}
{% macro _world_age_bucket(age_days) -%}
    case
        when {{ age_days }} <= 1 then '0_1_days'
        when {{ age_days }} <= 7 then '2_7_days'
        when {{ age_days }} <= 27 then '8_27_days'
        when {{ age_days }} >= 28 then '28_days_or_more'
        else 'unknown'
    end
{%- endmacro %}
