{#- Fails for each row whose value lies outside [minimum, maximum], or is not greater than `above`. Null passes. -#}
{% test value_in_range(model, column_name, minimum=none, maximum=none, above=none) %}

select {{ column_name }}
from {{ model }}
where
    {{ column_name }} is not null
    and not (
        true
        {%- if minimum is not none %} and {{ column_name }} >= {{ minimum }}{% endif -%}
        {%- if maximum is not none %} and {{ column_name }} <= {{ maximum }}{% endif -%}
        {%- if above is not none %} and {{ column_name }} > {{ above }}{% endif %}
    )

{% endtest %}
