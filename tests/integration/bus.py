# SPDX-License-Identifier: GPL-2.0-only
"""The system bus, over one connection of this process as root: a process for each call is slow where it is emulated."""

import collections
import contextlib
import time

from jeepney import DBusAddress, HeaderFields, MatchRule, MessageFlag, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

# Seconds that busctl, too, waits for an answer.
LIMIT = 25
CONNECT_LIMIT = 60
PROPERTIES = "org.freedesktop.DBus.Properties"
# What the bus says of somebody who has left it before answering, or is not back on it yet.
ABSENT = {
    f"org.freedesktop.DBus.Error.{name}" for name in ("NoReply", "ServiceUnknown", "NameHasNoOwner", "Disconnected")
}


class Refused(Exception):
    """The answer to a call was an error: its name, and what is said about it."""

    def __init__(self, name, text):
        super().__init__(f"{text} ({name})")
        self.name = name


class Subscription:
    """A connection that hears the signals of a rule from when the constructor returns."""

    def __init__(self, **rule):
        self.connection = open_dbus_connection("SYSTEM", enable_fds=True, auth_timeout=CONNECT_LIMIT)
        self.signals = collections.deque()
        self._closed = False
        rule = MatchRule(type="signal", **rule)
        try:
            Proxy(message_bus, self.connection, timeout=CONNECT_LIMIT).AddMatch(rule)
        except BaseException:
            self.connection.close()
            raise
        self.connection.filter(rule, queue=self.signals)

    def read(self, timeout=0.0):
        """Takes in what has come; waits for something if nothing has. What came before the close stays."""
        if self._closed:
            return
        with contextlib.suppress(TimeoutError):
            while True:
                self.connection.recv_messages(timeout=timeout)
                timeout = 0.0

    def close(self):
        self._closed = True
        self.connection.close()


class Bus:
    """The connection, made when it is first needed and anew when it broke, as at a restart of the bus."""

    def __init__(self):
        self._subscription = None

    def _connected(self, end):
        while self._subscription is None:
            try:
                self._subscription = Subscription(interface="org.freedesktop.systemd1.Manager", member="JobRemoved")
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        return self._subscription

    def close(self):
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def jobs_removed(self):
        """The arguments of systemd's JobRemoved, the oldest first; whoever waits takes them out."""
        return self._connected(time.monotonic() + CONNECT_LIMIT).signals

    def read(self, timeout):
        try:
            self._connected(time.monotonic() + timeout).read(timeout)
        except BaseException:
            self.close()
            raise

    def _ask(self, message, end):
        try:
            connection = self._connected(end).connection
            return connection.send_and_get_reply(message, timeout=max(0.0, end - time.monotonic()))
        except BaseException:  # a test's time limit, too, may leave half a message
            self.close()
            raise

    def call(self, address, method, signature="", *values, limit=LIMIT, patient=False):
        """The answer's values. Where the bus was restarted, it is asked again; a patient call also waits for somebody
        who is away for a moment, as PID 1 is while it is re-executed."""
        message = new_method_call(DBusAddress(address[1], address[0], address[2]), method, signature or None, values)
        message.header.flags |= MessageFlag.no_auto_start
        end = time.monotonic() + limit
        while True:
            try:
                reply = self._ask(message, end)
            except ConnectionError:
                if time.monotonic() > end:
                    raise
                continue
            except TimeoutError:
                text = f"no answer to {method} within {limit:g} s"
                raise Refused("org.freedesktop.DBus.Error.Timeout", text) from None
            if reply.header.message_type is not MessageType.error:
                return plain(reply.body)
            refused = Refused(reply.header.fields[HeaderFields.error_name], " ".join(map(str, reply.body)))
            if not (patient and refused.name in ABSENT and time.monotonic() < end):
                raise refused
            time.sleep(0.1)

    def property(self, address, name, **options):
        # A variant is its signature and its value.
        ((_, value),) = self.call((*address[:2], PROPERTIES), "Get", "ss", address[2], name, **options)
        return value


def plain(value):
    """Without the signatures of the variants in dictionaries."""
    if isinstance(value, dict):
        return {key: item[1] if isinstance(item, tuple) else item for key, item in value.items()}
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


SYSTEM = Bus()
