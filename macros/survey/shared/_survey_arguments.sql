{#- Checks that the estimation macros share. Each refuses while compiling, naming what is allowed and what was given. -#}

{% macro _refuse(macro_name, sentence) -%}
    {{ exceptions.raise_compiler_error(macro_name ~ ": " ~ sentence) }}
{%- endmacro %}

{% macro _check_choice(macro_name, argument, value, allowed) -%}
    {%- if value not in allowed -%}
        {{ prevalence._refuse(
            macro_name, argument ~ " must be one of " ~ allowed | join(', ') ~ "; received '" ~ value ~ "'"
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro _check_boolean(macro_name, argument, value) -%}
    {%- if value is not boolean -%}
        {{ prevalence._refuse(macro_name, argument ~ " must be true or false; received '" ~ value ~ "'") }}
    {%- endif -%}
{%- endmacro %}

{#- An SQL expression is text; `required` refuses none as well. -#}
{% macro _check_expression(macro_name, argument, value, required=false) -%}
    {%- if value is none -%}
        {%- if required -%}
            {{ prevalence._refuse(macro_name, argument ~ " is required; received none") }}
        {%- endif -%}
    {%- elif value is not string or value | trim == '' -%}
        {{ prevalence._refuse(
            macro_name, argument ~ " must be the text of an SQL expression; received '" ~ value ~ "'"
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- `unwanted`: names of arguments that were given and do not belong to this choice of `argument`. -#}
{% macro _check_not_given(macro_name, argument, value, unwanted, allowed) -%}
    {%- if unwanted | length > 0 -%}
        {{ prevalence._refuse(
            macro_name, argument ~ " '" ~ value ~ "' takes " ~ (allowed | join(', ') if allowed else 'none of these')
            ~ "; received " ~ unwanted | join(', ')
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- The design of a sample and the arguments that belong to it. `takes`: design -> names of its arguments. -#}
{% macro _check_design(macro_name, given, takes) -%}
    {{- prevalence._check_choice(macro_name, 'design', given.design, takes.keys() | list) -}}
    {%- set unwanted = [] -%}
    {%- for argument in takes.values() | sum(start=[]) | unique -%}
        {{- prevalence._check_expression(macro_name, argument, given[argument]) -}}
        {%- if given[argument] is not none and argument not in takes[given.design] -%}
            {%- do unwanted.append(argument) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- prevalence._check_not_given(macro_name, 'design', given.design, unwanted, takes[given.design]) -}}
    {%- if 'inclusion_probability' in takes[given.design] and given.inclusion_probability is none -%}
        {{ prevalence._refuse(
            macro_name, "design '" ~ given.design ~ "' requires inclusion_probability; received none"
        ) }}
    {%- endif -%}
    {%- if given.design == 'coordinated_poisson' and given.psu is none -%}
        {{ prevalence._refuse(
            macro_name, "design 'coordinated_poisson' requires psu, what has one random number; received none"
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro _lonely_psu_rules() -%}
    {{ return(['fail', 'remove', 'certainty', 'adjust', 'average']) }}
{%- endmacro %}

{% macro _check_level(macro_name, level) -%}
    {%- if level is not number or level is boolean or not 0 < level < 1 -%}
        {{ prevalence._refuse(
            macro_name, "level must be a number between 0 and 1, such as 0.95; received '" ~ level ~ "'"
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro _is_list(value) -%}
    {{ return(value is sequence and value is not string and value is not mapping) }}
{%- endmacro %}

{#- `by` is a list of column lists; a set may be given once, and no column may be named like one of the result. -#}
{% macro _check_by(macro_name, by, reserved) -%}
    {%- set seen = [] -%}
    {%- set spellings = {} -%}
    {%- if not prevalence._is_list(by) or by | length == 0 -%}
        {{ prevalence._refuse(
            macro_name, "by must be a list of column lists, such as [[], ['country']]; received '" ~ by ~ "'"
        ) }}
    {%- endif -%}
    {%- for columns in by -%}
        {%- if not prevalence._is_list(columns) -%}
            {{ prevalence._refuse(
                macro_name, "by must be a list of column lists, such as [[], ['country']]; received '" ~ by ~ "'"
            ) }}
        {%- endif -%}
        {%- set names = [] -%}
        {%- for column in columns -%}
            {%- if column is not string or column | trim == '' -%}
                {{ prevalence._refuse(macro_name, "by must hold column names; received '" ~ column ~ "'") }}
            {%- elif column | lower in reserved -%}
                {{ prevalence._refuse(
                    macro_name, "by must not hold a name of the result's own columns ("
                    ~ reserved | join(', ') ~ "); received '" ~ column ~ "'"
                ) }}
            {%- elif column | lower in names -%}
                {{ prevalence._refuse(macro_name, "by must name a column once in a set; received '" ~ columns ~ "'") }}
            {%- elif spellings.get(column | lower, column) != column -%}
                {#- one column to the engine, which would come out as two of the same name -#}
                {{ prevalence._refuse(
                    macro_name, "by must write a column in one way; received '" ~ column ~ "' and '"
                    ~ spellings[column | lower] ~ "'"
                ) }}
            {%- endif -%}
            {%- do spellings.update({column | lower: column}) -%}
            {%- do names.append(column | lower) -%}
        {%- endfor -%}
        {%- set key = names | sort | join(',') -%}
        {%- if key in seen -%}
            {{ prevalence._refuse(macro_name, "by must hold each set of columns once; received '" ~ by ~ "'") }}
        {%- endif -%}
        {%- do seen.append(key) -%}
    {%- endfor -%}
{%- endmacro %}

{#- The columns of all grouping sets, in the order in which they first appear. -#}
{% macro _by_columns(by) -%}
    {%- set columns = [] -%}
    {%- for grouping_set in by -%}
        {%- for column in grouping_set -%}
            {%- if column not in columns -%}
                {%- do columns.append(column) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Names of the columns that every estimation macro returns after the `by` columns, in order. -#}
{% macro _result_columns() -%}
    {{ return([
        'estimate', 'variance', 'std_error', 'degrees_of_freedom', 'sampled_units', 'positive_units',
        'unlabeled_units', 'sum_of_weights', 'effective_n', 'design_effect', 'interval_lower', 'interval_upper',
        'interval_method', 'interval_level', 'lonely_psus', 'invalid_rows', 'grouping_set', 'status'
    ]) }}
{%- endmacro %}

{#- The interval kinds, and the arguments after the estimate with which the function of each is called.

`gamma` and those of _counted_kinds need moments that not every estimator has: those of `further` are kinds of it, too. Where the two
bounds take different arguments, they are named by side. -#}
{% macro _interval_kinds(further=[]) -%}
    {%- set kinds = {
        'wald_t': ['_sv_std_error', '_sv_df'],
        'logit': ['_sv_std_error', '_sv_df'],
        'asin': ['_sv_std_error', '_sv_df'],
        'wilson': ['_sv_effective_n', '_sv_df'],
        'korn_graubard': ['_sv_effective_n', '_sv_sampled', '_sv_df'],
        'korn_graubard_trunc': ['_sv_effective_n', '_sv_sampled', '_sv_df'],
        'korn_graubard_positives': ['_sv_effective_n', '_sv_sampled', '_sv_positives_df'],
        'clopper_pearson': [],
        'likelihood': ['_sv_effective_n', '_sv_sampled', '_sv_df'],
        'wald_z': ['_sv_std_error'],
        'agresti_coull': ['_sv_effective_n', '_sv_df'],
        'jeffreys': ['_sv_effective_n', '_sv_sampled', '_sv_df']
    } -%}
    {%- set with_moments = {
        'gamma': ['_sv_certain_share', '_sv_variance', '_sv_missed_share', '_sv_effective_positives'],
        'counted': {
            'lower': [
                '_sv_counted_lower', '_sv_base_variance', '_sv_variance', '_sv_third', '_sv_event_lower',
                '_sv_event_variance_lower', '_sv_unit_lower', '_sv_event_df'
            ],
            'upper': [
                '_sv_counted_upper', '_sv_whole', '_sv_base_variance', '_sv_variance', '_sv_third', '_sv_event_upper',
                '_sv_event_variance_upper', '_sv_unit_upper', '_sv_event_df'
            ]
        }
    } -%}
    {%- do with_moments.update({'counted_mid_p': with_moments.counted, 'counted_growing': with_moments.counted}) -%}
    {%- for kind in further -%}
        {%- do kinds.update({kind: with_moments[kind]}) -%}
    {%- endfor -%}
    {{ return(kinds) }}
{%- endmacro %}

{#- The interval kinds for what was counted: with one more event, with half of one, and with half of one that grows. -#}
{% macro _counted_kinds() -%}
    {{ return(['counted', 'counted_mid_p', 'counted_growing']) }}
{%- endmacro %}

{#- Kinds that differ from another one in what its function is given: the name of the function. -#}
{% macro _interval_function(kind) -%}
    {{ return({'korn_graubard_positives': 'korn_graubard', 'counted_growing': 'counted_mid_p'}.get(kind, kind)) }}
{%- endmacro %}

{#- True when the value is finite: on both engines NaN sorts above infinity. -#}
{% macro _is_finite(expression) -%}
    abs({{ expression }}) < cast('infinity' as double)
{%- endmacro %}
