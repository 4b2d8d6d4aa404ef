-- First 13 hex digits of md5('<salt>:<key>') over 2^52, computed with Python's hashlib.
with

keys as (

    select
        unit_key,
        expected_number
    from (
        values
        ('', 1837060191054897), ('a', 3226550397547098),
        ('content-1|2026-10-05', 743383660823619), ('zażółć', 109844671140542)
    ) as known_keys (unit_key, expected_number) -- noqa: AL05

),

hashed_keys as (

    select
        unit_key,
        expected_number,
        {{ prevalence.hash_unit('unit_key', 'known answers') }} as hashed_number
    from keys

)

select
    unit_key,
    expected_number,
    hashed_number
from hashed_keys
where hashed_number <> expected_number / cast(4503599627370496 as double)
