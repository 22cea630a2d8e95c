// SPDX-License-Identifier: GPL-2.0-only
// When all units are listed, and which of them are asked about then.
#include <algorithm>
#include <ranges>
#include <utility>

#include "base/bus_names.h"
#include "systemd/client.h"
#include "systemd/client_messages.h"

namespace slo {
namespace {

constexpr unsigned max_list_attempts = 3;
// However often a list is asked for while one is under way: what has been read is told after so many.
constexpr unsigned max_superseded = 3;
// Units that are told one by one as they are read. Where more of them may have changed it is less work for
// all to take them at once, and before the first list is in nobody acts on any.
constexpr unsigned most_told_each = 256;
constexpr std::uint64_t pause_slack_usec = 10'000;

}  // namespace

void SystemdClient::request_list() {
  listener_.awaited();
  if (list_ == ListStage::none)
    begin_list();
  else
    list_wanted_ = true;
}

// Each reload of systemd wants a list, and each list takes PID 1 time that others wait for.
void SystemdClient::begin_list() {
  list_wanted_ = false;
  list_attempts_ = 0;
  sd_event* const event = sd_bus_get_event(bus_);
  std::uint64_t now_usec = 0;
  check(sd_event_now(event, CLOCK_MONOTONIC, &now_usec), "look at the clock");
  if (now_usec < next_list_usec_) {
    sd_event_source* source = nullptr;
    check(sd_event_add_time(event, &source, CLOCK_MONOTONIC, next_list_usec_, pause_slack_usec, on_pause_over,
                            this),
          "wait with the next list");
    pause_.reset(source);
    list_ = ListStage::deferred;
    return;
  }
  next_list_usec_ = now_usec + list_pause_usec_;
  send_list();
}

int SystemdClient::on_pause_over(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* userdata) {
  auto* const self = static_cast<SystemdClient*>(userdata);
  return guard_callback(
      0, [self] { self->report_exception(); },
      [self] {
        self->begin_list();
        return 0;
      });
}

// First the directories with unit files, whose settings count whether systemd has loaded the unit or not;
// then what it has loaded.
void SystemdClient::send_list() {
  ++list_attempts_;
  list_ = ListStage::awaited;
  Message call = new_call(systemd_path, properties_interface, "Get");
  check(sd_bus_message_append(call.get(), "ss", systemd_manager_interface, "UnitPath"), "ask for UnitPath");
  send(std::move(call), [this](sd_bus_message* reply) { search_answered(reply); });
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
  search({unit_path.begin(), unit_path.end()});
  with_settings_ = directories_->with_settings();
  listener_.patterns(directories_->patterns());
  Message call = new_call(systemd_path, systemd_manager_interface, "ListUnitsByPatterns");
  check(sd_bus_message_append(call.get(), "asas", 1, "loaded", 3, "*.service", "*.scope", "*.slice"),
        "list units");
  send(std::move(call), [this](sd_bus_message* answer) { list_answered(answer); });
}

// Most directories are as they were.
void SystemdClient::search(std::vector<std::string> unit_path) {
  files_.begin_look();
  if (directories_ && unit_path == unit_path_) {
    directories_->follow_all(realtime_ns());
    return;
  }
  unit_path_ = std::move(unit_path);
  directories_.emplace(unit_path_, as_known(files_), realtime_ns());
}

std::uint64_t SystemdClient::realtime_ns() const {
  std::uint64_t now_usec = 0;
  check(sd_event_now(sd_bus_get_event(bus_), CLOCK_REALTIME, &now_usec), "look at the clock");
  return now_usec * SLO_NSEC_PER_USEC;
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
  list_ = ListStage::reading;
  list_damaged_ = false;
  std::set<std::string_view> names;
  for (const ListedUnit& unit : units) {
    add_listed(unit, true);
    names.insert(unit.name);
  }
  for (const std::string& name : with_settings_) {
    if (names.insert(name).second)
      add_listed({.name = name, .path = unit_path(name), .state = {.active_state = "inactive"}}, false);
  }
  files_.end_look();
  forget_all_but(names);
  tells_each_ = listed_once_ && list_pending_ <= most_told_each;
}

void SystemdClient::add_listed(const ListedUnit& unit, bool loaded) {
  const auto [at, is_new] = entries_.try_emplace(unit.name);
  Entry& entry = at->second;
  if (is_new) {
    entry.id = next_id_++;
    entry.fact.name = unit.name;
  }
  entry.path = unit.path;
  entry.has_settings = with_settings_.contains(unit.name);
  entry.looked_at = entry.looked_at || entry.has_settings;
  const bool being_read = entry.awaited > 0;
  const bool files_as_read =
      (being_read && entry.reads_files && entry.reading_files_of == reloads_) || has_files_as_read(entry);
  const bool as_read = files_as_read && is_as_read(entry, unit.state);
  if (!is_same_state(entry.state, unit.state)) entry.state = unit.state;
  entry.active = is_active(unit.state.active_state);
  // What is not loaded is read by systemd when it is, and may be something else by then.
  if (!files_as_read || !loaded)
    entry.files_of = entry.reading_files_of = 0;
  else if (!being_read)
    entry.files_of = reloads_;
  if (as_read && !entry.queued && !being_read) return;
  if (!std::exchange(entry.in_list, true)) ++list_pending_;
  if (!as_read) enqueue(entry, false);
}

bool SystemdClient::has_files_as_read(const Entry& entry) const {
  const UnitFact& fact = entry.fact;
  return entry.complete && !entry.failed && !fact.needs_daemon_reload &&
         !directories_->has_alias(fact.name) && directories_->files_of(fact.name) == fact.files &&
         stamps_of(fact.files) == entry.stamps;
}

// A unit may go on without a process, and then has no cgroup.
bool SystemdClient::is_as_read(const Entry& entry, const UnitChange& state) const {
  if (entry.state.active_state.empty() || entry.active != is_active(state.active_state)) return false;
  if (!entry.active) return true;
  if (!is_same_state(entry.state, state)) return false;
  return entry.fact.cgroup_id == 0 ? state.sub_state == "exited"
                                   : cgroup_id(entry.fact.control_group) == entry.fact.cgroup_id;
}

void SystemdClient::forget_all_but(const std::set<std::string_view>& names) {
  std::vector<std::string> vanished;
  for (const auto& name : std::views::keys(entries_)) {
    if (!names.contains(name)) vanished.push_back(name);
  }
  for (const auto& name : vanished) {
    entries_.erase(name);
    listener_.gone(name);
  }
}

void SystemdClient::list_failed(const std::string& why) {
  files_.end_look();
  list_ = ListStage::none;
  if (sd_bus_is_open(bus_) <= 0) return;  // whoever connects again asks for a list
  if (list_wanted_) {
    begin_list();
  } else if (list_attempts_ < max_list_attempts) {
    send_list();
  } else {
    listener_.listed(std::unexpected(Error{"list systemd's units", "", 0, why}));
  }
}

// Once every unit of the list has been read. A unit that could not be read would look as if it were gone, so
// a list with such holes is no list.
void SystemdClient::end_list() {
  if (list_ != ListStage::reading || list_pending_ > 0) return;
  if (list_damaged_) {
    list_failed("it did not answer for each of them");
    return;
  }
  list_ = ListStage::none;
  tells_each_ = true;
  if (list_wanted_ && ++lists_superseded_ <= max_superseded) {
    begin_list();
    return;
  }
  lists_superseded_ = 0;
  listed_once_ = true;
  std::vector<UnitFact> facts;
  for (const auto& [name, entry] : entries_) {
    if (entry.complete) facts.push_back(entry.fact);
  }
  listener_.listed(facts);
  files_.forget_unnamed();
  if (list_wanted_) begin_list();
}

void SystemdClient::look_at_files(std::size_t most) {
  if (!directories_ || reloading_ || list_ != ListStage::none) return;
  directories_->follow(realtime_ns());
  look_at_files_of(true, most);
  look_at_files_of(false, most);
  go_on();
}

void SystemdClient::look_at_files_of(bool with_settings, std::size_t most) {
  std::string& last = looked_at_.at(with_settings ? 1 : 0);
  std::size_t looks = 0;
  auto at = entries_.upper_bound(last);
  for (auto left = entries_.size(); left > 0 && looks < most; --left, ++at) {
    if (at == entries_.end()) at = entries_.begin();
    Entry& entry = at->second;
    last = at->first;
    if (entry.looked_at == with_settings && entry.complete && !entry.queued && entry.awaited == 0)
      looks += look_at_files_of(entry);
  }
}

// Whatever systemd says to it, each change is a reason to ask but once.
std::size_t SystemdClient::look_at_files_of(Entry& entry) {
  const auto followed = directories_->follow(entry.fact.name, realtime_ns());
  auto found = directories_->files_of(entry.fact.name);
  const auto looks = followed + found.size() + entry.fact.files.size();
  const auto& waiting = entry.fact.waiting;
  const bool waits_as_told = waiting.empty() || files_.has_settings(waiting);
  if (waits_as_told && found == (entry.found ? *entry.found : entry.fact.files) &&
      stamps_of(entry.fact.files) == entry.stamps)
    return looks;
  if (!entry.looked_at && !any_has_settings(found)) return looks;
  note_found(entry, std::move(found), entry.fact.files);
  entry.files_of = 0;
  enqueue(entry, true);
  return looks;
}

}  // namespace slo
