# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing what was made under a subname: its topics, and their schemas.

For who has made the subname for a while of its own, and nobody else: what is
in the topics is gone. It blocks: for threads.
"""

from __future__ import annotations

import concurrent.futures
import logging
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from ..contract import BusError
from .faults import Faults
from .registry import Registry
from .schema_ids import by_subject
from .settings import Settings

__all__ = ["remove_topics"]

logger = logging.getLogger(__name__)

_LIMIT_S = 10.0


def remove_topics(environ: Mapping[str, str], limit_s: float = _LIMIT_S) -> list[str]:
    """Remove all topics of the subname that an environment names, and their schemas.

    Parameters
    ----------
    environ
        Where settings are read from.
    limit_s
        How long broker and registry may take for an answer each.

    Returns
    -------
    list
        Names of the topics that are left, because the broker would not remove them.

    Raises
    ------
    BusError
        If the broker does not answer, or the registry does not or refuses;
        what was asked before has been done.
    """
    settings = Settings.from_environment(environ)
    faults = Faults(settings.broker, logging.DEBUG)
    own = {"error_cb": faults.note}
    admin = settings.make(lambda conf: AdminClient(conf, logger=logger), settings.common, own)
    try:
        there = admin.list_topics(timeout=limit_s).topics
    except KafkaException as error:
        raise BusError(f"{faults.away()}; its topics were not looked at: {error.args[0].str()}") from error
    names = [name for name in there if name.startswith(settings.topic_prefix)]
    if not names:
        return []
    asked = admin.delete_topics(names, operation_timeout=limit_s, request_timeout=limit_s)
    concurrent.futures.wait(asked.values(), 2 * limit_s)
    gone = {name: _is_gone(name, future) for name, future in asked.items()}
    Registry(settings.registry).remove(by_subject({name: None for name in names if gone[name]}), limit_s)
    return [name for name in names if not gone[name]]


def _is_gone(name: str, future: concurrent.futures.Future[None]) -> bool:
    if not future.done():
        return False
    error = future.exception()
    if error is None:
        return True
    if not isinstance(error, KafkaException):
        raise error
    if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return True
    logger.warning("topic %s cannot be removed: %s", name, error.args[0].str())
    return False
