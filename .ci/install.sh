#!/usr/bin/env bash
# install.sh PYTHON VENV REQUIREMENT: installs this checkout into VENV, with uv where there is one, with pip otherwise.
set -euo pipefail
python=$1 venv=$2 requirement=$3
"$python" - <<'CHECK'
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(f"Python 3.11, 3.12 or 3.13 is needed, this is {sys.version.split()[0]}. Remedy: make PYTHON=python3.12 ...")
CHECK
# a set-up that was killed may have left half an environment behind
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"
echo "installing $requirement into $venv (a minute or two the first time) ..."
if command -v uv >/dev/null 2>&1; then
    # pip compiles what it installs, uv only when asked: without it, and where Python may not write (PYTHONDONTWRITEBYTECODE, as in
    # most containers), each start of the command compiles dbt and Great Expectations anew, three quarters of its imports
    uv pip install --quiet --compile-bytecode --python "$venv/bin/python" -c constraints.txt -e "$requirement"
else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$requirement"
fi
