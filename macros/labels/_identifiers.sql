{#- Identifiers of the labeling exchange, each a hash of what it stands for: the same question has the same id everywhere. -#}

{#- What is asked is a content or an interaction as it was shown, not the day: the same content on a later day is the same
question, and its answer is used again for as long as what is shown, the policy's version and the pool are the same. -#}
{% macro _assignment_id(unit_type, unit_key, item_hash, policy_id, policy_version, purpose, slot) -%}
    'asg_' || substr(
        {{ prevalence._sha256(
            unit_type ~ " || '|' || " ~ unit_key ~ " || '|' || " ~ item_hash ~ " || '|' || " ~ policy_id ~ " || '|' || " ~ policy_version
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
