# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a broker that is alone: its own controller, and nothing made without being asked for."""

from __future__ import annotations

from pathlib import Path

__all__ = ["broker_properties"]


def broker_properties(data: Path, broker: int, sasl: int, controller: int) -> str:
    """Return the text of a ``server.properties``.

    Parameters
    ----------
    data
        Where the broker keeps its topics.
    broker, sasl, controller
        Ports: the open listener, the one with user name and password, and the controller's.
    """
    open_, closed = f"PLAINTEXT://127.0.0.1:{broker}", f"SASL_PLAINTEXT://127.0.0.1:{sasl}"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"{open_},{closed},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"{open_},{closed}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": scram,
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # Checks what its users may do, as real ones do: everything, but for what an access list forbids.
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
        "super.users": "User:ANONYMOUS",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
