"""dbt-duckdb plugin: registers python_udfs.registry on each connection that dbt opens."""

from __future__ import annotations

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from python_udfs.registry import REGISTRY


def register(connection: DuckDBPyConnection) -> None:
    """Make every function of the registry callable from the connection's SQL, once per database instance."""
    known = {name for (name,) in connection.execute("select function_name from duckdb_functions()").fetchall()}
    for udf in REGISTRY:
        if udf.name in known:
            continue
        # without "special" a function that returns a null fails the query
        connection.create_function(
            udf.name,
            udf.arrow_function(),
            [argument_type.upper() for argument_type in udf.argument_types],
            udf.return_type.upper(),
            type="arrow",
            null_handling="special",
            side_effects=not udf.deterministic,
        )


class Plugin(BasePlugin):
    """Named in profiles.yml as `python_udfs.duckdb_plugin`."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        register(conn)
