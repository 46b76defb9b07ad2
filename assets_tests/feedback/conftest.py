"""One product for all tests of feedback; what is made of it stands in folders of its own."""

from __future__ import annotations

import pytest
from opinions import Product


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    return Product(tmp_path_factory.mktemp("opinions"))
