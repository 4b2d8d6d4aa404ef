{#- The rows of a relation that the model which keeps them has not got yet, by plan and day: what is for ever is drawn, measured or
recorded once, in one piece, and never again. All rows where the model is built from nothing, as in a replay.

Arguments:
    relation: name of a relation or CTE with the columns `key`.
    key: columns of both that tell pieces apart.
    among: condition on the kept rows, where only some of them are of this kind.
-#}
{% macro _not_yet_kept(relation, key=['plan_id', 'sample_date'], among=none) -%}
{%- if flags.INTROSPECT and is_incremental() -%}
with

_kept_pieces as (

    select distinct {{ key | join(', ') }}
    from {{ this }}
    {%- if among %}
    where {{ among }}
    {%- endif %}

)

select _rows.*
from {{ relation }} as _rows
left join _kept_pieces
    on
        {% for column in key -%}
        {{ 'and ' if not loop.first }}_rows.{{ column }} = _kept_pieces.{{ column }}
        {% endfor -%}
where _kept_pieces.{{ key[0] }} is null
{%- else -%}
select * from {{ relation }}
{%- endif -%}
{%- endmacro %}
