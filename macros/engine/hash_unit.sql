{#- Map a key to the same number in [0, 1) on every engine.

The first 13 hex digits of md5('<salt>:<key>') are 52 bits, which a double holds exactly, so engines agree to the
last bit and a draw can be replayed elsewhere.

Arguments:
    key: string expression. Null gives null, which is never drawn.
    salt: literal text naming the purpose; a salt is used for one purpose only.
-#}
{% macro hash_unit(key, salt) -%}
    {{ return(adapter.dispatch('hash_unit', 'prevalence')(key, salt)) }}
{%- endmacro %}

{% macro default__hash_unit(key, salt) -%}
    {{ exceptions.raise_compiler_error("hash_unit has no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb__hash_unit(key, salt) -%}
    (cast(('0x' || substr(md5('{{ salt }}:' || {{ key }}), 1, 13)) as bigint) / cast(4503599627370496 as double))
{%- endmacro %}

{% macro spark__hash_unit(key, salt) -%}
    (cast(conv(substr(md5('{{ salt }}:' || {{ key }}), 1, 13), 16, 10) as bigint) / cast(4503599627370496 as double))
{%- endmacro %}
