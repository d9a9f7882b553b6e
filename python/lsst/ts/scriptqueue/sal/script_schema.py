# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit a JSON schema, in words for the person who wrote it.

``jsonschema`` is imported when it is needed, which is seldom: see
`.script_schema_proof`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .script_schema_defaults import complete
from .script_schema_proof import surely_fits

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

__all__ = ["ScriptSchema", "SchemaError"]

#: The most faults told, and the most characters of each.
MAX_FAULTS = 5
MAX_FAULT_LENGTH = 300


class SchemaError(ValueError):
    """A schema is not a JSON schema."""


class ScriptSchema:
    """The JSON schema of a script's configuration.

    Parameters
    ----------
    schema
        The schema, of the draft it names, or draft 7.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def complete(self, value: Any) -> Any:
        """Return a copy of a value with the schema's defaults filled in.

        Raises
        ------
        SchemaError
            If the schema is wrong.
        """
        return complete(value, self._schema, self._fits)

    def faults(self, value: Any) -> list[str]:
        """Return what does not fit, in words, the first few faults.

        Raises
        ------
        SchemaError
            If the schema is wrong.
        """
        if surely_fits(value, self._schema):
            return []
        from referencing.exceptions import Unresolvable

        try:
            errors = sorted(self._validator.iter_errors(value), key=lambda error: list(map(str, error.path)))
        except Unresolvable as error:
            raise SchemaError(f"its reference {error.ref!r} leads nowhere") from error
        told = [_words(error) for error in errors[:MAX_FAULTS]]
        if len(errors) > MAX_FAULTS:
            told.append(f"and {len(errors) - MAX_FAULTS} more faults")
        return told

    def _fits(self, value: Any, part: Any) -> bool:
        return surely_fits(value, part) or self._validator.evolve(schema=part).is_valid(value)

    @functools.cached_property
    def _validator(self) -> Validator:
        import jsonschema.exceptions
        from jsonschema.validators import Draft7Validator, validator_for
        from referencing.jsonschema import EMPTY_REGISTRY

        kind = validator_for(self._schema, default=Draft7Validator)
        try:
            kind.check_schema(self._schema)
        except jsonschema.exceptions.SchemaError as error:
            where = _where(error.path)
            told = error.message[:MAX_FAULT_LENGTH]
            raise SchemaError(f"{where}: {told}" if where else told) from error
        # With a registry of its own, a reference to elsewhere is not fetched.
        return kind(self._schema, registry=EMPTY_REGISTRY)


def _words(error: ValidationError) -> str:
    tell = _TELLERS.get(str(error.validator))
    told = tell(error) if tell else error.message
    where = _where(error.absolute_path)
    if len(told) > MAX_FAULT_LENGTH:
        told = f"{told[:MAX_FAULT_LENGTH]}..."
    return f"{where}: {told}" if where else told


def _where(path: Iterable[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _tell_type(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    value: Any = error.instance
    kinds = wanted if isinstance(wanted, list) else [wanted]
    hint = ""
    if "string" in kinds and isinstance(value, bool):
        hint = "; YAML reads yes, no, on and off as true and false: put it in quotes"
    elif "string" in kinds and not isinstance(value, dict | list | None):
        hint = "; put it in quotes"
    elif not {"number", "integer"}.isdisjoint(kinds) and isinstance(value, str) and "e" in value.lower():
        hint = "; YAML wants 1.0e+3 for 1e3"
    return f"{value!r:.200} is not of type {' or '.join(kinds)}{hint}"


def _tell_required(error: ValidationError) -> str:
    # There is one error for each key that is missing, and only its text names it.
    return error.message.replace(" is a required property", " is missing")


def _tell_additional(error: ValidationError) -> str:
    schema: Any = error.schema
    instance: Any = error.instance
    known = schema.get("properties", {})
    if "patternProperties" in schema:
        return error.message
    unknown = [name for name in instance if name not in known]
    there_are = f"there are {', '.join(known)}" if known else "there are none"
    return f"unknown key {', '.join(map(repr, unknown))}; {there_are}"


def _tell_alternatives(error: ValidationError) -> str:
    by_alternative: dict[Any, ValidationError] = {}
    for fault in error.context or ():
        by_alternative.setdefault(fault.schema_path[0], fault)
    if not by_alternative:
        return error.message
    return "fits none of the alternatives: " + " | ".join(map(_words, by_alternative.values()))


_TELLERS: Mapping[str, Callable[[ValidationError], str]] = {
    "type": _tell_type,
    "required": _tell_required,
    "additionalProperties": _tell_additional,
    "anyOf": _tell_alternatives,
    "oneOf": _tell_alternatives,
}
