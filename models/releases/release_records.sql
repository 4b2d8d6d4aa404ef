with

-- a release is recorded once, right after it was published, so that a later change of it shows
unrecorded_rows as (

    {{ prevalence._not_yet_kept(ref('release_ledger'), key=['release_number']) | indent(4) }}

),

release_rows as (

    select
        release_number,
        {{ prevalence._release_row_text() }} as row_text
    from unrecorded_rows

),

final as (

    select
        release_number,
        cast(count(*) as bigint) as row_count,
        {{ prevalence._hash_sum_text('row_text', 'release') }} as fingerprint
    from release_rows
    group by release_number

)

select {{ prevalence._in_one_file() }} * from final
