// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-event.h>

#include <cstdint>
#include <memory>

#include "settings/unit_files.h"
#include "systemd/client.h"
#include "systemd/system_bus.h"
#include "units/source.h"

namespace slo {

// The way to PID 1, on a connection of its own: whoever floods the daemon's other one does not keep the word
// on a started unit waiting. Connects again when it is lost, and asks again for what PID 1 did not tell.
class SystemdLink final : public UnitSource {
 public:
  // The event loop and the files outlive this object.
  SystemdLink(sd_event* event, UnitFiles& files) : event_(event), files_(files) {}
  SystemdLink(const SystemdLink&) = delete;
  SystemdLink& operator=(const SystemdLink&) = delete;

  // Begins, and asks for the first list. Throws std::system_error. What the listener calls lives until
  // disconnect().
  void connect(SystemdClient::Listener listener);
  void disconnect();
  // About once a second.
  void tend(std::uint64_t now_ns);
  void request_list() override;
  // Something that PID 1 was asked for has not come, and will be asked for again: what is known of units may
  // not be what is.
  [[nodiscard]] bool is_behind() const { return owed_ || lost_; }

 private:
  void open();
  void lost(const Error& error);
  void take_list(const Result<std::vector<UnitFact>>& facts);
  void ask_again(std::uint64_t now_ns);

  sd_event* event_;
  UnitFiles& files_;
  SystemdClient::Listener listener_;
  std::unique_ptr<SystemBus> bus_;
  std::unique_ptr<SystemdClient> client_;
  bool owed_ = false;           // a list that failed, or a unit that could not be read
  std::uint64_t again_ns_ = 0;  // when it is asked for again; 0: still to be decided
  std::uint64_t wait_ns_ = 0;   // how long the last wait was
  bool lost_ = false;
};

}  // namespace slo
