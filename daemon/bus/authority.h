// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "bus/message.h"

namespace slo {

// Why an order is not carried out, as an error of D-Bus.
struct Denial {
  std::string name;
  std::string text;
};

// Who may order something: root, and whomever polkit allows. Never waits: a person at a password prompt may
// take minutes, and the caller may be gone by then.
class Authority {
 public:
  // Called once: at once for root, else from the event loop. Nothing: allowed.
  using Verdict = std::function<void(const std::optional<Denial>& denied)>;

  // The bus outlives this object.
  explicit Authority(sd_bus* bus) : bus_(bus) {}
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // The sender of the call, whose user is given, wants to do what an action of org.scxslo.policy is about.
  // One question per user, and `most_checks` in all, are open at a time.
  void check(std::uint32_t uid, const char* action, sd_bus_message* call, Verdict verdict);

 private:
  static constexpr std::size_t most_checks = 16;
  struct Check {
    Authority* authority;
    std::uint32_t uid;
    std::string action;
    Verdict verdict;
    Slot slot;
  };

  static int on_answer(sd_bus_message* reply, void* userdata, sd_bus_error* error);
  [[nodiscard]] int ask_polkit(Check& check, sd_bus_message* call);

  sd_bus* bus_;
  std::map<std::uint32_t, Check> checks_;  // by user
};

}  // namespace slo
