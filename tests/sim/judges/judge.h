// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../machine/observer.h"

namespace slo::sim {

// Something that a judge finds wrong. Those of one kind are taken for one fault.
struct Complaint {
  std::string_view kind;
  std::uint64_t at_ns = 0;
  std::string what;
};

// An observer that complains: of each kind once.
class Judge : public Observer {
 public:
  [[nodiscard]] const std::vector<Complaint>& complaints() const { return complaints_; }

 protected:
  [[nodiscard]] bool has_complained(std::string_view kind) const {
    for (const Complaint& complaint : complaints_)
      if (complaint.kind == kind) return true;
    return false;
  }
  void complain(std::string_view kind, std::uint64_t at_ns, std::string what) {
    if (!has_complained(kind)) complaints_.push_back({kind, at_ns, std::move(what)});
  }

 private:
  std::vector<Complaint> complaints_;
};

}  // namespace slo::sim
