// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "bpf/slo_abi.h"

namespace slo {

// SloBudget=: the bound on the wait of a job. Between SLO_BUDGET_MIN_NS and SLO_BUDGET_MAX_NS, or infinity ("no
// budget, even where an ancestor has one"). Cannot be made with any other value.
class Budget {
 public:
  // The error is what would be accepted, one clause fit for "...; accepted is <error>".
  [[nodiscard]] static std::expected<Budget, std::string> parse(std::string_view text);
  [[nodiscard]] static Budget infinity();

  [[nodiscard]] bool is_infinite() const { return ns_ == infinite; }
  [[nodiscard]] std::uint64_t ns() const { return ns_; }  // UINT64_MAX when infinite
  [[nodiscard]] std::string to_string() const;            // "5ms", "infinity"

  friend bool operator==(const Budget&, const Budget&) = default;

 private:
  static constexpr std::uint64_t infinite = UINT64_MAX;
  explicit Budget(std::uint64_t ns) : ns_(ns) {}
  std::uint64_t ns_;
};

// Where a value was set.
struct Origin {
  std::string file;
  unsigned line = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
};

template <class T>
struct Setting {
  T value;
  Origin origin;
  friend bool operator==(const Setting&, const Setting&) = default;
};

// What [X-Slo] says in the files of one unit; what is not set is inherited from the nearest configured ancestor.
struct SloSettings {
  std::optional<Setting<Budget>> budget;

  [[nodiscard]] bool empty() const { return !budget; }
  friend bool operator==(const SloSettings&, const SloSettings&) = default;
};

// How much execution of one job the guarantee covers where nothing is set: max(100 ms, 20 * budget).
[[nodiscard]] std::uint64_t default_max_exec_ns(std::uint64_t budget_ns);

// The record the scheduler reads for a cgroup with these settings; slot is the unit's statistics slot.
[[nodiscard]] slo_cfg to_cfg(const SloSettings& settings, std::uint32_t slot);

}  // namespace slo
