{#- Fails for each row for which a condition on its columns does not hold, or is null. -#}
{% test row_expression(model, expression) %}

select *
from {{ model }}
where not coalesce({{ expression }}, false)

{% endtest %}
