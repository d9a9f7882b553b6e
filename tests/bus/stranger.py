# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that knows nothing of ours but the types of three topics."""

import os
import threading
from dataclasses import dataclass

from cyclonedds.core import Listener
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct, annotations, types
from cyclonedds.pub import DataWriter, Publisher
from cyclonedds.qos import Policy, Qos
from cyclonedds.sub import DataReader, Subscriber
from cyclonedds.topic import Topic
from cyclonedds.util import duration


@dataclass
@annotations.appendable
class State(IdlStruct, typename="Probe.logevent_state"):
    salIndex: types.int32
    annotations.key("salIndex")
    number: types.int32
    text: str


@dataclass
@annotations.appendable
class Go(IdlStruct, typename="Probe.command_go"):
    salIndex: types.int32
    annotations.key("salIndex")
    number: types.int32
    text: str


@dataclass
@annotations.appendable
class Ack(IdlStruct, typename="Probe.ackcmd"):
    salIndex: types.int32
    annotations.key("salIndex")
    number: types.int32
    text: str


subname = os.environ["LSST_TOPIC_SUBNAME"]
participant = DomainParticipant(int(os.environ["LSST_DDS_DOMAIN_ID"]))
qos = Qos(
    Policy.Reliability.Reliable(duration(seconds=1)),
    Policy.Durability.TransientLocal,
    Policy.History.KeepAll,
    Policy.Partition([f"{subname}/5"]),
)
volatile = Qos(
    Policy.Reliability.Reliable(duration(seconds=1)),
    Policy.History.KeepAll,
    Policy.Partition([f"{subname}/5"]),
)
events = DataReader(Subscriber(participant, qos), Topic(participant, "Probe_logevent_state", State), qos)
acks = DataReader(Subscriber(participant, volatile), Topic(participant, "Probe_ackcmd", Ack), volatile)
matched = threading.Event()
commands = DataWriter(
    Publisher(participant, volatile),
    Topic(participant, "Probe_command_go", Go),
    volatile,
    Listener(on_publication_matched=lambda writer, status: matched.set()),  # type: ignore[no-untyped-call]
)

event = events.take_one(timeout=duration(seconds=10))
print("event", event.number, event.text)  # noqa: T201
assert matched.wait(10)
commands.write(Go(salIndex=5, number=77, text=""))
print("acknowledged", acks.take_one(timeout=duration(seconds=10)).number)  # noqa: T201
