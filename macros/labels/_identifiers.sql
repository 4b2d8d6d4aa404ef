{#- Identifiers of the labeling exchange, each a hash of what it stands for: the same task has the same id everywhere. -#}

{% macro _assignment_id(item_hash, item_id, policy_id, policy_version, purpose, slot) -%}
    'asg_' || substr(
        {{ prevalence._sha256(
            item_id ~ " || '|' || " ~ item_hash ~ " || '|' || " ~ policy_id ~ " || '|' || " ~ policy_version
            ~ " || '|' || " ~ purpose ~ " || '|' || cast(" ~ slot ~ " as string)"
        ) }}, 1, 20
    )
{%- endmacro %}

{% macro _label_protocol_id(policy_id, policy_version, pool) -%}
    'lp_' || substr(
        {{ prevalence._sha256(policy_id ~ " || '|' || " ~ policy_version ~ " || '|' || " ~ pool) }}, 1, 16
    )
{%- endmacro %}

{#- What can be asked of an item: the judge once, an expert once, two raters who do not see each other's answers. -#}
{% macro _assignment_slots() -%}
    select
        'primary' as purpose,
        'llm' as pool,
        cast(0 as bigint) as slot
    union all
    select
        'audit' as purpose,
        'sme' as pool,
        cast(0 as bigint) as slot
    union all
    select
        'overlap' as purpose,
        'bpo' as pool,
        cast(0 as bigint) as slot
    union all
    select
        'overlap' as purpose,
        'bpo' as pool,
        cast(1 as bigint) as slot
{%- endmacro %}
