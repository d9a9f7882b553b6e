# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who finds whom: places, ports, and the configuration of Cyclone DDS.

Everything stays on the loopback interface, without multicast. A process is
found by sending to a port where it may be listening, its *place*:

* Hubs (queues, clients, tools) have the places of DDS participant indices 0
  to 31. Everybody announces itself there.
* Leaves (scripts) have 80 places behind those, still in the port range of
  the domain. Only hubs announce themselves there. A leaf that finds them all
  taken does without: it is then found by its own announcements, every 2 s.

So leaves never hear of each other, and the cost of discovery grows linearly
with their number. A place that is taken shows in the system's table of UDP
sockets: that is how a process that opens knows how many others there are.

With ``CYCLONEDDS_URI`` set, none of this holds: Cyclone DDS does as it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..contract import BusError
from .partition import checked_subname

__all__ = [
    "HUB_PLACES",
    "LEAF_PLACES",
    "Role",
    "Settings",
    "configuration",
    "count_taken",
    "places",
    "tool_configuration",
]

Role = Literal["hub", "leaf"]

#: How many hubs, and how many leaves with a place, a domain has on a machine.
HUB_PLACES = 32
LEAF_PLACES = 80

_LOOPBACK = "127.0.0.1"
_BASE_PORT = 7400
_DOMAIN_GAIN = 250
_PLACE_GAIN = 2
_META_OFFSET = 10
_LAST_DOMAIN = 230


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says about DDS.

    Attributes
    ----------
    domain
        DDS domain id.
    subname
        First part of every partition.
    uri
        Configuration of Cyclone DDS that replaces ours; empty if none.
    """

    domain: int
    subname: str
    uri: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises
        ------
        BusError
            If one makes no sense.
        """
        text = environ.get("LSST_DDS_DOMAIN_ID") or "0"
        if not (text.isascii() and text.isdecimal() and int(text) <= _LAST_DOMAIN):
            raise BusError(f"LSST_DDS_DOMAIN_ID is {text!r}; it must be a number from 0 to {_LAST_DOMAIN}")
        return cls(
            domain=int(text),
            subname=checked_subname(environ.get("LSST_TOPIC_SUBNAME") or "sal"),
            uri=environ.get("CYCLONEDDS_URI", ""),
        )


def places(role: Role, domain: int) -> range:
    """Return the ports of a role's places."""
    first = _BASE_PORT + _DOMAIN_GAIN * domain + _META_OFFSET
    if role == "leaf":
        first += _PLACE_GAIN * HUB_PLACES
    count = HUB_PLACES if role == "hub" else LEAF_PLACES
    return range(first, first + _PLACE_GAIN * count, _PLACE_GAIN)


def count_taken(role: Role, domain: int) -> int | None:
    """Return how many places of a role somebody listens at; None if the system does not tell."""
    try:
        with open("/proc/net/udp") as table:
            next(table)
            listening = {int(line.split(None, 2)[1].rpartition(":")[2], 16) for line in table}
    except FileNotFoundError:
        return None
    return len(listening.intersection(places(role, domain)))


def configuration(role: Role, domain: int, *, with_place: bool = True) -> str:
    """Return the configuration of Cyclone DDS for a role.

    Parameters
    ----------
    role
        Role of this process.
    domain
        DDS domain id.
    with_place
        False for a leaf that has to do without.
    """
    base = _BASE_PORT + (_PLACE_GAIN * HUB_PLACES if role == "leaf" else 0)
    last = (HUB_PLACES if role == "hub" else LEAF_PLACES) - 1
    ports = [*places("hub", domain), *(places("leaf", domain) if role == "hub" else ())]
    peers = "".join(f'<Peer Address="{_LOOPBACK}:{port}"/>' for port in ports)
    # The delays that are meant for networks would add 10 to 100 ms to the first message of a writer,
    # which goes out before its readers have found it and is asked for again. Asked for at once it would
    # often be by a reader that the writer has not found. The interval of heartbeats stays at 100 ms: with
    # 10 ms a hundred leaves that start or end at once drown in them.
    # WhcHigh: at the default of 500 kB not yet acknowledged, one reader that has
    # stopped would hold up the writer until its lease has run out.
    # WriterLingerDuration: closing a link waits for acknowledgements once, not once per writer.
    return f"""\
<CycloneDDS><Domain>
<General>
<Interfaces><NetworkInterface address="{_LOOPBACK}"/></Interfaces>
<AllowMulticast>false</AllowMulticast>
</General>
<Discovery>
<ParticipantIndex>{"auto" if with_place else "none"}</ParticipantIndex>
<MaxAutoParticipantIndex>{last}</MaxAutoParticipantIndex>
<Ports><Base>{base}</Base></Ports>
<Peers AddLocalhost="false">{peers}</Peers>
<SPDPInterval>2s</SPDPInterval>
<InitialLocatorPruneDelay>inf</InitialLocatorPruneDelay>
</Discovery>
<Internal>
<PreEmptiveAckDelay>1ms</PreEmptiveAckDelay>
<NackDelay>10ms</NackDelay>
<AutoReschedNackDelay>10ms</AutoReschedNackDelay>
<Watermarks><WhcHigh>256MB</WhcHigh><WhcHighInit>256MB</WhcHighInit><WhcAdaptive>false</WhcAdaptive></Watermarks>
<WriterLingerDuration>0s</WriterLingerDuration>
</Internal>
</Domain></CycloneDDS>"""


def tool_configuration() -> str:
    """Return the ``CYCLONEDDS_URI`` with which any program on Cyclone DDS takes part as a hub.

    It holds for every domain. Such a program hears of leaves within 2 s.
    """
    return (
        "<CycloneDDS><Domain><General><AllowMulticast>false</AllowMulticast>"
        f'<Interfaces><NetworkInterface address="{_LOOPBACK}"/></Interfaces></General>'
        "<Discovery><ParticipantIndex>auto</ParticipantIndex>"
        f"<MaxAutoParticipantIndex>{HUB_PLACES - 1}</MaxAutoParticipantIndex>"
        f'<Peers><Peer Address="{_LOOPBACK}"/></Peers></Discovery></Domain></CycloneDDS>'
    )
