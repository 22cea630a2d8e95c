# SPDX-License-Identifier: GPL-2.0-only
"""What is compiled for both sides computes the same in the kernel as on the host."""

import machine

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
