# SPDX-License-Identifier: GPL-2.0-only
"""The BPF programs: what the kernel makes of them, and that they compute what the host computes."""

import json
import pathlib
import re

import machine
import pytest
from figures import figures

FIGURES = pathlib.Path(__file__).with_name("program_figures.tsv")
# Of a figure: another release of the kernel or the compiler changes a little, a program out of hand changes much.
TOLERANCE = 0.15
# What the verifier looks at, at most; where a program comes near, the next kernel may refuse it.
VERIFIED_MAX = 1_000_000

pytestmark = pytest.mark.timeout(900)

AGREES = "/usr/local/bin/policy_agrees"


def test_the_kernel_and_the_host_compute_the_same():
    assert "functions answer alike on 1000000 inputs" in machine.output(AGREES, limit=600)


def test_a_function_that_answered_differently_would_be_named():
    """Different inputs on the two sides stand for different code; only a job that is reset answers to neither."""
    result = machine.run(AGREES, "1", "2", check=False, limit=600)
    assert result.returncode == 1
    named = {line.split()[1] for line in result.stderr.splitlines()}
    assert {"slo_key_ns", "slo_job_cause", "slo_server_fill_ns", "slo_rate_take", "slo_hist_index"} < named
    assert "slo_job_reset" not in named


def programs():
    """What the daemon has loaded: name -> (instructions that the verifier looked at, bytes of machine code)."""
    known = {of["id"]: of for of in json.loads(machine.output("bpftool", "-j", "prog", "show"))}
    found = {}
    for info in pathlib.Path(f"/proc/{machine.main_pid()}/fdinfo").iterdir():
        try:
            text = info.read_text()
        except FileNotFoundError:  # closed meanwhile
            continue
        fields = dict(re.findall(r"^(prog_id|verified_insns):\s*(\d+)$", text, re.MULTILINE))
        if "verified_insns" in fields:  # a link names its program, too
            of = known[int(fields["prog_id"])]
            found[of["name"]] = (int(fields["verified_insns"]), of["bytes_jited"])
    return found


def recorded():
    """The figures of the repository: (kernel's series, number of CPUs), and those of programs()."""
    lines = FIGURES.read_text().splitlines()
    machine_of = re.fullmatch(r"# Linux (\d+\.\d+), (\d+) CPUs", lines[0])
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return machine_of.groups(), {name: (int(verified), int(jited)) for name, verified, jited in rows}


@pytest.fixture(scope="module")
def loaded_programs(anchor):
    machine.ensure_enforcing()
    found = programs()
    try:
        machine.configure("[Scheduler]\nMode=observe\n")
        machine.wait_for_state("observing")
        found |= programs()
    finally:
        machine.configure(None)
    figures.extend(f"{name}\t{verified}\t{jited}" for name, (verified, jited) in sorted(found.items()))
    return found


def test_no_program_is_near_what_the_verifier_bears(loaded_programs):
    assert len(loaded_programs) > 20
    assert max(verified for verified, _ in loaded_programs.values()) < VERIFIED_MAX // 4


def test_the_programs_are_as_large_as_recorded(loaded_programs):
    """Where this fails for a reason, the lines that the run prints belong into program_figures.tsv."""
    (series, cpus), figures_then = recorded()
    here = (machine.output("uname", "-r"), machine.output("nproc"))
    if not (here[0].startswith(f"{series}.") and here[1] == cpus):
        pytest.skip(f"the figures are those of Linux {series} with {cpus} CPUs")
    assert loaded_programs.keys() == figures_then.keys()
    for name, then in figures_then.items():
        for now, before in zip(loaded_programs[name], then):
            assert abs(now - before) <= TOLERANCE * before, f"{name}: {loaded_programs[name]}, recorded {then}"
