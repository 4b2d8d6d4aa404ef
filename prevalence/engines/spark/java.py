"""Whether this machine can run Spark: a Java that is new enough, and the Python packages of the extra `spark`.

`python -m prevalence.engines.spark.java` prints what is missing and exits with 1, or prints nothing and exits with 0; with `--java`
it looks for Java alone, because packages can be installed when there is one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from prevalence.engines.settings import UserError

# Spark 4.3 is compiled for it; newer ones run it too
OLDEST_JAVA = 17
# what the extra `spark` of pyproject.toml installs: import name -> package name
PACKAGES = {"pyspark": "pyspark", "dbt.adapters.spark": "dbt-spark", "pyhive": "PyHive"}
WITHOUT = "The DuckDB side of the project works without it."
REMEDY = (
    f"Remedy: install a Java {OLDEST_JAVA} or 21 (a JRE is enough) and put it on the PATH, or set JAVA_HOME to its "
    "folder."
)
# a stub such as macOS's answers at once; an emulated or very busy machine takes seconds
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Java:
    """A Java that starts: its home folder and its feature version (17, 21; 8 for "1.8")."""

    home: Path
    version: int


def missing() -> str | None:
    """The sentence that says why Spark cannot run here and what to do, or None where it can."""
    return _missing_packages() or missing_java()


def missing_java() -> str | None:
    """The sentence that says that no Java of this machine will do, or None where one does."""
    found = _candidates()
    if not found:
        return (
            f"Spark needs Java {OLDEST_JAVA} or newer, and there is none in JAVA_HOME or on the PATH. {WITHOUT} "
            f"{REMEDY}"
        )
    newest = max(found, key=lambda java: java.version)
    if newest.version < OLDEST_JAVA:
        return (
            f"Spark needs Java {OLDEST_JAVA} or newer, and the one in {newest.home} is Java {newest.version}. "
            f"{WITHOUT} {REMEDY}"
        )
    return None


def require() -> Java:
    """The Java to run Spark with: JAVA_HOME's where that is new enough, the PATH's otherwise.

    Raises UserError with the sentence of `missing`.
    """
    sentence = missing()
    if sentence is not None:
        raise UserError(sentence)
    return next(java for java in _candidates() if java.version >= OLDEST_JAVA)


def require_packages() -> None:
    """Raise UserError where the extra `spark` is not installed; a Thrift server elsewhere needs no Java here."""
    sentence = _missing_packages()
    if sentence is not None:
        raise UserError(sentence)


def _missing_packages() -> str | None:
    absent = [package for module, package in PACKAGES.items() if not _is_installed(module)]
    if not absent:
        return None
    return (
        f"Spark needs the Python packages of the extra `spark`, and {', '.join(absent)} "
        f"{'is' if len(absent) == 1 else 'are'} not installed. {WITHOUT} Remedy: pip install -e '.[spark]' -c "
        "constraints.txt in the environment of this project."
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def _candidates() -> list[Java]:
    """The Javas that start, in the order in which they are to be taken."""
    programs = []
    home = os.environ.get("JAVA_HOME")
    if home:
        programs.append(Path(home) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        programs.append(Path(on_path))
    return [java for java in map(_ask, programs) if java is not None]


@lru_cache
def _ask(program: Path) -> Java | None:
    """What the program says of itself; None when it does not start. macOS has a `java` that only says there is none."""
    try:
        answer = subprocess.run(
            [str(program), "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_properties(answer.stdout + answer.stderr)


def parse_properties(text: str) -> Java | None:
    """`java -XshowSettings:properties -version` -> home and version; None when the text has not got both."""
    home = re.search(r"^\s*java\.home = (.+?)\s*$", text, re.MULTILINE)
    version = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", text, re.MULTILINE)
    return Java(Path(home.group(1)), int(version.group(1))) if home and version else None


def main() -> int:
    sentence = missing_java() if "--java" in sys.argv[1:] else missing()
    if sentence is not None:
        print(sentence)
    return int(sentence is not None)


if __name__ == "__main__":
    sys.exit(main())
