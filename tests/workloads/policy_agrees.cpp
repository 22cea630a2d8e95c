// SPDX-License-Identifier: GPL-2.0-only
// Has the kernel run every function that bpf/ shares with the host, runs them here too, and compares what
// they answer. Needs no sched_ext.
#include "bpf/policy_agrees.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string_view>
#include <system_error>

#include "guarded_main.h"

// The skeleton names the types of the BPF side.
using u32 = slo_u32;
#include "policy_agrees.skel.h"

namespace {

constexpr u32 invocations = 100;
constexpr u32 rounds = 10'000;  // of one invocation

#define AGREE_NAME(function, answer) #function,
constexpr std::array<const char*, AGREE_COUNT> names = {AGREE_FUNCTIONS(AGREE_NAME)};
#undef AGREE_NAME

using Program = std::unique_ptr<policy_agrees, decltype(&policy_agrees__destroy)>;

agreement in_the_kernel(slo_u64 seed) {
  const Program loaded(policy_agrees__open_and_load(), policy_agrees__destroy);
  if (!loaded) throw std::system_error(errno, std::system_category(), "loading the program");
  agree_begin(&loaded->bss->kernel_side, seed);
  loaded->bss->rounds = rounds;
  for (u32 i = 0; i < invocations; ++i) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (const int error = bpf_prog_test_run_opts(bpf_program__fd(loaded->progs.go_on), &options); error != 0)
      throw std::system_error(-error, std::system_category(), "running the program");
  }
  return loaded->bss->kernel_side;
}

agreement on_the_host(slo_u64 seed) {
  agreement result{};
  agree_begin(&result, seed);
  for (u32 i = 0; i < invocations * rounds; ++i) agree_round(&result);
  return result;
}

// Number of functions that answered differently; each is named.
int compare(const agreement& kernel, const agreement& host) {
  int different = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (kernel.hashes[i] == host.hashes[i]) continue;
    ++different;
    std::fprintf(stderr, "policy_agrees: %s answers differently in the kernel (%016llx) and here (%016llx)\n",
                 names[i], kernel.hashes[i], host.hashes[i]);
  }
  return different;
}

bool read_seed(std::string_view text, slo_u64& seed) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  return end == text.data() + text.size() && error == std::errc{} && seed != 0;
}

}  // namespace

int main(int argc, char** argv) {
  slo_u64 seed = 1;
  if (argc > 1 && !read_seed(argv[1], seed)) argc = 0;
  slo_u64 host_seed = seed;
  if (argc > 2 && !read_seed(argv[2], host_seed)) argc = 0;
  if (argc < 1 || argc > 3) {
    std::fprintf(stderr, "usage: policy_agrees [SEED [SEED-OF-THE-HOST]]\n");
    return 2;
  }
  return slo::workload::guarded_main("policy_agrees", [&] {
    if (compare(in_the_kernel(seed), on_the_host(host_seed)) != 0) return 1;
    std::printf("%zu functions answer alike on %u inputs (seed %llu)\n", names.size(), invocations * rounds,
                seed);
    return 0;
  });
}
