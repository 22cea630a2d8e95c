// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/abi/slo_abi.h"
#include "settings/unit_settings.h"

namespace slo {

// Values that cannot be wrong: each is made by parse() alone (or by a named constant). The error of parse()
// is accepted(): one clause fit for "accepted is <clause>".

// SloBudget=: the bound on the wait (or response) of a job. Between SLO_BUDGET_MIN_NS and SLO_BUDGET_MAX_NS,
// or infinity ("no budget, even where an ancestor has one").
class Budget {
 public:
  [[nodiscard]] static std::expected<Budget, std::string> parse(std::string_view text);
  [[nodiscard]] static std::string accepted();
  [[nodiscard]] static Budget infinity();
  [[nodiscard]] static Budget implicit();  // of what keeps the system operable: SLO_IMPLICIT_BUDGET_NS

  [[nodiscard]] bool is_infinite() const { return ns_ == infinite; }
  [[nodiscard]] std::uint64_t ns() const { return ns_; }  // UINT64_MAX when infinite
  [[nodiscard]] std::string to_string() const;            // "5ms", "infinity"

  friend bool operator==(const Budget&, const Budget&) = default;

 private:
  static constexpr std::uint64_t infinite = UINT64_MAX;
  explicit Budget(std::uint64_t ns) : ns_(ns) {}
  std::uint64_t ns_;
};

// SloMetric=: what the budget bounds.
class Metric {
 public:
  [[nodiscard]] static std::expected<Metric, std::string> parse(std::string_view text);
  [[nodiscard]] static std::string accepted();
  [[nodiscard]] static Metric wait() { return Metric(false); }
  [[nodiscard]] static Metric response() { return Metric(true); }

  [[nodiscard]] bool is_response() const { return response_; }
  [[nodiscard]] std::string to_string() const;  // "wait", "response"

  friend bool operator==(const Metric&, const Metric&) = default;

 private:
  explicit Metric(bool response) : response_(response) {}
  bool response_;
};

// SloObjective=: the share of jobs that must keep the budget, 50% to 99.999%, exact to a millionth.
class Objective {
 public:
  [[nodiscard]] static std::expected<Objective, std::string> parse(std::string_view text);
  [[nodiscard]] static std::string accepted();
  [[nodiscard]] static Objective standard() { return Objective(999'000); }  // 99.9%

  [[nodiscard]] std::uint32_t ppm() const { return ppm_; }  // 500'000..999'990
  [[nodiscard]] double ratio() const { return ppm_ / 1e6; }
  [[nodiscard]] std::string to_string() const;  // "99.9%"

  friend bool operator==(const Objective&, const Objective&) = default;

 private:
  explicit Objective(std::uint32_t ppm) : ppm_(ppm) {}
  std::uint32_t ppm_;
};

// SloMaxExec=: how much execution of one job the guarantee covers, 1 ms to 1 h. Shorter than a tick could not
// be kept. There is no infinity: this limit is what protects the neighbours of a service that was given a
// budget by mistake, and an hour of one job is as good as no limit to any that sleeps now and then.
class MaxExec {
 public:
  [[nodiscard]] static std::expected<MaxExec, std::string> parse(std::string_view text);
  [[nodiscard]] static std::string accepted();
  // Where nothing is set: max(100 ms, 20 * budget).
  [[nodiscard]] static MaxExec standard(const Budget& finite);

  [[nodiscard]] std::uint64_t ns() const { return ns_; }
  [[nodiscard]] std::string to_string() const;  // "100ms"

  friend bool operator==(const MaxExec&, const MaxExec&) = default;

 private:
  explicit MaxExec(std::uint64_t ns) : ns_(ns) {}
  std::uint64_t ns_;
};

// SloImportance=: whose guarantee goes first under overload; 1 to 10000, as CPUWeight=.
class Importance {
 public:
  [[nodiscard]] static std::expected<Importance, std::string> parse(std::string_view text);
  [[nodiscard]] static std::string accepted();
  [[nodiscard]] static Importance standard() { return Importance(100); }

  [[nodiscard]] std::uint32_t value() const { return value_; }
  [[nodiscard]] std::string to_string() const { return std::to_string(value_); }

  friend bool operator==(const Importance&, const Importance&) = default;

 private:
  explicit Importance(std::uint32_t value) : value_(value) {}
  std::uint32_t value_;
};

// SloReserve=: CPU time that is served by key, as a share of one CPU like CPUQuota=: 1% to 102400%, exact to
// a tenth of a percent.
class Reserve {
 public:
  [[nodiscard]] static std::expected<Reserve, std::string> parse(std::string_view text);
  [[nodiscard]] static std::string accepted();

  [[nodiscard]] std::uint64_t permille() const { return permille_; }  // of one CPU
  [[nodiscard]] std::string to_string() const;                        // "250%"

  friend bool operator==(const Reserve&, const Reserve&) = default;

 private:
  explicit Reserve(std::uint64_t permille) : permille_(permille) {}
  std::uint64_t permille_;
};

// Where a value was set. No file: nowhere, it is what holds by default.
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

// One value per key of [X-Slo]; a key that is not set is inherited: a reserve too, which is then that of a
// slice above, and shared by all below it.
struct SloSettings {
#define SLO_MEMBER(member, Type, ...) std::optional<Setting<Type>> member;
  SLO_UNIT_SETTINGS(SLO_MEMBER)
#undef SLO_MEMBER

  [[nodiscard]] bool empty() const;
  // Whether something is to be kept: a budget that is not infinity.
  [[nodiscard]] bool has_budget() const { return budget && !budget->value.is_infinite(); }
  friend bool operator==(const SloSettings&, const SloSettings&) = default;
};

// visit(key, setting) for each, set or not: "SloBudget" and settings.budget.
template <class Settings, class Visit>
void for_each_setting(Settings& settings, Visit&& visit) {
#define SLO_VISIT(member, Type, ...) visit("Slo" #Type, settings.member);
  SLO_UNIT_SETTINGS(SLO_VISIT)
#undef SLO_VISIT
}

// Key by key: what `child` does not set is as in `parent`.
[[nodiscard]] SloSettings merge(SloSettings child, const SloSettings& parent);

// What holds where no file says anything: wait, 99.9%, importance 100, no budget.
[[nodiscard]] SloSettings standard_settings();

// The settings in force once nothing is left to inherit: with a budget, MaxExec too is set. Never an argument
// of merge(): what follows from one budget is not to be inherited by another.
[[nodiscard]] SloSettings completed(SloSettings merged);

// The keys that are set, as an operator would write them, in the order of the documentation.
struct NamedSetting {
  std::string key;    // "SloBudget"
  std::string value;  // "5ms"
  Origin origin;
  friend bool operator==(const NamedSetting&, const NamedSetting&) = default;
};
[[nodiscard]] std::vector<NamedSetting> named(const SloSettings& settings);

// The record for a cgroup whose tasks keep the machine operable: an implicit budget, and nobody counts them.
[[nodiscard]] slo_cfg implicit_cfg();
// Where operators work: no budget, but root's tasks have a reserve, OperatorReserve=.
[[nodiscard]] slo_cfg operator_cfg();

// The record the kernel reads for a cgroup with these completed settings; slot and unit as in slo_cfg.
[[nodiscard]] slo_cfg to_cfg(const SloSettings& effective, std::uint32_t slot, std::uint32_t unit);

}  // namespace slo
