"""Which document steps there are, and how a product's configuration names them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, GetJsonSchemaHandler, PlainSerializer, SerializationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from headwater.curate.step import StepSettings

STEPS: Mapping[str, str] = {
    "annotate": "headwater.curate.annotate:Annotate",
    "blocklist": "headwater.curate.blocklist:Blocklist",
    "c4_quality": "headwater.curate.c4:C4Quality",
    "decontaminate": "headwater.curate.decontaminate:Decontaminate",
    "fineweb_quality": "headwater.curate.fineweb:FineWebQuality",
    "gopher_quality": "headwater.curate.gopher:GopherQuality",
    "gopher_repetition": "headwater.curate.gopher:GopherRepetition",
    "language": "headwater.curate.language:Language",
    "license": "headwater.curate.license:License",
    "normalize": "headwater.curate.normalize:Normalize",
    "perplexity": "headwater.train.perplexity:Perplexity",
    "pii": "headwater.curate.pii:Redact",
    "quality": "headwater.curate.quality:Quality",
    "repeated": "headwater.curate.dedup.repeated:RemoveRepeated",
    "sample": "headwater.curate.sample:Sample",
    "tokens": "headwater.curate.token_count:CountTokens",
    "toxicity": "headwater.curate.toxicity:Toxicity",
}
"""Name in YAML -> where the class stands. A further step is one more line."""
DEFAULT = ("normalize", "language", "quality", "pii")
OWN = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


def step_class(name: str) -> type[StepSettings]:
    """The class of a known step, or of `package.module:Class`. Raises `ValueError` if there is none."""
    place = STEPS.get(name, name)
    module, _, attribute = place.partition(":")
    if not attribute:
        raise ValueError(
            f"unknown step {name!r}; known are: {', '.join(sorted(STEPS))}; "
            "your own is named package.module:Class"
        )
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"step {name!r} cannot be loaded: {error}") from error
    if not (isinstance(found, type) and issubclass(found, StepSettings)):
        raise ValueError(f"step {name!r} is no subclass of headwater.curate.step.StepSettings")
    return found


def step_name(step: StepSettings) -> str:
    """How configuration names the step."""
    kind = type(step)
    place = f"{kind.__module__}:{kind.__qualname__}"
    return next((name for name, known in STEPS.items() if known == place), place)


def make_step(value: Any) -> StepSettings:
    """The step that YAML describes: its name, or `{step: name, parameter: …}`.

    Raises `ValueError` that names the known steps, or (pydantic's) the parameter that is wrong.
    """
    if isinstance(value, StepSettings):
        return value
    given = {"step": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or not isinstance(given.get("step"), str):
        raise ValueError("a step is its name or a mapping {step: name, parameter: value}")
    return step_class(given["step"]).model_validate({key: given[key] for key in given if key != "step"})


def default_steps() -> tuple[StepSettings, ...]:
    """What runs when configuration names no steps."""
    return tuple(make_step(name) for name in DEFAULT)


def _dump(step: StepSettings, info: SerializationInfo) -> dict[str, Any]:
    return {"step": step_name(step), **step.model_dump(mode="json", exclude_unset=info.exclude_unset)}


class _OneOfTheSteps:
    """The JSON schema of a step: any of the known ones by name, with its own parameters."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del schema
        names = [{"type": "string", "enum": sorted(STEPS)}, {"type": "string", "pattern": OWN}]
        known = [_described(name, handler) for name in sorted(STEPS)]
        own = {"type": "object", "required": ["step"], "properties": {"step": names[1]}}
        return {"anyOf": [*names, *known, own]}


def _described(name: str, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    reference = handler(step_class(name).__pydantic_core_schema__)
    described = handler.resolve_ref_schema(reference)
    properties = {"step": {"const": name}, **described.get("properties", {})}
    return {
        **described,
        "properties": properties,
        "required": ["step", *described.get("required", [])],
    }


DocumentStep = Annotated[StepSettings, BeforeValidator(make_step), PlainSerializer(_dump), _OneOfTheSteps()]
"""A step as a field of configuration."""
