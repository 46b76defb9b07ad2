"""What can be known about docker/ without an engine; each module looks at one thing, says what is wrong."""

from __future__ import annotations
