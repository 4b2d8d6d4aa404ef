{#- A replay draws again: with the var `replay` the models of draws are built from nothing into the schema `replays`
(dbt_project.yml), by the same text and from what the warehouse holds now, and compared with what was stored. Nothing of
a replay writes to a stored draw. -#}

{#- Whether a replay is asked for the row's day and plan. -#}
{% macro _is_replayed(day, plan='plan_id') -%}
    {{ day }} >= cast('{{ var('replay_start_date') }}' as date)
        and {{ day }} < cast('{{ var('replay_end_date') }}' as date)
        {%- if var('replay_plans') %}
        and {{ plan }} in (
            {%- for each in var('replay_plans') %}'{{ dbt.escape_single_quotes(each) }}'{{ ', ' if not loop.last }}{% endfor -%}
        )
        {%- endif %}
{%- endmacro %}

{#- ` where` and the days of a replay; nothing in any other run, which takes every day that is not drawn yet. -#}
{% macro _where_replayed(day, plan='plan_id') -%}
    {%- if var('replay') -%}
    where {{ prevalence._is_replayed(day, plan) }}
    {%- endif -%}
{%- endmacro %}

{#- What is drawn for ever, per table: the model, its key within plan and day, and its other columns with their types. -#}
{% macro _replayed_tables() -%}
    {{ return([
        {
            'model': 'draw_units', 'key': ['unit_id'],
            'columns': {
                'unit_type': 'string', 'unit_key': 'string', 'design': 'string', 'stratum_number': 'bigint',
                'exposure': 'bigint', 'inclusion_probability': 'double', 'design_weight': 'double', 'is_certainty': 'boolean',
                'random_number_key': 'string', 'random_number_days': 'bigint', 'random_number_start': 'double',
                'random_number': 'double', 'draws': 'bigint', 'frame_units': 'bigint', 'frame_exposure': 'bigint',
                'maximum_weighted_exposure': 'double', 'frame_fingerprint': 'string',
            },
        },
        {
            'model': 'draw_unit_exposures', 'key': ['unit_id', 'pivot_name', 'pivot_value'],
            'columns': {'unit_type': 'string', 'exposure': 'bigint'},
        },
        {
            'model': 'draw_unit_scores', 'key': ['unit_id', 'policy_id'],
            'columns': {'unit_type': 'string', 'score_millionths': 'bigint', 'is_score_imputed': 'boolean'},
        },
        {
            'model': 'draw_user_days', 'key': ['unit_id'],
            'columns': {
                'unit_key': 'string', 'interactions_per_user_day': 'bigint', 'components_per_interaction': 'bigint',
                'interactions': 'bigint', 'sessions': 'bigint', 'components': 'bigint',
                'inclusion_probability': 'double', 'whole_probability': 'double',
                'whole_inclusion_probability': 'double', 'random_number': 'double', 'is_whole': 'boolean',
                'maximum_user_day_weight': 'double', 'maximum_session_weight': 'double',
                'maximum_interaction_weight': 'double', 'maximum_component_weight': 'double',
            },
        },
        {
            'model': 'draw_user_day_interactions', 'key': ['interaction_id'],
            'columns': {
                'user_day_id': 'string', 'unit_type': 'string', 'unit_id': 'string', 'session_id': 'string',
                'surface': 'string', 'country': 'string', 'views': 'bigint', 'components_per_interaction': 'bigint',
                'is_user_day_whole': 'boolean', 'random_number': 'double', 'user_day_inclusion_probability': 'double',
                'whole_probability': 'double', 'interaction_share': 'double', 'inclusion_probability': 'double',
                'whole_inclusion_probability': 'double',
            },
        },
        {
            'model': 'draw_user_day_components', 'key': ['interaction_id', 'position'],
            'columns': {
                'user_day_id': 'string', 'unit_type': 'string', 'unit_id': 'string', 'component_ref': 'string',
                'was_viewed': 'boolean', 'random_number': 'double', 'inclusion_probability': 'double',
            },
        },
        {
            'model': 'draw_audits', 'key': ['unit_id', 'policy_id'],
            'columns': {
                'unit_type': 'string', 'judge_is_violating': 'boolean', 'audit_probability': 'double',
                'random_number_days': 'bigint', 'random_number': 'double', 'maximum_overall_weighted_exposure': 'double', 'missed_weight': 'double',
                'judged_units': 'bigint',
            },
        },
    ]) }}
{%- endmacro %}

{#- What is recorded right after a draw, so that a later change of it shows: what is drawn from frames, and plan and policies as they were then.
What is drawn on answers comes later, a policy at a time, and has records of its own (draw_audit_records); a policy that is asked about
later, too (a backfill), and is not among the rows. -#}
{% macro _recorded_tables() -%}
    {%- set kept_of_the_day = [
        {'model': 'draw_plans', 'key': ['column_name'], 'columns': {'column_value': 'string'}},
        {
            'model': 'draw_policies', 'key': ['policy_id'],
            'columns': {'policy_version': 'string', 'title': 'string', 'importance': 'double'},
            'where': 'not coalesce(is_backfilled, false)',
        },
    ] -%}
    {{ return((prevalence._replayed_tables() | rejectattr('model', 'equalto', 'draw_audits') | list) + kept_of_the_day) }}
{%- endmacro %}

{#- A value as a text that tells it from every other, the same on every engine; null as 'null'.

Engines write doubles differently, so a double is its whole part, what is beyond it in 2^-52, and what is beyond that in
2^-104: every bit of one above 2^-52, because scaling by a power of two and taking away the whole part are exact. -#}
{% macro _exact_text(value, data_type) -%}
    {%- if data_type == 'double' -%}
        {%- set whole = 'least(greatest(' ~ value ~ ', cast(-9e15 as double)), cast(9e15 as double))' -%}
        {%- set first = '((' ~ whole ~ ' - floor(' ~ whole ~ ')) * 4503599627370496)' -%}
        {%- set second = '((' ~ first ~ ' - floor(' ~ first ~ ')) * 4503599627370496)' -%}
    coalesce(
            {% for part in [whole, first, second] -%}
            {{ "|| '+' || " if not loop.first }}cast(cast(floor({{ part }}) as bigint) as string)
            {% endfor -%}
            , 'null'
        )
    {%- else -%}
    coalesce(cast({{ value }} as string), 'null')
    {%- endif -%}
{%- endmacro %}

{#- A stored row of a table of `_replayed_tables` as one text. -#}
{% macro _drawn_row_text(table) -%}
    {%- for name in table.key -%}
    {{ "|| '|' || " if not loop.first }}{{ prevalence._exact_text(name, 'string') }}
        {% endfor -%}
    {%- for name, data_type in table.columns.items() -%}
    || '|' || {{ prevalence._exact_text(name, data_type) }}
        {% endfor -%}
{%- endmacro %}

{#- Columns of a sampling plan, with their types. -#}
{% macro _plan_columns() -%}
    {{ return({
        'unit_type': 'string', 'design': 'string', 'expected_units': 'bigint', 'policy_id': 'string',
        'score_basis': 'string', 'exposure_power': 'double', 'score_power': 'double', 'defence_share': 'double',
        'cold_defence_share': 'double', 'stratum_bounds': 'string', 'allocation': 'string',
        'minimum_stratum_units': 'bigint', 'random_number_stream': 'string', 'random_number_days': 'bigint',
        'random_number_start': 'double', 'audit_units': 'bigint',
        'audit_floor': 'double', 'interactions_per_user_day': 'bigint', 'components_per_interaction': 'bigint',
    }) }}
{%- endmacro %}

{#- Vars that decide a draw and what follows from it, with their types: each day keeps those that it was drawn under. -#}
{% macro _recorded_vars() -%}
    {{ return({'sampling_salt': 'string', 'rater_overlap_share': 'double', 'judge_missed_share': 'double'}) }}
{%- endmacro %}

{#- The value of such a var as it is now. -#}
{% macro _var_in_force(name, data_type) -%}
    {%- if data_type == 'string' -%}
    '{{ dbt.escape_single_quotes(var(name)) }}'
    {%- else -%}
    cast({{ var(name) }} as {{ data_type }})
    {%- endif -%}
{%- endmacro %}

{#- The value of such a var on a day from before it was recorded: as it is now, but for a share of missed violations that nobody has set,
whose default was 0.5 then. -#}
{% macro _var_before_records(name, data_type) -%}
    {%- if name == 'judge_missed_share' and var(name) == 1 -%}
    cast(0.5 as double)
    {%- else -%}
    {{ prevalence._var_in_force(name, data_type) }}
    {%- endif -%}
{%- endmacro %}

{#- A SELECT with a row per plan and column of it: the keys, column_name, column_value (text; null as it is).

Arguments:
    relation: name of a CTE with a row per plan.
    keys: its columns that name the row.
    columns: names and types; default: those of a sampling plan.
-#}
{% macro _plan_column_rows(relation, keys=['plan_id'], columns=none) -%}
    {% for name, data_type in (columns or prevalence._plan_columns()).items() -%}
    {{ 'union all ' if not loop.first }}select
        {{ keys | join(',\n        ') }},
        '{{ name }}' as column_name,
        {% if data_type == 'double' -%}
        -- nine places, and all of them where these are not the number
        case
            when cast(cast({{ name }} as decimal(18, 9)) as double) = {{ name }}
                then cast(cast({{ name }} as decimal(18, 9)) as string)
            else cast({{ name }} as string)
        end
        {%- else -%}
        cast({{ name }} as string)
        {%- endif %} as column_value
    from {{ relation }}
    {% endfor -%}
{%- endmacro %}

{#- The way back: a SELECT with a row per drawn plan and day, plan_id and sample_date and the columns of the plan and vars in their
types; of a day from before a var was recorded see _var_before_records. -#}
{% macro _plan_settings(plan_columns) -%}
    select
        plan_id,
        sample_date,
        {%- for name, data_type in prevalence._plan_columns().items() %}
        cast(max(case when column_name = '{{ name }}' then column_value end) as {{ data_type }}) as {{ name }},
        {%- endfor %}
        {%- for name, data_type in prevalence._recorded_vars().items() %}
        coalesce(
            cast(max(case when column_name = '{{ name }}' then column_value end) as {{ data_type }}),
            {{ prevalence._var_before_records(name, data_type) }}
        ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ plan_columns }}
    group by plan_id, sample_date
{%- endmacro %}

{#- Whether two values differ, null being a value: `is distinct from`, which the linter cannot read within a `case`. -#}
{% macro _is_other(value, other) -%}
    coalesce({{ value }} <> {{ other }}, ({{ value }} is null) <> ({{ other }} is null))
{%- endmacro %}

{#- Whether a stored value is not what is drawn again, to the last bit; weights of an audit are sums of doubles and may
differ by 10^-9 of their size. What a judge has said is part of the draw where is_judged is true (SQL). -#}
{% macro _is_drawn_otherwise(stored, again, name, is_judged) -%}
    {%- if name in ['maximum_overall_weighted_exposure', 'missed_weight'] -%}
    (
                ({{ stored }} is null) <> ({{ again }} is null)
                or abs({{ stored }} - {{ again }}) > 1e-9 * greatest(abs({{ stored }}), abs({{ again }}))
            )
    {%- elif name == 'judge_is_violating' -%}
    (
                {{ is_judged }}
                and {{ prevalence._is_other(stored, again) }}
            )
    {%- else -%}
    {{ prevalence._is_other(stored, again) }}
    {%- endif -%}
{%- endmacro %}

{#- What every stored row of a table has to hold whatever became of its frame: the condition that is broken, by the
columns that break it. -#}
{% macro _broken_rules(model) -%}
    {{ return({
        'draw_units': {
            'random_number is not the hash of random_number_key':
                prevalence._is_other(
                    'random_number', prevalence._permanent_random_number('random_number_key', 'random_number_start', 'sampling_salt')
                ),
            'design_weight is not 1 / inclusion_probability':
                prevalence._is_other('design_weight', '1 / nullif(inclusion_probability, 0)'),
            'random_number is not below inclusion_probability':
                "design = 'poisson' and not is_certainty and random_number >= inclusion_probability",
            'inclusion_probability of a certainty is not 1':
                'is_certainty and ' ~ prevalence._is_other('inclusion_probability', 'cast(1 as double)'),
        },
        'draw_user_days': {
            'random_number is not the hash of plan and user-day':
                prevalence._is_other('random_number', prevalence._whole_random_number('plan_id', 'unit_id', 'sampling_salt')),
            'is_whole is not what random_number and whole_probability say':
                prevalence._is_other('is_whole', '(random_number < whole_probability)'),
            'whole_inclusion_probability is not the product of the two':
                prevalence._is_other('whole_inclusion_probability', 'inclusion_probability * whole_probability'),
        },
        'draw_user_day_interactions': {
            'random_number is not the hash of plan, user-day and interaction':
                prevalence._is_other(
                    'random_number',
                    prevalence._interaction_random_number('plan_id', 'user_day_id', 'interaction_id', 'sampling_salt')
                ),
        },
        'draw_user_day_components': {
            'random_number is not the hash of plan, interaction and position':
                prevalence._is_other(
                    'random_number', prevalence._component_random_number('plan_id', 'interaction_id', 'position', 'sampling_salt')
                ),
        },
        'draw_audits': {
            'random_number is not the hash of plan, policy and unit':
                'random_number_days is null and ' ~ prevalence._is_other(
                    'random_number', prevalence._audit_random_number(
                        'plan_id', 'policy_id', 'unit_id', 'cast(null as bigint)', '0', '1', 'sampling_salt'
                    )
                ),
            'random_number is not below audit_probability': 'random_number >= audit_probability',
        },
    }.get(model, {})) }}
{%- endmacro %}

{#- The values of a key as one text. -#}
{% macro _row_key(columns) -%}
    {%- for name in columns -%}
    {{ " || '|' || " if not loop.first }}cast({{ name }} as string)
    {%- endfor -%}
{%- endmacro %}
