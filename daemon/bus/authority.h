// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

struct sd_bus;

namespace slo {

// Who may order something: root, and whomever polkit allows. Never blocks: a person at a password prompt may
// take minutes, and the caller may be gone by then.
class Authority {
 public:
  // Called once, later, from the event loop: nothing when allowed, else the error for the caller.
  using Verdict = std::function<void(std::optional<sdbus::Error> denied)>;

  // `bus` is what `connection` was made of; both outlive this object.
  Authority(sd_bus* bus, sdbus::IConnection& connection);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // Only inside the handler of a method call: the sender of that call is judged. Action: an id of
  // org.scxslo.policy.
  void check(const std::string& action, Verdict verdict);
  // The same for an order whose answer is that it has been carried out: `order` answers with what went wrong.
  void when_allowed(const std::string& action, sdbus::Result<>&& result,
                    std::function<std::optional<sdbus::Error>()> order);

 private:
  void ask_polkit(const std::string& sender, const std::string& action, bool interactive, Verdict verdict);

  sd_bus* bus_;
  std::unique_ptr<sdbus::IProxy> bus_driver_;
  std::unique_ptr<sdbus::IProxy> polkit_;
};

}  // namespace slo
