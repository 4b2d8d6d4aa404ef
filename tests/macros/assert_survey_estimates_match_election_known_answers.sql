-- Totals of the 2004 US presidential election from 40 counties drawn with probability proportional to votes, against
-- the standard errors printed in the vignette of R's survey package (28 August 2025), rounded to whole votes there.
with

counties as (

    select
        county,
        bush,
        kerry,
        nader,
        cast(40 as double) * votes / 116199105 as inclusion_probability
    from (
        values
        (1, 954764, 1670341, 0, 2625105), (2, 439242, 394752, 0, 833994), (3, 55541, 119821, 0, 175362),
        (4, 114703, 105008, 1108, 220819), (5, 152838, 110153, 1196, 264187), (6, 108126, 76938, 570, 185634),
        (7, 37322, 14862, 0, 52184), (8, 7745, 2899, 0, 10644), (9, 583774, 1389631, 0, 1973405),
        (10, 9432, 4290, 0, 13722), (11, 1182, 245, 12, 1439), (12, 32329, 12391, 189, 44909),
        (13, 171157, 116814, 1410, 289381), (14, 42739, 36174, 435, 79348), (15, 257267, 596208, 3616, 857091),
        (16, 26428, 18556, 0, 44984), (17, 764, 326, 21, 1111), (18, 172563, 162750, 0, 335313),
        (19, 4080, 871, 25, 4976), (20, 42263, 18361, 314, 60938), (21, 36279, 45402, 1930, 83611),
        (22, 31629, 15822, 0, 47451), (23, 174707, 97283, 0, 271990), (24, 69289, 99048, 0, 168337),
        (25, 93219, 245733, 0, 338952), (26, 153424, 162220, 0, 315644), (27, 11785, 8238, 70, 20093),
        (28, 110653, 65921, 699, 177273), (29, 157591, 215810, 1199, 374600), (30, 345482, 335871, 0, 681353),
        (31, 61290, 43919, 0, 105209), (32, 580553, 472320, 0, 1052873), (33, 13964, 7077, 0, 21041),
        (34, 83079, 42986, 0, 126065), (35, 49538, 19079, 885, 69502), (36, 145, 263, 7, 415),
        (37, 264757, 498782, 5374, 768913), (38, 23025, 20655, 300, 43980), (39, 52449, 48226, 459, 101134),
        (40, 10638, 5201, 229, 16068)
    ) as sampled_counties (county, bush, kerry, nader, votes) -- noqa: AL05

),
{% for candidate in ['bush', 'kerry', 'nader'] %}
{{ candidate }}_without_replacement as (

    {{ prevalence.survey_estimates(
        'counties', y=candidate, weight='1 / inclusion_probability', design='pps_without_replacement',
        inclusion_probability='inclusion_probability', total=true
    ) | indent(4) }}

),

{{ candidate }}_with_replacement as (

    {{ prevalence.survey_estimates(
        'counties', y=candidate, weight='1 / inclusion_probability', design='pps_with_replacement', total=true
    ) | indent(4) }}

),
{% endfor %}
estimates as (
    {% for candidate in ['bush', 'kerry', 'nader'] %}
    {% for design in ['without_replacement', 'with_replacement'] %}
    select
        '{{ candidate }}' as candidate,
        '{{ design }}' as design,
        estimate,
        std_error
    from {{ candidate }}_{{ design }}
    {% if design == 'without_replacement' or candidate != 'nader' %}
    union all
    {% endif %}
    {%- endfor %}
    {%- endfor %}
),

published as (

    select
        candidate,
        design,
        estimate,
        std_error
    from (
        values
        ('bush', 'without_replacement', 64518472, 2447629), ('bush', 'with_replacement', 64518472, 2671455),
        ('kerry', 'without_replacement', 51202102, 2450787), ('kerry', 'with_replacement', 51202102, 2679433),
        ('nader', 'without_replacement', 478530, 102420), ('nader', 'with_replacement', 478530, 105303)
    ) as published_values (candidate, design, estimate, std_error) -- noqa: AL05

)

select
    published.candidate,
    published.design,
    estimates.estimate,
    estimates.std_error
from published
left join estimates
    on
        published.candidate = estimates.candidate
        and published.design = estimates.design
where
    coalesce(abs(estimates.estimate - published.estimate) > 1, true)
    or coalesce(abs(estimates.std_error - published.std_error) > 1, true)
