# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several files as one configuration: a later one goes before an earlier one.

A list or a value of a later file replaces that of an earlier one. Groups and
capacities are put together name by name: were they replaced as a whole, a
group that is left out would turn into a component of that name, and scripts
would run together that must not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import yaml

from ..resources import schema_path
from .documents import Document, Key
from .faults import ConfigurationError, Fault

if TYPE_CHECKING:
    import jsonschema

__all__ = ["Merged", "merge"]

_SLOT_NAME = "a letter, then letters, digits, _ - and ., at most 50 in all"


@dataclass(frozen=True, slots=True)
class Merged:
    """What several files say together.

    Attributes
    ----------
    data
        What they say; fits the schema.
    sources
        From which document a key comes that is not the first document's.
    first
        The first document.
    """

    data: Mapping[str, Any]
    sources: Mapping[Key, Document]
    first: Document

    def fault(self, key: Key, text: str) -> Fault:
        """Something wrong at a key."""
        lengths = range(min(len(key), 2), 0, -1)
        document = next(
            (self.sources[key[:length]] for length in lengths if key[:length] in self.sources), self.first
        )
        return document.fault(key, text)


def merge(documents: Iterable[Document]) -> Merged:
    """Put files together, each of which must fit the schema.

    Raises
    ------
    ConfigurationError
        If one does not; all that is wrong is named.
    """
    # Not cheap to import, and a service imports this before it reads a file.
    import jsonschema

    documents = list(documents)
    schema = yaml.safe_load(schema_path("configuration.yaml").read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    faults = [
        document.fault(key, text)
        for document in documents
        for problem in validator.iter_errors(document.data)
        for key, text in _in_words(problem)
    ]
    if faults:
        raise ConfigurationError(faults)
    data: dict[str, Any] = {}
    sources: dict[Key, Document] = {}
    for document in documents:
        for name, value in document.data.items():
            if isinstance(value, dict) and isinstance(data.get(name), dict):
                data[name] = {**data[name], **value}
                sources.update({(name, inner): document for inner in value})
            else:
                data[name] = value
                sources[(name,)] = document
    return Merged(data, sources, documents[0])


def _in_words(problem: jsonschema.ValidationError) -> list[tuple[Key, str]]:
    key = tuple(problem.absolute_path)
    if problem.validator == "additionalProperties":
        known = list(cast(dict[str, Any], problem.schema)["properties"])
        unknown = [name for name in cast(dict[str, Any], problem.instance) if name not in known]
        return [((*key, name), f"is no key here; there are {', '.join(known)}") for name in unknown]
    if problem.validator == "pattern":
        return [(key, f"{problem.instance!r} is no name of a slot: {_SLOT_NAME}")]
    return [(key, problem.message)]
