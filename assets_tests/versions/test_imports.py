"""Looking at versions needs no Dagster: only what builds imports it, when it builds."""

from __future__ import annotations

import subprocess
import sys


def test_the_functions_on_versions_load_without_dagster() -> None:
    names = (
        "branches", "ci", "compare", "erasure_report", "forgetting", "lineage", "releases", "reproduce",
        "summary", "trail", "upkeep",
    )  # fmt: skip
    imports = ", ".join(f"headwater.versions.{name}" for name in names)
    code = f"import sys, {imports}; print('dagster' in sys.modules, 'torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False False"
