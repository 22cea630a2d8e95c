#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads the #include lines of the source tree and fails on what no room may include.

check_house_map.py TREE         one line per violation, status 1 when there is any
check_house_map.py --self-test  plants violations in a scratch tree and fails when one is not found
"""

import pathlib
import re
import sys

from house_map import ABI, HOST_TOO, LIBRARIES, LONGEST, ROOMS, SOURCES, matches, may_include, room_of

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
ABI_FIELD = re.compile(r"^(slo_u64|slo_u32|slo_u16|slo_u8|char|struct (?:slo_\w+|deadline_event))\s+\w+(\[\w+\])*$")
BPF_CALL = re.compile(r"\b((?:scx_)?bpf_\w+)\s*\(")


def resolve(tree, source, name):
    """The path in the tree that an include names; library headers keep their name, libbpf's get a prefix."""
    for directory in (source.parent, tree, tree / "daemon"):
        if (directory / name).is_file():
            return (directory / name).resolve().relative_to(tree.resolve()).as_posix()
    return f"libbpf:{name}" if name.startswith("bpf/") else name


def check_include(path, target):
    """Yields why `path` may not include `target`."""
    for headers, allowed, why in LIBRARIES:
        if matches(target, headers) and not matches(path, allowed):
            yield why
    room, other = room_of(path), room_of(target)
    if room and other and not may_include(room, other):
        yield f"{room} may include {', '.join(ROOMS[room]) or 'no other room'}"
    if room and room in HOST_TOO and not other:
        yield f"{room} is compiled for kernel and host, and takes no library"


def check_abi(code):
    """Yields each field of a struct that is no fixed-width integer, character array or struct of ours."""
    for body in re.findall(r"struct\s+\w+\s*\{([^{}]*)\}", code):
        for field in filter(None, (" ".join(part.split()) for part in body.split(";"))):
            if not ABI_FIELD.match(field):
                yield f'field "{field}" is no fixed-width type of the ABI'
    if re.search(r"\b(bool|enum|_Bool)\b", code):
        yield "bool and enum have no place in the ABI"


def circles(graph):
    """Yields each circle that a walk along the arrows of `graph` closes, from its first name to the same again."""
    done, way = set(), []

    def walk(name):
        if name in way:
            yield [*way[way.index(name) :], name]
        elif name not in done:
            way.append(name)
            for following in sorted(graph.get(name, ())):
                yield from walk(following)
            done.add(way.pop())

    for name in sorted(graph):
        yield from walk(name)


def check_circles(includes):
    """Yields the circles of files, and those of rooms, as their files include each other."""
    for circle in circles(includes):
        yield f"{circle[0]}: includes itself: {' -> '.join(circle)}"
    rooms = {}
    for path, targets in includes.items():
        rooms.setdefault(room_of(path), set()).update(room_of(target) for target in targets)
    rooms = {room: others - {room, None} for room, others in rooms.items() if room}
    for circle in circles(rooms):
        yield f"{circle[0]}: includes itself: {' -> '.join(circle)}"


def check_file(path, text, code):
    """Yields what is wrong with one file by itself."""
    if room_of(path) is None:
        yield f"{path}: is in no room of the house map"
    if (lines := text.count("\n")) > LONGEST:
        yield f"{path}: {lines} lines; accepted are up to {LONGEST}"
    if room_of(path) == ABI:
        for why in check_abi(code):
            yield f"{path}: {why}"
    if room_of(path) in HOST_TOO:
        for call in BPF_CALL.findall(code):
            yield f"{path}: calls {call}: it is compiled for the host too and takes no BPF helpers"


def check_tree(tree):
    tree = pathlib.Path(tree)
    files = sorted(path for folder in SOURCES for path in (tree / folder).rglob("*"))
    sources = [path for path in files if path.suffix in (".h", ".c", ".cpp")]
    if not sources:
        yield f"{tree}: no sources found"
    includes = {}
    for source in sources:
        path = source.relative_to(tree).as_posix()
        text = source.read_text(encoding="utf-8")
        code = COMMENT.sub(" ", text)
        yield from check_file(path, text, code)
        includes[path] = set()
        for name in INCLUDE.findall(code):
            target = resolve(tree, source, name)
            includes[path].add(target)
            for why in check_include(path, target):
                yield f"{path}: includes {name}: {why}"
    yield from check_circles(includes)


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    if arguments[0] == "--self-test":
        from house_map_plants import self_test

        lines = self_test(check_tree)
    else:
        lines = list(check_tree(arguments[0]))
    print("\n".join(lines) if lines else "the house map holds")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
