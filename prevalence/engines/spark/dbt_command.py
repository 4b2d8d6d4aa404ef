"""`prevalence dbt ...`: dbt in this process; for target `session` with a Spark session that has the functions."""

from __future__ import annotations

import argparse
import os
import sys

from prevalence.engines.settings import Settings
from prevalence.engines.spark import java

# dbt's own exit codes: nodes failed, dbt could not do its work
EXIT_FAILED = 1
EXIT_ERROR = 2


def run(settings: Settings, arguments: list[str]) -> int:
    """dbt's exit code. Raises UserError when the target needs Spark and that cannot run or does not start."""
    target = target_of(arguments, settings.engine)
    if target == "session":
        from prevalence.engines.spark.session import start_session

        start_session(settings)
    elif target == "thrift":
        java.require_packages()
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke(arguments)
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise KeyboardInterrupt
    if outcome.success:
        return 0
    if isinstance(outcome.exception, DbtUsageException):  # the one kind that dbt does not print itself
        print(outcome.exception, file=sys.stderr)
    if target == "thrift":
        _say_when_nobody_listens()
    return EXIT_FAILED if outcome.exception is None else EXIT_ERROR


def target_of(arguments: list[str], default: str) -> str:
    """The output of profiles.yml that dbt will take, from its arguments, its environment, or `default`."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-t", "--target")
    try:
        target = parser.parse_known_args(arguments)[0].target
    except argparse.ArgumentError:  # an option without its value: dbt has the better sentence for it
        target = None
    return target or os.environ.get("DBT_TARGET") or default


def _say_when_nobody_listens() -> None:
    from prevalence.engines.spark import cluster

    port = int(os.environ.get(cluster.THRIFT_PORT) or cluster.DEFAULT_THRIFT_PORT)
    if os.environ.get("PREVALENCE_THRIFT_HOST", cluster.HOST) == cluster.HOST and not cluster.is_taken(port):
        print(f"No Thrift server listens on {cluster.HOST}:{port}. Remedy: `prevalence spark start`.")
