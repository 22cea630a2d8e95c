// SPDX-License-Identifier: GPL-2.0-only
// The properties of one unit after the other.
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/bus_names.h"
#include "systemd/client.h"
#include "systemd/client_messages.h"

namespace slo {
namespace {
// The bus refuses a connection's calls beyond 128 that wait for their reply; other rooms need some too.
constexpr std::size_t max_in_flight = 100;
constexpr std::size_t calls_per_read = 4;

}  // namespace

// After a message has been handled, whatever became of it.
void SystemdClient::go_on() {
  pump();
  end_list();
}

void SystemdClient::enqueue(Entry& entry, bool hurry) {
  if (entry.awaited > 0) {
    entry.again = true;
    return;
  }
  if (entry.queued && (entry.hurried || !hurry)) return;
  entry.queued = true;
  entry.hurried = hurry;
  (hurry ? hurried_ : queue_).emplace_back(entry.fact.name, entry.id);
}

// Who hurries may still be among the others.
void SystemdClient::pump() {
  while (calls_.size() + calls_per_read <= max_in_flight) {
    auto& queue = hurried_.empty() ? queue_ : hurried_;
    if (queue.empty()) return;
    const auto [name, id] = std::move(queue.front());
    queue.pop_front();
    Entry* const entry = find(name, id);
    if (entry != nullptr && entry->queued) start_read(*entry);
  }
}

// The files of a loaded unit change only with a daemon-reload; its cgroup comes and goes with it.
void SystemdClient::start_read(Entry& entry) {
  entry.queued = false;
  entry.again = false;
  entry.failed = false;
  entry.vanished = false;
  entry.awaited = 1;  // so that the last answer, not the first, ends the reading
  entry.reading = entry.fact;
  entry.reads_files = entry.files_of != reloads_;
  entry.reading_files_of = reloads_;
  if (entry.reads_files) ask_for_files(entry);
  // systemd looks at the files' dates when asked, and announces nothing: so ask whenever they could be read
  // anew. A unit that stopped is not read.
  if (entry.reads_files || entry.active) {
    read_property(entry, systemd_unit_interface, "NeedDaemonReload",
                  [](UnitFact& fact, sd_bus_message* reply) {
                    return read_bool_variant(reply, fact.needs_daemon_reload);
                  });
  }
  entry.reading.control_group.clear();
  if (entry.active) {
    read_property(
        entry, type_interface(entry.fact.name), "ControlGroup",
        [](UnitFact& fact, sd_bus_message* reply) { return read_string_variant(reply, fact.control_group); });
  }
  end_read(entry);
}

void SystemdClient::ask_for_files(Entry& entry) {
  entry.reading.files.clear();
  entry.reading.reload = reloads_;
  read_property(entry, systemd_unit_interface, "FragmentPath", [](UnitFact& fact, sd_bus_message* reply) {
    std::string fragment;
    if (!read_string_variant(reply, fragment)) return false;
    if (!fragment.empty()) fact.files.insert(fact.files.begin(), fragment);
    return true;
  });
  read_property(entry, systemd_unit_interface, "DropInPaths", [](UnitFact& fact, sd_bus_message* reply) {
    std::vector<std::string> paths;
    if (!read_strings_variant(reply, paths)) return false;
    fact.files.insert(fact.files.end(), paths.begin(), paths.end());
    return true;
  });
}

void SystemdClient::read_property(Entry& entry, const char* interface, const char* property,
                                  std::function<bool(UnitFact&, sd_bus_message*)> take) {
  Message call = new_call(entry.path.c_str(), properties_interface, "Get");
  check(sd_bus_message_append(call.get(), "ss", interface, property), property);
  ++entry.awaited;
  send(std::move(call), [this, name = entry.fact.name, id = entry.id,
                         take = std::move(take)](sd_bus_message* reply) {
    Entry* entry_now = find(name, id);
    if (entry_now == nullptr) return;
    const sd_bus_error* error = sd_bus_message_get_error(reply);
    if (error != nullptr || !take(entry_now->reading, reply)) {
      entry_now->failed = true;
      if (error != nullptr && is_vanished_unit(error)) {
        entry_now->vanished = true;
      } else {
        unread_ = true;
        if (entry_now->in_list) list_damaged_ = true;
        report({"ask systemd about", name, 0, error != nullptr ? text_of(error) : "its answer is malformed"});
      }
    }
    end_read(*entry_now);
  });
}

void SystemdClient::end_read(Entry& entry) {
  if (--entry.awaited > 0) return;
  if (std::exchange(entry.in_list, false)) --list_pending_;
  if (entry.again) enqueue(entry, true);
  if (entry.vanished) entry.complete = false;
  if (!entry.failed && take_read(entry) && (tells_each_ || entry.hurried)) listener_.changed(entry.fact);
}

// Whether it says something else than what was told.
bool SystemdClient::take_read(Entry& entry) {
  UnitFact& read = entry.reading;
  if (entry.reads_files) {
    entry.files_of = entry.reading_files_of;
    entry.stamps = stamps_of(read.files);
    if (directories_) note_found(entry, directories_->files_of(read.name), read.files);
  } else {  // those of the last read may have been put right since this one began
    read.files = entry.fact.files;
    read.reload = entry.fact.reload;
  }
  read.waiting = waiting(entry);
  entry.looked_at = entry.has_settings || !read.waiting.empty() || any_has_settings(read.files);
  read.cgroup_id = cgroup_id(read.control_group);
  const bool is_new = !std::exchange(entry.complete, true);
  const bool is_news = is_new || entry.fact != read;
  if (is_news) entry.fact = std::move(read);
  read = {};
  return is_news;
}

void SystemdClient::note_found(Entry& entry, std::vector<std::string> found,
                               const std::vector<std::string>& files) {
  entry.found.reset();
  if (found != files) entry.found = std::move(found);
}

std::string SystemdClient::waiting(const Entry& entry) const {
  if (!entry.reading.needs_daemon_reload) return {};
  const auto& found = entry.found ? *entry.found : entry.reading.files;
  const auto file = std::ranges::find_if(found, as_known(files_).has_settings);
  return file == found.end() ? std::string() : *file;
}

SystemdClient::Entry* SystemdClient::find(const std::string& name, std::uint64_t id) {
  const auto found = entries_.find(name);
  return found == entries_.end() || found->second.id != id ? nullptr : &found->second;
}

// A cgroup's id is the inode of its directory.
std::uint64_t SystemdClient::cgroup_id(const std::string& control_group) const {
  if (control_group.empty()) return 0;
  struct stat directory{};
  return stat((cgroup_root_.string() + control_group).c_str(), &directory) == 0 ? directory.st_ino : 0;
}

}  // namespace slo
