{#- Rows of the ledger as it is stored, with null for a column that it has not got yet: it gets it with the next release.

Arguments:
    ledger: the relation.
    columns: names of the columns to return, beside release_number, release_status and row_fingerprint.
-#}
{% macro _published_rows(ledger, columns) -%}
{%- set stored = adapter.get_columns_in_relation(ledger) | map(attribute='name') | map('lower') | list -%}
{%- set types = {'policy_version': 'string', 'interval_caution': 'string', 'period_end': 'date'} -%}
select
    release_number,
    release_status,
    row_fingerprint
    {%- for column in columns %},
    {{ column if column in stored else 'cast(null as ' ~ types.get(column, 'bigint') ~ ') as ' ~ column }}
    {%- endfor %}
from {{ ledger }}
{%- endmacro %}
