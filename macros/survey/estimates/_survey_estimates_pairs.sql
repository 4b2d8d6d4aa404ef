
{#- CTEs _sv_pairs to _sv_pair_sums, made of _sv_psus and the joint probabilities of their pairs: PSUs with what their
pairs give them (_sv_paired_psus), and per domain and stratum the sums of products of residuals over pairs.

The Horvitz-Thompson variance is the sum of q z^2 over PSUs and of 2 D z z' over pairs, with D = 1 - pi pi' / pi(pair);
in the Yates-Grundy variance minus the sum of D over the pairs of the PSU takes the place of q. Pairs of different
strata are drawn independently, so D is 0. A PSU without all its pairs has missing ones, and its stratum no figures.

`spec`: _survey_estimates_spec.sql
-#}
{% macro _survey_estimates_pairs(spec) -%}
_sv_pairs as (

    select
        _sv_first._sv_stratum,
        _sv_first._sv_psu as _sv_psu_1,
        _sv_second._sv_psu as _sv_psu_2,
        1 - (1 - _sv_first._sv_f) * (1 - _sv_second._sv_f) / cast(_sv_joint.joint_probability as double) as _sv_d
    from {{ spec.joint_probabilities }} as _sv_joint
    inner join _sv_psus as _sv_first
        on
            _sv_joint.psu_1 = _sv_first._sv_psu
            and _sv_first._sv_set = 0
    inner join _sv_psus as _sv_second
        on
            _sv_joint.psu_2 = _sv_second._sv_psu
            and _sv_first._sv_stratum = _sv_second._sv_stratum
            and _sv_second._sv_set = 0
    where
        _sv_joint.psu_1 <> _sv_joint.psu_2
        and _sv_joint.joint_probability > 0
        and _sv_joint.joint_probability <= 1

),

_sv_pair_ends as (

    select
        _sv_stratum,
        _sv_psu_1 as _sv_psu,
        _sv_psu_2 as _sv_other,
        _sv_d
    from _sv_pairs
    union all
    select
        _sv_stratum,
        _sv_psu_2 as _sv_psu,
        _sv_psu_1 as _sv_other,
        _sv_d
    from _sv_pairs

),

_sv_pairs_of_psus as (

    select
        _sv_stratum,
        _sv_psu,
        count(*) as _sv_pair_ends,
        count(distinct _sv_other) as _sv_others,
        sum(_sv_d) as _sv_d
    from _sv_pair_ends
    group by _sv_stratum, _sv_psu

),

_sv_paired_psus as (

    select
        _sv_psus.*,
        {% if spec.variance_method == 'horvitz_thompson' -%}
        _sv_psus._sv_f
        {%- else -%}
        -coalesce(_sv_pairs_of_psus._sv_d, 0)
        {%- endif %} as _sv_square_factor,
        case
            when
                count(*) over (partition by _sv_psus._sv_set, _sv_psus._sv_stratum) - 1
                = coalesce(_sv_pairs_of_psus._sv_others, 0)
                and coalesce(_sv_pairs_of_psus._sv_pair_ends, 0) = coalesce(_sv_pairs_of_psus._sv_others, 0)
                then 0
            else 1
        end as _sv_missing_pairs
    from _sv_psus
    left join _sv_pairs_of_psus
        on
            _sv_psus._sv_stratum = _sv_pairs_of_psus._sv_stratum
            and _sv_psus._sv_psu = _sv_pairs_of_psus._sv_psu

),

_sv_pair_sums as (

    select
        {{ prevalence._columns_of('_sv_first', spec.domain + ['_sv_stratum']) }},
        sum(2 * _sv_pairs._sv_d * _sv_first._sv_a * _sv_second._sv_a) as _sv_paa,
        sum(_sv_pairs._sv_d * (_sv_first._sv_a * _sv_second._sv_b + _sv_first._sv_b * _sv_second._sv_a)) as _sv_pab,
        sum(2 * _sv_pairs._sv_d * _sv_first._sv_b * _sv_second._sv_b) as _sv_pbb
    from _sv_pairs
    inner join _sv_psus as _sv_first
        on
            _sv_pairs._sv_stratum = _sv_first._sv_stratum
            and _sv_pairs._sv_psu_1 = _sv_first._sv_psu
    inner join _sv_psus as _sv_second
        on
            _sv_pairs._sv_stratum = _sv_second._sv_stratum
            and _sv_pairs._sv_psu_2 = _sv_second._sv_psu
            and {{ prevalence._sv_same(spec.domain, '_sv_first', '_sv_second') }}
    group by
        {{ prevalence._columns_of('_sv_first', spec.domain + ['_sv_stratum']) }}

),
{%- endmacro %}
