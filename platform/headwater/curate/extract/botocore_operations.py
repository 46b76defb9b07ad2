"""botocore's service models: one document for each operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from headwater.curate.extract.base import Document, RawFile, Refuse, Rejected
from headwater.curate.extract.html import html_text
from headwater.curate.extract.records import parse


def botocore_operations(file: RawFile) -> Iterator[Document | Rejected]:
    """The documentation of each operation of `<service>/<date>/service-2.json`, by name.

    The title is what the command line calls it: the service's folder and the operation in lower case with
    hyphens, e.g. `ec2 run-instances`.
    """
    from botocore import xform_name

    service = file.path.split("/")[0]
    model = parse(file.text())
    operations = cast("dict[str, Any]", model).get("operations") if isinstance(model, dict) else None
    if not isinstance(operations, dict):
        raise Refuse("no_operations", "the service model has no object `operations`")
    for name, operation in sorted(cast("dict[str, Any]", operations).items()):
        command = xform_name(name, "-")
        title = f"{service} {command}"
        markup = operation.get("documentation", "") if isinstance(operation, dict) else ""
        text = html_text(cast("str", markup)) if markup else ""
        if text.strip():
            attributes = {"service": service, "operation": command, "name": name}
            yield Document(f"{title}\n\n{text}", title, fragment=command, attributes=attributes)
        else:
            yield Rejected(command, "no_documentation", f"operation {name} has no documentation", title)
