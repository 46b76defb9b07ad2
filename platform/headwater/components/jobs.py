"""Names of jobs, in one place."""

from __future__ import annotations


def job_name(product: str) -> str:
    """The job that builds a whole product."""
    return f"build_{product}"
