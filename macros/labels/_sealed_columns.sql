{#- What an item and an answer say, for the fingerprint that is recorded when they are first met. Of an answer not what is known of
its delivery alone (file, cost, currency, lead time, confidence): that may be mended without another figure. -#}

{% macro _item_fingerprint() -%}
    {{ prevalence._row_fingerprint([
        'item_id', 'unit_token', 'unit_type', 'unit_id', 'unit_key', 'unit_date', 'item_schema', 'item_hash', 'components',
        'component_count', 'media_count', 'text_characters'
    ]) }}
{%- endmacro %}

{% macro _answer_fingerprint(relation) -%}
    {%- set values = [prevalence._exact_time(relation ~ '.submitted_at')] -%}
    {%- for name in [
        'item_id', 'item_hash', 'policy_id', 'policy_version', 'label_protocol_id', 'source', 'rater_id', 'judge_id', 'pool',
        'decision', 'rule_ids', 'component_refs', 'outcome', 'supersedes_event_id'
    ] -%}
        {%- do values.append(relation ~ '.' ~ name) -%}
    {%- endfor -%}
    {{ prevalence._row_fingerprint(values) }}
{%- endmacro %}
