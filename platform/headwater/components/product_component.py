"""What the components of a product share: attributes checked at load, the product's name, its assets."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field

from headwater.components.assets import Asset, build_assets

PRODUCT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class ProductAttributes(BaseModel):
    """Attributes that every component of a product takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str = Field(
        default="team:data",
        pattern=r"^(team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+)$",
        description="Who answers for the assets: team:<name> or an e-mail address",
    )


class ProductComponent(dg.Component):
    """A part of a product's chain. The product is named by the folder of its `defs.yaml`."""

    attributes_model: ClassVar[type[ProductAttributes]]

    def __init__(self, product: str, attributes: ProductAttributes) -> None:
        if not PRODUCT_NAME.fullmatch(product):
            raise dg.DagsterInvalidDefinitionError(
                f"the folder of a product must be named like {PRODUCT_NAME.pattern}, found {product!r}"
            )
        self.product = product
        self.attributes = attributes

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """The attributes that `defs.yaml` may hold."""
        return cls.attributes_model

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the component for the product whose folder holds the `defs.yaml`."""
        given = {} if attributes is None else attributes.model_dump(exclude_unset=True, mode="json")
        resolved: Any = context.resolution_context.at_path("attributes").resolve_value(given)
        return cls(context.path.name, cls.attributes_model.model_validate(resolved))

    @abstractmethod
    def assets(self) -> Sequence[Asset]:
        """The assets of this part of the chain, in the order in which they are made."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002
        """What Dagster loads."""
        return self.definitions()

    def definitions(self) -> dg.Definitions:
        """The assets, and whatever else the part needs (see `extra_definitions`)."""
        return dg.Definitions.merge(
            dg.Definitions(assets=build_assets(self.assets(), owner=self.attributes.owner)),
            self.extra_definitions(),
        )

    def extra_definitions(self) -> dg.Definitions:
        """Jobs and schedules beside the assets; none unless a part has some."""
        return dg.Definitions()
