#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds the bus policy and the polkit actions against the introspection XML.

A method that the policy does not list is refused before the daemon sees it, and an action without the owner annotation
can never be asked about: both look like a broken daemon, far from the line that was forgotten. A property that may be
written and is not marked as privileged may be written by everybody, as far as the generated code is concerned.
"""

import argparse
import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

BUS_NAME = "org.scxslo"
GATE = "daemon/bus/gate.cpp"
USER = "scx-slo"
# Methods for which the daemon asks polkit; everything else only reads.
GUARDED = {
    "org.scxslo.Manager1.Attach": "org.scxslo.attach",
    "org.scxslo.Manager1.AttachFor": "org.scxslo.attach",
    "org.scxslo.Manager1.Confirm": "org.scxslo.attach",
    "org.scxslo.Manager1.Detach": "org.scxslo.detach",
    "org.scxslo.Manager1.Reload": "org.scxslo.reload",
    "org.scxslo.Manager1.Record": "org.scxslo.record",
}
STANDARD = {
    "org.freedesktop.DBus.Introspectable.Introspect",
    "org.freedesktop.DBus.Peer.Ping",
    "org.freedesktop.DBus.Peer.GetMachineId",
    "org.freedesktop.DBus.Properties.Get",
    "org.freedesktop.DBus.Properties.GetAll",
    "org.freedesktop.DBus.ObjectManager.GetManagedObjects",
}
READERS = re.compile(r"^(Get|List)")


def methods_of(folder):
    for xml in sorted(folder.glob("org.scxslo.*.xml*")):
        for interface in ElementTree.parse(xml).getroot().iter("interface"):
            for method in interface.iter("method"):
                yield f"{interface.get('name')}.{method.get('name')}"


def check_properties(folder):
    for xml in sorted(folder.glob("*.xml*")):
        for interface in ElementTree.parse(xml).getroot().iter("interface"):
            for item in interface.iter("property"):
                marks = {mark.get("name"): mark.get("value") for mark in item.iter("annotation")}
                if "write" in item.get("access") and marks.get("org.freedesktop.systemd1.Privileged") != "true":
                    yield f"{xml.name}: {interface.get('name')}.{item.get('name')} may be written and is not privileged"


def check_policy(folder, methods):
    policy = ElementTree.parse(folder / "org.scxslo.conf").getroot()
    default = policy.find("policy[@context='default']")
    if default is None:
        yield 'bus policy: no <policy context="default">'
        return
    rules = list(default)
    if not rules or rules[0].tag != "deny" or rules[0].get("send_destination") != BUS_NAME:
        yield "bus policy: the default context does not begin by denying everything"
    allowed = set()
    for rule in default.findall("allow"):
        interface, member = rule.get("send_interface"), rule.get("send_member")
        if rule.get("send_destination") != BUS_NAME or not interface or not member:
            yield f"bus policy: too wide for everybody: {rule.attrib}"
        else:
            allowed.add(f"{interface}.{member}")
    for name in sorted((methods | STANDARD) - allowed):
        yield f"bus policy: {name} is not allowed in the default context"
    for name in sorted(allowed - methods - STANDARD):
        yield f"bus policy: {name} is allowed and not in the introspection XML"
    owners = [p.get("user") for p in policy.findall("policy") for a in p.findall("allow") if a.get("own") == BUS_NAME]
    if owners != [USER]:
        yield f"bus policy: {BUS_NAME} may be owned by {owners}, not by {USER} alone"


def check_actions(folder, methods):
    actions = {a.get("id"): a for a in ElementTree.parse(folder / "org.scxslo.policy").getroot().iter("action")}
    for name in sorted(methods):
        if name not in GUARDED and not READERS.match(name.rpartition(".")[2]):
            yield f"polkit: {name} neither reads by its name nor is it listed as guarded in this check"
    for name in sorted(set(GUARDED) - methods):
        yield f"polkit: {name} is guarded and not in the introspection XML"
    for action in sorted(set(GUARDED.values()) - set(actions)):
        yield f"polkit: no action {action}"
    for action in sorted(set(actions) - set(GUARDED.values())):
        yield f"polkit: nothing asks about the action {action}"
    for name, action in sorted(actions.items()):
        owner = action.find("annotate[@key='org.freedesktop.policykit.owner']")
        if owner is None or owner.text != f"unix-user:{USER}":
            yield f"polkit: {name} has no org.freedesktop.policykit.owner unix-user:{USER}"
        for default in ("allow_any", "allow_inactive", "allow_active"):
            if action.findtext(f"defaults/{default}") != "no":
                yield f"polkit: {name} is not refused by default ({default})"


def check_daemon(source):
    """The daemon asks about the methods that change something, and about each by its own action."""
    pairs = re.findall(r'\{"(\w+)",\s*"(org\.scxslo\.[a-z][a-z-]*)"\}', (source / GATE).read_text())
    asked = {f"org.scxslo.Manager1.{member}": action for member, action in pairs}
    for name in sorted(set(GUARDED) | set(asked)):
        if GUARDED.get(name) != asked.get(name):
            yield f"{GATE}: {name} asks about {asked.get(name)}, not about {GUARDED.get(name)}"


def check(source):
    folder = source / "dbus"
    methods = set(methods_of(folder))
    if not methods:
        return ["no methods found in the introspection XML"]
    return [
        *check_policy(folder, methods),
        *check_actions(folder, methods),
        *check_properties(folder),
        *check_daemon(source),
    ]


def self_test(source):
    """Every planted mistake must be found."""
    plants = [
        ("dbus/org.scxslo.conf", '"org.scxslo.Manager1" send_member="GetUnit"', '"org.scxslo.Manager1" send_member="Get"'),
        ("dbus/org.scxslo.conf", '<deny send_destination="org.scxslo"/>', ""),
        ("dbus/org.scxslo.conf", ' send_member="GetAll"', ""),
        ("dbus/org.scxslo.conf", 'send_member="Get"', 'send_member="Set"'),
        ("dbus/org.scxslo.conf", 'user="scx-slo"', 'user="nobody"'),
        ("dbus/org.scxslo.Manager1.xml", 'method name="ListUnits"', 'method name="DropUnits"'),
        ("dbus/org.scxslo.Manager1.xml", 'name="Mode" type="s" access="read"', 'name="Mode" type="s" access="readwrite"'),
        ("dbus/org.freedesktop.LogControl1.xml", 'systemd1.Privileged" value="true"', 'systemd1.Privileged" value="false"'),
        ("dbus/org.scxslo.policy", "org.scxslo.detach", "org.scxslo.attack"),
        ("dbus/org.scxslo.policy", "unix-user:scx-slo", "unix-user:root"),
        ("dbus/org.scxslo.policy", "<allow_active>no<", "<allow_active>yes<"),
        (GATE, '"org.scxslo.detach"', '"org.scxslo.attach"'),
    ]
    missed = []
    for name, before, after in plants:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            for file in [*(source / "dbus").glob("org.*"), source / GATE]:
                planted = copy / file.relative_to(source)
                planted.parent.mkdir(parents=True, exist_ok=True)
                planted.write_text(file.read_text())
            text = (copy / name).read_text()
            (copy / name).write_text(text.replace(before, after, 1))
            if before not in text or not check(copy):
                missed.append(f"planted in {name} and not found: {before} -> {after or 'nothing'}")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--self-test", action="store_true", help="plant mistakes and see that each is found")
    parser.add_argument("source", type=Path, help="the source tree")
    arguments = parser.parse_args()
    problems = self_test(arguments.source) if arguments.self_test else check(arguments.source)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
