{% set key = ['plan_id', 'policy_id', 'sample_date'] %}
{% set table = prevalence._replayed_tables() | selectattr('model', 'equalto', 'draw_audits') | first %}

with

-- an audit is recorded once, right after it was drawn, so that a later change of it shows
unrecorded_audits as (

    {{ prevalence._not_yet_kept(ref('draw_audits'), key=key) | indent(4) }}

),

audit_rows as (

    select
        plan_id,
        policy_id,
        sample_date,
        {{ prevalence._drawn_row_text(table) }} as row_text
    from unrecorded_audits

),

final as (

    select
        plan_id,
        policy_id,
        sample_date,
        cast(count(*) as bigint) as row_count,
        {{ prevalence._hash_sum_text('row_text', 'draw') }} as fingerprint
    from audit_rows
    group by plan_id, policy_id, sample_date

)

select {{ prevalence._in_one_file() }} * from final
