# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics that were made by somebody else, and what the broker does with old messages of theirs.

An event's topic must be compacted, so that the latest message of each key
stays for late readers; a topic of commands or acknowledgements must not be,
because then all but the latest would go. Neither stops anything at once, so
it is only warned about, and looked at when everything runs. It blocks: for
threads.
"""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from ..contract import TopicKind, TopicSpec
from .faults import Faults
from .settings import Settings

__all__ = ["check_policies"]

logger = logging.getLogger(__name__)

_LIMIT_S = 30.0
_GLANCE_S = 0.05

#: Kind of topic -> must it be compacted? Telemetry may be kept in any way.
_IS_COMPACTED = {TopicKind.EVENT: True, TopicKind.COMMAND: False, TopicKind.ACKNOWLEDGEMENT: False}


def check_policies(settings: Settings, topics: Mapping[str, TopicSpec], stop: threading.Event) -> None:
    """Warn about topics whose ``cleanup.policy`` is not what it should be.

    Parameters
    ----------
    settings
        The connection.
    topics
        Topics by the broker's name.
    stop
        Set when nobody waits for this any more.
    """
    own = {"error_cb": Faults(settings.broker, logging.DEBUG).note}
    admin = settings.make(lambda conf: AdminClient(conf, logger=logger), settings.common, own)
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in topics])
    give_up_at = time.monotonic() + _LIMIT_S
    while concurrent.futures.wait(asked.values(), _GLANCE_S).not_done:
        if stop.is_set() or time.monotonic() > give_up_at:
            return
    for resource, future in asked.items():
        try:
            policy = future.result()["cleanup.policy"].value
        except KafkaException as error:
            # Not everybody may look; that is no fault of the topic.
            logger.debug("the policy of topic %s is not known: %s", resource.name, error)
        else:
            _judge(resource.name, topics[resource.name], policy)


def _judge(name: str, topic: TopicSpec, policy: str) -> None:
    must = _IS_COMPACTED.get(topic.kind)
    if must is None or must is ("compact" in policy.split(",")):
        return
    what = "late readers may find no event" if must else "messages that nobody has read may go"
    right = "compact" if must else "delete"
    logger.warning(
        "topic %s has cleanup.policy=%s, so %s; let its administrator set it to %s", name, policy, what, right
    )
