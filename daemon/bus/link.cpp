// SPDX-License-Identifier: GPL-2.0-only
#include "bus/link.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-bus.h>

#include <cstdint>
#include <exception>
#include <utility>

#include "base/bus_names.h"
#include "base/handle.h"

namespace slo {
namespace {

constexpr std::uint32_t primary_owner = 1;  // DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER

}  // namespace

BusLink::BusLink(sd_event* event, Self self, Log log)
    : event_(event), self_(std::move(self)), log_(std::move(log)), inner_(event) {}

BusLink::~BusLink() {
  disconnect();
}

void BusLink::connect(Manager& manager) {
  objects_ = std::make_unique<BusManager>(inner_, event_, manager, self_);
  log_control_ = std::make_unique<BusLogControl>(inner_.objects(), self_.log_target);
  open();
}

void BusLink::open() {
  bus_ = std::make_unique<SystemBus>(event_, "scx-slod",
                                     [this](const Result<void>& outcome) { opened(outcome); });
}

void BusLink::opened(const Result<void>& outcome) {
  if (!outcome) {
    lost(outcome.error());
    return;
  }
  try {
    appear();
  } catch (const std::exception& error) {
    lost({.tried = "appear on the system bus", .advice = error.what()});
  }
}

void BusLink::appear() {
  gate_ = std::make_unique<Gate>(bus_->get(), inner_.asking(), event_);
  sd_bus_slot* slot = nullptr;
  check(sd_bus_request_name_async(bus_->get(), &slot, bus_name, 0, on_name, this), "own the bus name");
  name_.reset(slot);
}

int BusLink::on_name(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto* const self = static_cast<BusLink*>(userdata);
  return guard_callback(
      0, [] {},
      [&] {
        const sd_bus_error* const error = sd_bus_message_get_error(reply);
        std::uint32_t owner = 0;
        if (error != nullptr || sd_bus_message_read(reply, "u", &owner) < 0 || owner != primary_owner) {
          self->lost({.tried = "own the name",
                      .subject = bus_name,
                      .advice = error != nullptr ? error->message : "somebody else has it"});
          return 1;
        }
        self->named_.emplace();
        if (std::exchange(self->lost_, false)) spdlog::info("connected to the system bus again");
        return 1;
      });
}

// Said once until it is back; tend() connects again.
void BusLink::lost(const Error& error) {
  if (!named_) named_ = std::unexpected(error);
  if (bus_) sd_bus_close(bus_->get());
  if (std::exchange(lost_, true)) return;
  log_({.tried = error.tried,
        .subject = error.subject,
        .advice = error.advice + "; what is enforced stays so; trying again every second"});
}

void BusLink::close() {
  name_.reset();
  gate_.reset();
  bus_.reset();
}

void BusLink::disconnect() {
  close();
  log_control_.reset();
  objects_.reset();
}

void BusLink::list_ended(const Result<void>& outcome) {
  if (objects_) objects_->list_ended(outcome);
}

void BusLink::tend() {
  if (bus_ && bus_->is_open()) return;
  lost({.tried = "reach the system bus", .advice = "it has gone"});
  close();
  try {
    open();
  } catch (const std::exception&) {  // said above
    close();
  }
}

void BusLink::state_changed(State state, const std::string& reason) {
  if (objects_) objects_->state_changed(state, reason);
}

void BusLink::units_changed(const NameSet& names) {
  if (objects_) objects_->units_changed(names);
}

void BusLink::unkept_changed(const std::vector<UnkeptSetting>& /*news*/) {
  if (objects_) objects_->changed();
}

void BusLink::deadline_missed(const MissReport& report) {
  if (objects_) objects_->deadline_missed(report);
}

void BusLink::config_problem(const ConfigProblem& /*problem*/) {
  if (objects_) objects_->changed();
}

}  // namespace slo
