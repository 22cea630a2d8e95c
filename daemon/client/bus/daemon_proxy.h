// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "client/bus/failure.h"
#include "client/figures/limit_report.h"
#include "client/figures/unit_report.h"
#include "client/options.h"

namespace slo::client {

template <class T>
using Answer = std::expected<T, BusError>;

// The daemon over the system bus (org.scxslo). Calls block until the daemon answers, at most 90 s for an
// order.
class DaemonProxy {
 public:
  [[nodiscard]] static Answer<DaemonProxy> connect();
  DaemonProxy(DaemonProxy&&) noexcept;
  DaemonProxy& operator=(DaemonProxy&&) noexcept;
  ~DaemonProxy();

  // The daemon's name on the bus that no other process has or will have.
  [[nodiscard]] Answer<std::string> unique_name() const;
  [[nodiscard]] Answer<Overview> overview() const;
  // Units with settings of their own, by name. Units that lose them meanwhile are left out.
  [[nodiscard]] Answer<std::vector<UnitReport>> units() const;
  [[nodiscard]] Answer<Limits> limits() const;
  // The unit whose settings hold for `unit`.
  [[nodiscard]] Answer<UnitReport> stats(const std::string& unit) const;
  // What holds for `unit`, inherited and default settings included.
  [[nodiscard]] Answer<std::vector<UnitSetting>> settings(const std::string& unit) const;
  // What to read the trace of these units from.
  [[nodiscard]] Answer<Fd> record(const std::vector<std::string>& units, std::uint64_t for_usec) const;
  // attach (for a while), confirm, detach or reload.
  [[nodiscard]] Answer<void> order(const Options& options) const;

 private:
  class Bus;
  explicit DaemonProxy(std::unique_ptr<Bus> bus);
  std::unique_ptr<Bus> bus_;
};

}  // namespace slo::client
