from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from headwater.curate.dedup import Deduplicate
from headwater.curate.dedup.find import Duplicates, find_duplicates
from headwater.curate.dedup.known import KnownPairs


def find_in(
    scratch: Path,
    texts: Sequence[str],
    attributes: Sequence[dict[str, str]] | None = None,
    ranks: Sequence[int] | None = None,
    *,
    batch: int = 7,
    known: pa.Table | None = None,
    asked: list[int] | None = None,
    **settings: object,
) -> Duplicates:
    """Find the duplicates of `texts` in batches; `asked` is given the documents whose texts were needed."""
    dedup = Deduplicate.model_validate(settings)
    parts = [slice(start, start + batch) for start in range(0, len(texts), batch)]
    fields = [json.dumps(one) for one in attributes or [{}] * len(texts)]
    places = np.array(ranks if ranks is not None else [0] * len(texts))

    def wanted(numbers: np.ndarray) -> Iterator[tuple[int, str]]:
        for number in numbers.tolist():
            if asked is not None:
                asked.append(number)
            yield number, texts[number]

    return find_duplicates(
        dedup,
        (
            dedup.sketch(
                pa.RecordBatch.from_pydict(
                    {
                        "text": pa.array(texts[part], pa.string()),
                        "attributes": pa.array(fields[part], pa.string()),
                    }
                )
            )
            for part in parts
        ),
        (places[part] for part in parts),
        texts=wanted,
        known=KnownPairs.none() if known is None else KnownPairs(known),
        scratch=scratch,
    )


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., Duplicates]:
    """`find_in` with a scratch folder, which must be empty again afterwards."""

    def found(texts: Sequence[str], *arguments: object, **settings: object) -> Duplicates:
        result = find_in(tmp_path, texts, *arguments, **settings)
        assert not list(tmp_path.iterdir())
        return result

    return found
