// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probe.h"

#include <bpf/bpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "kernel/kfunc_check.h"

namespace slo {
namespace {

constexpr const char* kernel_btf = "/sys/kernel/btf/vmlinux";

// Loads "return 0" as a program of a type that takes both capabilities we have.
void try_program(KernelFacts& facts) {
  static constexpr std::array<bpf_insn, 2> return_zero{{
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  }};
  const int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "slo_probe", "GPL", return_zero.data(),
                               return_zero.size(), nullptr);
  if (fd < 0) {
    facts.refused = Error{"load", "a BPF program that does nothing", -fd, ""};
    return;
  }
  bpf_prog_info info{};
  __u32 size = sizeof(info);
  // The switch in /proc/sys is for root's eyes alone; whether this program was compiled is not.
  if (bpf_prog_get_info_by_fd(fd, &info, &size) == 0) facts.jit = info.jited_prog_len > 0;
  close(fd);
}

}  // namespace

KernelFacts probe_kernel(std::span<const std::byte> scheduler_object,
                         std::span<const std::byte> observer_object) {
  KernelFacts facts;
  if (utsname name{}; uname(&name) == 0) facts.release = name.release;
  if (const auto check = KfuncCheck::of(kernel_btf)) {
    facts.scheduler = check->judge(scheduler_object).value_or(KfuncVerdict{});
    facts.observer = check->judge(observer_object).value_or(KfuncVerdict{});
    facts.malformed_kfuncs = check->malformed();
    facts.guards_against_real_time = check->guards_against_real_time();
    facts.shows_limits = check->shows_limits();
  }
  try_program(facts);
  return facts;
}

}  // namespace slo
