"""The source root must stay what it is: a folder, never a package."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_source_root_does_not_shadow_the_standard_library() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert platform.python_version().startswith("3.")


def test_the_core_loads_without_dagster() -> None:
    core = (
        "headwater.lake, headwater.lake.publish, headwater.curate, headwater.sources, headwater.index, "
        "headwater.train, headwater.evaluate, headwater.serve, headwater.monitor, headwater.release, "
        "headwater.inference_log.log, headwater.inference_log.maker, headwater.feedback.maker"
    )
    heavy = "dagster torch transformers faiss peft bm25s matplotlib sacrebleu docutils"
    code = f"import sys, {core}; print(*[name for name in '{heavy}'.split() if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
