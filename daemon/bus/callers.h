// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "bus/message.h"

namespace slo {

// Which user is behind a name on the bus. Asking the process itself would be racy, and the library's own
// question waits; the bus knows, and is asked once for each connection.
class Callers {
 public:
  // Nothing: the bus does not say, or too many are being asked about.
  using Found = std::function<void(std::optional<std::uint32_t> uid)>;

  // The bus outlives this object. Throws std::system_error.
  explicit Callers(sd_bus* bus);
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  // Called at once where it is known, else from the event loop; in the order of the questions of one sender.
  void find(const std::string& sender, Found found);

 private:
  static constexpr std::size_t most_known = 4096;
  static constexpr std::size_t most_asked = 100;
  static constexpr std::size_t most_per_sender = 16;

  struct Question {
    Callers* callers;
    std::string sender;
    std::vector<Found> waiting;
    Slot slot;
  };

  static int on_answer(sd_bus_message* reply, void* userdata, sd_bus_error* error);
  static int on_gone(sd_bus_message* signal, void* userdata, sd_bus_error* error);
  void ask(const std::string& sender, Found found);

  sd_bus* bus_;
  Slot gone_;
  std::unordered_map<std::string, std::uint32_t> known_;
  std::map<std::string, Question> asked_;
};

}  // namespace slo
