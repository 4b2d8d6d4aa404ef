#!/usr/bin/env bash
# Lints the models twice: their source for DuckDB, and what dbt compiles from it for Spark (without layout, which
# belongs to the source). Needs no warehouse: DuckDB compiles in memory, Spark without a connection.
set -euo pipefail
bin=${PREVALENCE_BIN:-.venv/bin}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PREVALENCE_DUCKDB_PATH=:memory: DBT_TARGET_PATH=$scratch/duckdb DBT_LOG_PATH=$scratch/logs

"$bin/sqlfluff" lint --dialect duckdb --disable-progress-bar models workflow/demo_world labeling/simulation tests/*.sql tests/macros

for vars in '{demo_world: false}' '{demo_world: true}'; do
    "$bin/dbt" --quiet compile --target spark_compile --no-introspect --no-populate-cache \
        --vars "$vars" --target-path "$scratch/spark" --exclude "resource_type:unit_test"
done
# beside the rules, the compiled text must not hold a macro of the other engine: it has to parse
(cd "$scratch/spark/compiled/prevalence" && "$OLDPWD/$bin/sqlfluff" lint --config "$OLDPWD/pyproject.toml" \
    --templater raw --dialect sparksql --disable-progress-bar --exclude-rules layout,AM04,RF04,ST06 .)
