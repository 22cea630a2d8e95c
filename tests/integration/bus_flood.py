# SPDX-License-Identifier: GPL-2.0-only
"""Run as a user: asks scx-slo for all that can be asked, over many connections, and takes no notice of what comes.

Says how many calls were sent, and which errors came back how often, once its standard input is closed.
"""

import collections
import itertools
import json
import select
import sys

from jeepney import DBusAddress, HeaderFields, MatchRule, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

CONNECTIONS = 8
# The bus lets nobody have more calls without an answer.
IN_FLIGHT = 120
MATCHES = 500
LONG = "x" * 100_000
MANAGER = DBusAddress("/org/scxslo", "org.scxslo", "org.scxslo.Manager1")
PROPERTIES = DBusAddress("/org/scxslo", "org.scxslo", "org.freedesktop.DBus.Properties")
OBJECTS = DBusAddress("/org/scxslo", "org.scxslo", "org.freedesktop.DBus.ObjectManager")
CALLS = (
    (MANAGER, "GetAllStats", None, ()),
    (MANAGER, "ListUnits", None, ()),
    (PROPERTIES, "GetAll", "s", ("org.scxslo.Manager1",)),
    (MANAGER, "Detach", None, ()),
    (OBJECTS, "GetManagedObjects", None, ()),
    (MANAGER, "GetUnit", "s", (LONG,)),
    (MANAGER, "GetStats", "s", ("loaded.service",)),
    (MANAGER, "GetSettings", "a{sv}", ({"a": ("s", LONG)},)),
    (MANAGER, "Attach", None, ()),
    (MANAGER, "Record", "ast", ([LONG, "b"], 1_000_000)),
)


class Asker:
    def __init__(self, said):
        self.said = said
        self.calls = itertools.cycle(CALLS)
        self.connect()

    def connect(self):
        self.connection = open_dbus_connection("SYSTEM", enable_fds=True)
        self.open = 0
        self.kept = collections.deque(maxlen=100)

    def ask(self):
        while self.open < IN_FLIGHT:
            address, member, signature, values = next(self.calls)
            self.connection.send(new_method_call(address, member, signature, values))
            self.open += 1
            self.said["sent"] += 1

    def take(self):
        """Whatever has come by now; what holds descriptors is kept, and so are they."""
        try:
            while self.open > 0:
                reply = self.connection.receive(timeout=0)
                if reply.header.message_type in (MessageType.error, MessageType.method_return):
                    self.open -= 1
                if HeaderFields.unix_fds in reply.header.fields:
                    self.kept.append(reply)
                if reply.header.message_type is MessageType.error:
                    self.said[reply.header.fields[HeaderFields.error_name]] += 1
        except TimeoutError:
            return

    def leave(self):
        """In the middle of its calls."""
        self.connection.close()
        self.connect()


def main():
    said = collections.Counter()
    askers = [Asker(said) for _ in range(CONNECTIONS)]
    driver = Proxy(message_bus, askers[0].connection)
    for number in range(MATCHES):
        driver.AddMatch(MatchRule(type="signal", interface=f"org.example.Number{number}"))
    print("ready", flush=True)
    for turn in itertools.count(1):
        for asker in askers:
            asker.ask()
            asker.take()
        if turn % 20 == 0:
            askers[-1].leave()
        if select.select([sys.stdin], [], [], 0)[0]:
            break
    print(json.dumps(said), flush=True)


main()
