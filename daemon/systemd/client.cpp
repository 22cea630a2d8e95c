// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/client.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/bus_names.h"
#include "systemd/client_messages.h"

namespace slo {
namespace {

// PID 1 answers nothing while it reloads, which takes it many seconds on a small busy machine.
constexpr std::uint64_t call_timeout_us = 90'000'000;
constexpr unsigned max_list_attempts = 3;

bool is_drop_in(const std::filesystem::path& file) {
  return file.parent_path().extension() == ".d";
}

}  // namespace

SystemdClient::SystemdClient(sd_bus* bus, Listener listener, std::filesystem::path cgroup_root)
    : bus_(bus), listener_(std::move(listener)), cgroup_root_(std::move(cgroup_root)) {
  add_match(
      "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged'"
      ","
      "arg0='org.freedesktop.systemd1'",
      on_owner_signal);
  add_match("type='signal',sender='org.freedesktop.systemd1',path_namespace='/org/freedesktop/systemd1'",
            on_systemd_signal);

  sd_bus_message* call = nullptr;
  check(sd_bus_message_new_method_call(bus_, &call, driver_name, driver_path, driver_name, "GetNameOwner"),
        "ask the bus for systemd");
  Message owned(call);
  check(sd_bus_message_append(call, "s", systemd_name), "ask the bus for systemd");
  send(std::move(owned), [this](sd_bus_message* reply) {
    const char* owner = nullptr;
    if (sd_bus_message_get_error(reply) == nullptr && sd_bus_message_read(reply, "s", &owner) >= 0)
      owner_ = owner;
  });
  subscribe();
}

SystemdClient::~SystemdClient() = default;

void SystemdClient::add_match(const char* rule, sd_bus_message_handler_t handler) {
  sd_bus_slot* slot = nullptr;
  check(sd_bus_add_match_async(bus_, &slot, rule, handler, nullptr, this), "follow systemd's signals");
  matches_.emplace_back(slot);
}

SystemdClient::Message SystemdClient::new_call(const char* path, const char* interface, const char* member) {
  sd_bus_message* call = nullptr;
  check(sd_bus_message_new_method_call(bus_, &call, systemd_name, path, interface, member), member);
  return Message(call);
}

void SystemdClient::send(Message message, Answer answer) {
  auto call = std::make_unique<Call>(Call{this, std::move(answer), nullptr});
  sd_bus_slot* slot = nullptr;
  check(sd_bus_call_async(bus_, &slot, message.get(), on_reply, call.get(), call_timeout_us), "call systemd");
  call->slot.reset(slot);
  Call* const key = call.get();
  calls_.emplace(key, std::move(call));
}

// systemd sends signals only while somebody is subscribed, and forgets who was when it executes itself anew.
void SystemdClient::subscribe() {
  send(new_call(systemd_path, systemd_manager_interface, "Subscribe"), [this](sd_bus_message* reply) {
    const sd_bus_error* error = sd_bus_message_get_error(reply);
    if (error != nullptr && sd_bus_error_has_name(error, "org.freedesktop.systemd1.AlreadySubscribed") == 0) {
      report({"subscribe to systemd's signals", "", 0, text_of(error)});
    }
  });
}

int SystemdClient::on_reply(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto* const call = static_cast<Call*>(userdata);
  SystemdClient* const self = call->client;
  return guard_callback(
      0, [self] { self->report_exception(); },
      [&] {
        const auto node = self->calls_.extract(call);
        node.mapped()->answer(reply);
        self->pump();
        return 1;
      });
}

int SystemdClient::on_systemd_signal(sd_bus_message* signal, void* userdata, sd_bus_error* /*error*/) {
  auto* const self = static_cast<SystemdClient*>(userdata);
  return guard_callback(
      0, [self] { self->report_exception(); },
      [&] {
        // Anyone may send a signal to us alone, and the match cannot tell: the sender's name in it is not a
        // unique one.
        const char* sender = sd_bus_message_get_sender(signal);
        if (sender == nullptr || self->owner_ != sender) return 0;
        if (sd_bus_message_is_signal(signal, systemd_manager_interface, "Reloading") > 0) {
          self->set_reloading(signal);
        } else if (self->reloading_ || self->list_awaited_) {
          return 0;  // the list to come is newer
        } else if (sd_bus_message_is_signal(signal, systemd_manager_interface, "UnitRemoved") > 0) {
          self->unit_removed(signal);
        } else if (sd_bus_message_is_signal(signal, properties_interface, "PropertiesChanged") > 0) {
          self->unit_changed(signal);
        }
        return 0;
      });
}

// PID 1 has left the bus, or is back after executing itself anew.
int SystemdClient::on_owner_signal(sd_bus_message* signal, void* userdata, sd_bus_error* /*error*/) {
  auto* const self = static_cast<SystemdClient*>(userdata);
  return guard_callback(
      0, [self] { self->report_exception(); },
      [&] {
        const char* name = nullptr;
        const char* before = nullptr;
        const char* after = nullptr;
        const char* sender = sd_bus_message_get_sender(signal);
        if (sender == nullptr || std::string_view(sender) != "org.freedesktop.DBus") return 0;
        if (sd_bus_message_read(signal, "sss", &name, &before, &after) < 0) return 0;
        self->owner_ = after;
        if (self->owner_.empty()) return 0;
        self->reloading_ = false;
        self->subscribe();
        self->request_list();
        return 0;
      });
}

// Whoever opened the bus notices its end; that all open questions fail then is no news.
void SystemdClient::report(const Error& error) const {
  if (sd_bus_is_open(bus_) > 0) listener_.failed(error);
}

void SystemdClient::report_exception() const {
  try {
    throw;
  } catch (const std::exception& error) {
    report({"handle a message of systemd", "", 0, error.what()});
  }
}

void SystemdClient::request_list() {
  listener_.awaited();
  list_attempts_ = 0;
  send_list();
}

// First the directories with unit files, whose settings count whether systemd has loaded the unit or not;
// then what it has loaded.
void SystemdClient::send_list() {
  const std::uint64_t serial = ++list_serial_;
  ++list_attempts_;
  list_awaited_ = true;
  list_reading_ = false;
  Message call = new_call(systemd_path, properties_interface, "Get");
  check(sd_bus_message_append(call.get(), "ss", systemd_manager_interface, "UnitPath"), "ask for UnitPath");
  send(std::move(call), [this, serial](sd_bus_message* reply) {
    if (serial == list_serial_) search_answered(reply);
  });
}

void SystemdClient::search_answered(sd_bus_message* reply) {
  std::vector<std::string> unit_path;
  if (const sd_bus_error* error = sd_bus_message_get_error(reply); error != nullptr) {
    list_failed(text_of(error));
    return;
  }
  if (!read_strings_variant(reply, unit_path)) {
    list_failed("its answer is malformed");
    return;
  }
  unit_path_.assign(unit_path.begin(), unit_path.end());
  const UnitDirectories directories(unit_path_);
  with_settings_ = directories.with_settings();
  listener_.patterns(directories.patterns());
  Message call = new_call(systemd_path, systemd_manager_interface, "ListUnitsByPatterns");
  check(sd_bus_message_append(call.get(), "asas", 1, "loaded", 3, "*.service", "*.scope", "*.slice"),
        "list units");
  send(std::move(call), [this, serial = list_serial_](sd_bus_message* answer) {
    if (serial == list_serial_) list_answered(answer);
  });
}

void SystemdClient::list_answered(sd_bus_message* reply) {
  std::vector<ListedUnit> units;
  if (const sd_bus_error* error = sd_bus_message_get_error(reply); error != nullptr) {
    list_failed(text_of(error));
    return;
  }
  if (!read_list(reply, units)) {
    list_failed("its answer is malformed");
    return;
  }
  list_awaited_ = false;
  list_reading_ = true;
  list_damaged_ = false;
  list_pending_ = 0;
  entries_.clear();
  queue_.clear();
  for (ListedUnit& unit : units) add_listed(std::move(unit));
  for (const std::string& name : with_settings_) {
    if (!entries_.contains(name)) add_listed({.name = name, .path = unit_path(name), .active = false});
  }
  pump();
  deliver_list();
}

void SystemdClient::add_listed(ListedUnit unit) {
  Entry& entry = entries_[unit.name];
  entry.id = next_id_++;
  entry.has_settings = with_settings_.contains(unit.name);
  entry.fact.name = std::move(unit.name);
  entry.path = std::move(unit.path);
  entry.active = unit.active;
  entry.in_list = true;
  ++list_pending_;
  enqueue(entry);
}

void SystemdClient::list_failed(const std::string& why) {
  list_awaited_ = false;
  list_reading_ = false;
  if (sd_bus_is_open(bus_) <= 0) return;  // whoever connects again asks for a list
  if (list_attempts_ < max_list_attempts) {
    send_list();
  } else {
    listener_.listed(std::unexpected(Error{"list systemd's units", "", 0, why}));
  }
}

// Once every unit of the list has been read. A unit that could not be read would look as if it were gone, so
// a list with such holes is no list.
void SystemdClient::deliver_list() {
  if (!list_reading_ || list_pending_ > 0) return;
  if (list_damaged_) {
    list_failed("it did not answer for each of them");
    return;
  }
  list_reading_ = false;
  std::vector<UnitFact> facts;
  for (const auto& [name, entry] : entries_) {
    if (entry.complete) facts.push_back(entry.fact);
  }
  listener_.listed(facts);
}

void SystemdClient::set_reloading(sd_bus_message* signal) {
  int active = 0;
  if (sd_bus_message_read(signal, "b", &active) < 0) return;
  reloading_ = active != 0;
  // systemd takes all units out and in again meanwhile; what it has afterwards is read once, as a list.
  if (!reloading_) {
    request_list();
  } else if (!list_awaited_ && !list_reading_) {
    listener_.awaited();
    read_ahead();
  }
}

// Beside work that takes all it can get PID 1 needs ten times as long to read its files, and to answer, and
// only the first budget may be what ends that. So a unit that runs and has settings for the first time is
// believed by its files now; the list that follows has systemd's word on what they amount to.
void SystemdClient::read_ahead() {
  const UnitDirectories directories(unit_path_);
  for (const std::string& name : directories.with_settings()) {
    const auto found = entries_.find(name);
    if (with_settings_.contains(name) || found == entries_.end() || !found->second.complete) continue;
    UnitFact fact = found->second.fact;
    // Its unit file is where systemd found it.
    std::erase_if(fact.files, is_drop_in);
    std::ranges::copy_if(directories.files_of(name), std::back_inserter(fact.files), is_drop_in);
    fact.needs_daemon_reload = false;  // that is what happens right now
    listener_.gone(name);  // so that a file which was there before, without settings, is read anew
    listener_.changed(fact);
  }
}

void SystemdClient::unit_removed(sd_bus_message* signal) {
  const char* name = nullptr;
  if (sd_bus_message_read(signal, "so", &name, nullptr) < 0) return;
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  if (found->second.has_settings) {
    // That it stopped was said before. Loaded anew it may have other files: those of a transient unit.
    found->second.files_known = false;
    return;
  }
  const bool listed = found->second.in_list;
  const std::string removed = found->first;
  entries_.erase(found);
  if (listed) --list_pending_;
  if (list_reading_) {
    deliver_list();
  } else {
    listener_.gone(removed);
  }
}

void SystemdClient::unit_changed(sd_bus_message* signal) {
  const char* interface = nullptr;
  const char* path = sd_bus_message_get_path(signal);
  const auto name = unit_name(path);
  if (!name || sd_bus_message_read(signal, "s", &interface) < 0 ||
      std::string_view(interface) != systemd_unit_interface)
    return;
  UnitChange change;
  if (!read_unit_change(signal, change) || change.active_state.empty()) return;

  auto found = entries_.find(*name);
  if (found == entries_.end()) {
    if (!is_active(change.active_state)) return;
    found = entries_.emplace(*name, Entry{}).first;
    found->second.id = next_id_++;
    found->second.fact.name = *name;
    found->second.path = path;
  }
  Entry& entry = found->second;
  // Most signals are about something else; the first after the unit has got its cgroup is not to be missed.
  const bool settled = entry.complete && (entry.fact.cgroup_id != 0 || !is_active(change.active_state));
  if (settled && !entry.busy && change == entry.last_change) return;
  entry.active = is_active(change.active_state);
  entry.last_change = std::move(change);
  enqueue(entry);
  pump();
}

}  // namespace slo
