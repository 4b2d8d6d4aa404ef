#!/usr/bin/env bash
# Lints the Python, and the models: their source for DuckDB and, with PREVALENCE_TESTS=all, what dbt compiles from it for Spark (without
# layout, which belongs to the source). Needs no warehouse: DuckDB compiles in memory, Spark without a connection. Left out: generic
# tests, whose frame dbt writes, and the known answers in tests/macros, which are the macros' long expansions again.
set -euo pipefail
bin=$(cd "${PREVALENCE_BIN:-.venv/bin}" && pwd)
root=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PREVALENCE_DUCKDB_PATH=:memory: DBT_TARGET_PATH=$scratch/duckdb DBT_LOG_PATH=$scratch/logs

echo "ruff: rules and format"
"$bin/ruff" check --quiet
"$bin/ruff" format --check --quiet || { echo "Remedy: make format"; exit 1; }

echo "mypy: strict on python_udfs"
"$bin/mypy" --no-error-summary --cache-dir "$scratch/mypy"

# est_prevalence and est_changes compile to the long texts of the estimators, and take a third of the linter's time: in make test-all
limit=100000
if [ "${PREVALENCE_TESTS:-}" = all ]; then limit=200000; fi
printf '[sqlfluff]\nlarge_file_skip_byte_limit = %s\n' "$limit" > "$scratch/limit.cfg"
echo "sqlfluff, duckdb: models, tests, analyses"
"$bin/sqlfluff" lint --config "$scratch/limit.cfg" --dialect duckdb --processes 2 --disable-progress-bar --nocolor \
    models demo/raw_world demo/labelers demo/truth analyses tests/*.sql

echo "dbt parse: no deprecation"
"$bin/dbt" --no-use-colors parse --no-partial-parse --show-all-deprecations > "$scratch/parse.txt" 2>&1 || { cat "$scratch/parse.txt"; exit 1; }
if grep -qi "deprecat" "$scratch/parse.txt"; then cat "$scratch/parse.txt"; exit 1; fi

echo "dbt compile: the models' text for Spark"
for vars in '{demo_world: false}' '{demo_world: true, replay: true}'; do
    "$bin/dbt" --quiet compile --target thrift --no-introspect --no-populate-cache \
        --vars "$vars" --target-path "$scratch/spark"
done

# Spark itself parses every model in the tests; its dialect in sqlfluff is a second opinion that takes a minute and a half
if [ "${PREVALENCE_TESTS:-}" != all ]; then exit 0; fi
echo "sqlfluff, sparksql: what dbt compiled for Spark"
cd "$scratch/spark/compiled/prevalence"
find . -depth -type d -name "*.yml" -exec rm -rf {} +
rm -rf tests/macros
"$bin/sqlfluff" lint --config "$root/pyproject.toml" --templater raw --dialect sparksql --processes 2 \
    --disable-progress-bar --nocolor --exclude-rules layout,AM04,RF04,ST06 .
