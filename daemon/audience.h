// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "attachment/keeper.h"
#include "attachment/teller.h"
#include "base/error.h"
#include "base/unit_name.h"
#include "figures/limits.h"
#include "figures/misses.h"
#include "load/leaning.h"
#include "load/shedding.h"
#include "settings/config_problem.h"

namespace slo {

// Who is told what happens; each takes what concerns it. Calls come from inside the manager's methods: do not
// call back into it.
class Audience : public AttachmentAudience {
 public:
  // These may be configured, or not, or otherwise than before; none: what concerns no single unit.
  virtual void units_changed(const NameSet& /*names*/) {}
  virtual void config_problem(const ConfigProblem& /*problem*/) {}  // log it, once
  virtual void deadline_missed(const MissReport& /*report*/) {}     // rate-limited: see MissReports
  virtual void shed_changed(const ShedChange& /*change*/) {}        // log it
  virtual void leans(const Leaner& /*leaner*/) {}                   // log it
  // What is not honoured is different now; what is new of it is to be logged.
  virtual void unkept_changed(const std::vector<UnkeptSetting>& /*news*/) {}
  virtual void pending_changed(const PendingNews& /*news*/) {}  // log it
};

// Tells everyone in turn. They outlive this object.
class Audiences final : public Audience {
 public:
  explicit Audiences(std::vector<Audience*> members) : members_(std::move(members)) {}

  void state_changed(State state, const std::string& reason) override {
    for (auto* member : members_) member->state_changed(state, reason);
  }
  void units_changed(const NameSet& names) override {
    for (auto* member : members_) member->units_changed(names);
  }
  void config_problem(const ConfigProblem& problem) override {
    for (auto* member : members_) member->config_problem(problem);
  }
  void scheduler_ended(const SchedulerExit& exit) override {
    for (auto* member : members_) member->scheduler_ended(exit);
  }
  void scheduler_renewed(std::uint64_t gap_ns) override {
    for (auto* member : members_) member->scheduler_renewed(gap_ns);
  }
  void deadline_missed(const MissReport& report) override {
    for (auto* member : members_) member->deadline_missed(report);
  }
  void shed_changed(const ShedChange& change) override {
    for (auto* member : members_) member->shed_changed(change);
  }
  void leans(const Leaner& leaner) override {
    for (auto* member : members_) member->leans(leaner);
  }
  void unkept_changed(const std::vector<UnkeptSetting>& news) override {
    for (auto* member : members_) member->unkept_changed(news);
  }
  void pending_changed(const PendingNews& news) override {
    for (auto* member : members_) member->pending_changed(news);
  }
  void failed(const Error& error) override {
    for (auto* member : members_) member->failed(error);
  }

 private:
  std::vector<Audience*> members_;
};

}  // namespace slo
