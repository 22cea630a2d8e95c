// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/link.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace slo {
namespace {

constexpr std::uint64_t first_wait_ns = 1'000'000'000;
constexpr std::uint64_t longest_wait_ns = 60'000'000'000;

}  // namespace

void SystemdLink::connect(SystemdClient::Listener listener) {
  listener_ = std::move(listener);
  open();
}

void SystemdLink::open() {
  bus_ = std::make_unique<SystemBus>(event_, "scx-slod-systemd", [this](const Result<void>& outcome) {
    if (!outcome) {
      lost(outcome.error());
    } else if (std::exchange(lost_, false)) {
      spdlog::info("connected to systemd again");
    }
  });
  auto listener = listener_;
  listener.listed = [this](const Result<std::vector<UnitFact>>& facts) { take_list(facts); };
  client_ = std::make_unique<SystemdClient>(bus_->get(), files_, std::move(listener));
  client_->request_list();
}

void SystemdLink::disconnect() {
  client_.reset();
  bus_.reset();
}

// Said once until it is back.
void SystemdLink::lost(const Error& error) {
  if (std::exchange(lost_, true)) return;
  listener_.failed(
      {.tried = error.tried,
       .subject = error.subject,
       .advice = error.advice +
                 "; what is known of units stays in force; trying to reach systemd again every second"});
}

void SystemdLink::take_list(const Result<std::vector<UnitFact>>& facts) {
  owed_ = !facts;
  again_ns_ = 0;
  if (facts) wait_ns_ = 0;
  listener_.listed(facts);
}

void SystemdLink::request_list() {
  if (client_) {
    client_->request_list();
  } else {  // connecting asks for one; who waits is not to wait that long
    listener_.listed(
        std::unexpected(Error{.tried = "list systemd's units", .advice = "the system bus is gone"}));
  }
}

void SystemdLink::tend(std::uint64_t now_ns) {
  if (bus_ && bus_->is_open()) {
    if (client_->take_unread()) owed_ = true;
    if (owed_) ask_again(now_ns);
    client_->look_at_files();
    return;
  }
  lost({.tried = "reach systemd", .advice = "the system bus has gone"});
  disconnect();
  try {
    open();
  } catch (const std::exception&) {  // said above
    disconnect();
  }
}

void SystemdLink::ask_again(std::uint64_t now_ns) {
  if (again_ns_ == 0) {
    wait_ns_ = std::clamp(2 * wait_ns_, first_wait_ns, longest_wait_ns);
    again_ns_ = now_ns + wait_ns_;
  } else if (now_ns >= again_ns_) {
    again_ns_ = UINT64_MAX;  // the list that is asked for now, or its failure, decides anew
    client_->request_list();
  }
}

}  // namespace slo
