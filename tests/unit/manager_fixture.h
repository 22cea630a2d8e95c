// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bpf/abi/slo_abi.h"
#include "manager.h"
#include "tests/unit/fakes.h"

namespace slo {

using fakes::fact;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A manager amid fakes; a test says what they answer and looks at what they were told.
class ManagerTest : public testing::Test {
 protected:
  static constexpr std::uint64_t sec = SLO_NSEC_PER_SEC;
  static constexpr std::uint32_t cpus = 2;

  void budget(const std::string& unit, const std::string& value) { files_.budgets["/etc/" + unit] = value; }

  // One running unit with a budget: enough to attach for.
  void start() {
    budget("a.service", "5ms");
    manager().units_listed({fakes::fact("a.service", 11)});
  }

  Manager& manager() {
    if (!manager_) {
      Surroundings around{.kernel = kernel_,
                          .source = source_,
                          .audience = listener_,
                          .read_unit_files = files_.reader(),
                          .read_config = [this] { return reading_; },
                          .check_requirements =
                              [this] {
                                ++checks_;
                                return found_;
                              },
                          .find_unkept =
                              [this](bool strict) {
                                ++looks_;
                                looked_strictly_ = strict;
                                return set_and_unkept_;
                              },
                          .keep_latch = [this](const Latch& latch) -> Result<void> {
                            attaches_when_kept_ = kernel_.attaches;
                            ++keeps_;
                            if (latch_error_) return std::unexpected(*latch_error_);
                            latch_ = latch;
                            return {};
                          },
                          .now =
                              [this] {
                                ++now_.boot_ns;  // time never stands still
                                return now_;
                              },
                          .loading =
                              [this](bool begins) {
                                EXPECT_NE(loading_, begins);
                                loading_ = begins;
                                if (begins) ++loads_;
                              },
                          .hurrying =
                              [this](bool begins) {
                                EXPECT_NE(hurrying_, begins);
                                hurrying_ = begins;
                                if (begins) ++hurries_;
                              },
                          .load_recorder = [this] { return recorder_.load(); },
                          .machine = [] { return Machine{.cpus = cpus, .kernel = "6.99.1-test"}; },
                          .tick_often = [this](bool often) { often_ = often; }};
      manager_.emplace(std::move(around), reading_, latch_);
    }
    return *manager_;
  }

  // kill -9, and the next daemon starts.
  void start_again() {
    manager_.reset();
    kernel_.detach();
    start();
  }

  void pass(std::uint64_t seconds) {
    now_.boot_ns += seconds * sec;
    now_.monotonic_ns += seconds * sec;
    manager().tick();
  }

  void end(const SchedulerExit& exit) {
    kernel_.exit = exit;
    manager().tick();
  }

  // Lets the kernel count jobs for a unit.
  void count(const std::string& unit, slo_u64 jobs) {
    kernel_.counted[manager().units().at(unit).slot].jobs += jobs;
  }

  [[nodiscard]] std::uint64_t jobs(std::string_view unit) { return manager().stats(unit).value().jobs; }

  fakes::Files files_;
  fakes::Kernel kernel_;
  fakes::Source source_;
  fakes::Listener listener_;
  ConfigReading reading_;
  Requirements found_;
  Latch latch_;
  std::optional<Error> latch_error_;
  fakes::Recorder recorder_;
  bool often_ = false;
  Instant now_{.boot_ns = 5000 * sec, .monotonic_ns = 1000 * sec};
  int checks_ = 0;
  std::vector<UnkeptSetting> set_and_unkept_;
  int looks_ = 0;
  bool looked_strictly_ = false;
  bool loading_ = false;
  int loads_ = 0;
  bool hurrying_ = false;
  int hurries_ = 0;
  int attaches_when_kept_ = -1;
  int keeps_ = 0;  // attempts to write the latch down

 private:
  std::optional<Manager> manager_;
};

}  // namespace slo
