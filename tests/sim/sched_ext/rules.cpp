// SPDX-License-Identifier: GPL-2.0-only
#include "rules.h"

#include <algorithm>
#include <array>

namespace slo::sim {
namespace {

constexpr std::array always = {"runqueues", "scx_bpf_dump_bstr", "bpf_task_from_pid", "bpf_task_release"};
constexpr std::array since_7_1 = {"scx_bpf_dsq_insert___v2",        "scx_bpf_dsq_insert",
                                  "__scx_bpf_dsq_insert_vtime",     "scx_bpf_dsq_insert_vtime",
                                  "scx_bpf_dsq_move_to_local___v2", "scx_bpf_dsq_move_to_local",
                                  "scx_bpf_dsq_move_vtime",         "scx_bpf_dsq_move_set_vtime",
                                  "scx_bpf_dsq_move",
                                  "scx_bpf_task_set_slice",         "scx_bpf_now",
                                  "scx_bpf_dsq_peek"};
constexpr std::array in_6_12 = {"scx_bpf_dispatch", "scx_bpf_dispatch_vtime", "scx_bpf_consume",
                                "scx_bpf_dispatch_vtime_from_dsq", "scx_bpf_dispatch_from_dsq_set_vtime",
                                "scx_bpf_dispatch_from_dsq"};

bool contains(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool has_symbol(const Rules& rules, std::string_view name) {
  if (name.starts_with('&')) name.remove_prefix(1);
  if (const auto suffix = name.rfind("___"); suffix != std::string_view::npos && suffix != 0)
    name = name.substr(0, suffix);
  return contains(always, name) ||
         (rules.has_new_kfuncs ? contains(since_7_1, name) : contains(in_6_12, name));
}

}  // namespace slo::sim
