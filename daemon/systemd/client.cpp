// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/client.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <ranges>
#include <system_error>
#include <utility>

#include "base/bus_names.h"
#include "systemd/client_messages.h"

namespace slo {
namespace {

// PID 1 answers nothing while it reloads, which takes it many seconds on a small busy machine.
constexpr std::uint64_t call_timeout_us = 90'000'000;

bool is_drop_in(const std::string& file) {
  return std::filesystem::path(file).parent_path().extension() == ".d";
}

}  // namespace

SystemdClient::SystemdClient(sd_bus* bus, UnitFiles& files, Listener listener,
                             std::filesystem::path cgroup_root, std::uint64_t list_pause_usec)
    : bus_(bus),
      files_(files),
      listener_(std::move(listener)),
      cgroup_root_(std::move(cgroup_root)),
      list_pause_usec_(list_pause_usec) {
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
  const auto report = [self] { self->report_exception(); };
  guard_callback(0, report, [&] {
    const auto node = self->calls_.extract(call);
    node.mapped()->answer(reply);
    return 0;
  });
  // What went wrong with one unit does not hold up the others.
  return guard_callback(0, report, [&] {
    self->go_on();
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
        } else if (sd_bus_message_is_signal(signal, systemd_manager_interface, "UnitRemoved") > 0) {
          self->unit_removed(signal);
        } else if (sd_bus_message_is_signal(signal, properties_interface, "PropertiesChanged") > 0) {
          self->unit_changed(signal);
        }
        self->go_on();
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
        self->doubt_all();
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

// What PID 1 said while it was away is not known.
void SystemdClient::doubt_all() {
  ++reloads_;
  for (Entry& entry : std::views::values(entries_)) {
    entry.stamps.clear();
    entry.state = {};
  }
}

void SystemdClient::set_reloading(sd_bus_message* signal) {
  int active = 0;
  if (sd_bus_message_read(signal, "b", &active) < 0) return;
  reloading_ = active != 0;
  files_.end_look();
  // systemd takes all units out and in again meanwhile; what it has afterwards is listed once.
  if (!reloading_) {
    ++reloads_;
    request_list();
  } else if (list_ == ListStage::none) {
    listener_.awaited();
    read_ahead();
  }
}

// Beside work that takes all it can get PID 1 needs ten times as long to read its files, and to answer, and
// only the first budget may be what ends that. So a unit that runs and has settings for the first time is
// believed by its files now; the list that follows has systemd's word on what they amount to.
void SystemdClient::read_ahead() {
  if (!directories_ || !with_settings_.empty()) return;
  directories_->follow_all(realtime_ns());
  for (const std::string& name : directories_->with_settings()) {
    const auto found = entries_.find(name);
    if (with_settings_.contains(name) || found == entries_.end() || !found->second.complete) continue;
    UnitFact& fact = found->second.fact;
    // Its unit file is where systemd found it.
    std::erase_if(fact.files, is_drop_in);
    std::ranges::copy_if(directories_->files_of(name), std::back_inserter(fact.files), is_drop_in);
    fact.needs_daemon_reload = false;  // that is what happens right now
    fact.reload = reloads_ + 1;
    found->second.stamps.clear();  // a guess, whatever a search makes of it
    listener_.changed(fact);
  }
}

void SystemdClient::unit_removed(sd_bus_message* signal) {
  const char* name = nullptr;
  if (sd_bus_message_read(signal, "so", &name, nullptr) < 0) return;
  const auto found = entries_.find(name);
  if (found == entries_.end() || reloading_) return;
  // A list that has been asked for says whether it is there again. Of one with settings it was said before
  // that it stopped. Loaded anew it may have other files: those of a transient unit.
  if (list_ == ListStage::awaited || found->second.has_settings) {
    found->second.files_of = 0;
    found->second.reading_files_of = 0;
    return;
  }
  const std::string removed = found->first;
  if (found->second.in_list) --list_pending_;
  entries_.erase(found);
  listener_.gone(removed);
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
  if (reloading_) {
    // All units may be announced; the list that follows settles which of them run, and where.
    if (found != entries_.end() && !is_same_state(found->second.state, change)) found->second.state = {};
    return;
  }
  if (found == entries_.end()) {
    if (!is_active(change.active_state)) return;
    found = entries_.emplace(*name, Entry{}).first;
    found->second.id = next_id_++;
    found->second.fact.name = *name;
    found->second.path = path;
  }
  Entry& entry = found->second;
  const bool news = is_news(entry, change);
  entry.active = is_active(change.active_state);
  entry.state = std::move(change);
  if (news) enqueue(entry, true);
}

bool SystemdClient::any_has_settings(std::span<const std::string> files) const {
  return std::ranges::any_of(files, as_known(files_).has_settings);
}

std::vector<std::optional<FileStamp>> SystemdClient::stamps_of(std::span<const std::string> files) const {
  std::vector<std::optional<FileStamp>> stamps;
  for (const auto& file : files) stamps.push_back(files_.stamp(file));
  return stamps;
}

// Most signals are about something else; the first after the unit has got its cgroup is not to be missed.
// A list does not tell one run of a unit from the next, but their cgroups do.
bool SystemdClient::is_news(const Entry& entry, const UnitChange& change) const {
  const bool settled = entry.complete && (entry.fact.cgroup_id != 0 || !is_active(change.active_state));
  if (!settled || entry.queued || entry.awaited > 0) return true;
  if (change == entry.state) return false;
  return !is_same_state(change, entry.state) || !entry.state.invocation.empty() ||
         cgroup_id(entry.fact.control_group) != entry.fact.cgroup_id;
}

}  // namespace slo
