// SPDX-License-Identifier: GPL-2.0-only
// The properties of one unit after the other.
#include <sys/stat.h>

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

void SystemdClient::enqueue(Entry& entry) {
  if (entry.busy) {
    entry.again = true;
    return;
  }
  entry.busy = true;
  queue_.emplace_back(entry.fact.name, entry.id);
}

void SystemdClient::pump() {
  while (!queue_.empty() && calls_.size() + calls_per_read <= max_in_flight) {
    const auto [name, id] = std::move(queue_.front());
    queue_.pop_front();
    if (Entry* entry = find(name, id)) start_read(*entry);
  }
}

// The files of a loaded unit change only with a daemon-reload, and then everything is listed anew; its cgroup
// comes and goes with it.
void SystemdClient::start_read(Entry& entry) {
  entry.again = false;
  entry.failed = false;
  entry.awaited = 1;  // so that the last answer, not the first, ends the reading
  if (!entry.files_known) {
    entry.fact.files.clear();
    read_property(entry, systemd_unit_interface, "FragmentPath", [](Entry& of, sd_bus_message* reply) {
      std::string fragment;
      if (!read_string_variant(reply, fragment)) return false;
      if (!fragment.empty()) of.fact.files.insert(of.fact.files.begin(), fragment);
      return true;
    });
    read_property(entry, systemd_unit_interface, "DropInPaths", [](Entry& of, sd_bus_message* reply) {
      std::vector<std::string> paths;
      if (!read_strings_variant(reply, paths)) return false;
      of.fact.files.insert(of.fact.files.end(), paths.begin(), paths.end());
      return true;
    });
  }
  // systemd looks at the files' dates when asked, and announces nothing: so ask whenever they could be read
  // anew. A unit that stopped is not read.
  if (!entry.files_known || entry.active) {
    read_property(entry, systemd_unit_interface, "NeedDaemonReload", [](Entry& of, sd_bus_message* reply) {
      return read_bool_variant(reply, of.fact.needs_daemon_reload);
    });
  }
  entry.fact.control_group.clear();
  if (entry.active) {
    read_property(
        entry, type_interface(entry.fact.name), "ControlGroup",
        [](Entry& of, sd_bus_message* reply) { return read_string_variant(reply, of.fact.control_group); });
  }
  end_read(entry);
}

void SystemdClient::read_property(Entry& entry, const char* interface, const char* property,
                                  std::function<bool(Entry&, sd_bus_message*)> take) {
  Message call = new_call(entry.path.c_str(), properties_interface, "Get");
  check(sd_bus_message_append(call.get(), "ss", interface, property), property);
  ++entry.awaited;
  send(std::move(call), [this, name = entry.fact.name, id = entry.id,
                         take = std::move(take)](sd_bus_message* reply) {
    Entry* entry_now = find(name, id);
    if (entry_now == nullptr) return;
    const sd_bus_error* error = sd_bus_message_get_error(reply);
    if (error != nullptr || !take(*entry_now, reply)) {
      entry_now->failed = true;
      if (error == nullptr || !is_vanished_unit(error)) {
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
  entry.busy = false;
  if (!entry.failed) {
    entry.files_known = true;
    entry.complete = true;
    entry.fact.cgroup_id = cgroup_id(entry.fact.control_group);
  }
  if (entry.again) enqueue(entry);
  if (entry.in_list) {
    entry.in_list = false;
    --list_pending_;
    deliver_list();
  } else if (!entry.failed && !list_reading_ && !list_awaited_) {
    listener_.changed(entry.fact);
  }
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
