// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/handle.h"
#include "settings/unit_search.h"
#include "systemd/client_messages.h"
#include "units/source.h"

namespace slo {

// PID 1 over D-Bus: lists services, scopes and slices, then follows them live. Nothing here blocks; all
// answers come from the event loop that the bus is attached to.
//
// Known are the units that systemd has loaded, and those whose files have settings (UnitDirectories): a
// unit that is unloaded keeps them. Of any other unit a property read would make PID 1 load it, announce it
// and drop it again, which would never end if announcements were answered by reads: so UnitNew alone causes
// no read, and such a unit shows up when it starts, or with the next list.
class SystemdClient final : public UnitSource {
 public:
  struct Listener {
    // An error: PID 1 gave no list, and what was known stays valid.
    std::function<void(const Result<std::vector<UnitFact>>&)> listed;
    // Of the files that the next list is of; before it.
    std::function<void(const std::vector<UnitPattern>&)> patterns;
    std::function<void()> awaited;  // a list has been asked for, whoever wanted it, or soon will be
    std::function<void(const UnitFact&)> changed;
    std::function<void(std::string_view)> gone;
    std::function<void(const Error&)>
        failed;  // to be logged; a list that failed for good leaves the old one valid
  };

  // The bus outlives this object. Subscribes at once; throws std::system_error when not even that can be
  // sent.
  SystemdClient(sd_bus* bus, Listener listener, std::filesystem::path cgroup_root = "/sys/fs/cgroup");
  ~SystemdClient() override;
  SystemdClient(const SystemdClient&) = delete;
  SystemdClient& operator=(const SystemdClient&) = delete;

  void request_list() override;
  // Whether a unit could not be read since the last call, other than because it is gone.
  [[nodiscard]] bool take_unread() { return std::exchange(unread_, false); }
  // How many units are kept track of.
  [[nodiscard]] std::size_t known_units() const { return entries_.size(); }

 private:
  using Slot = std::unique_ptr<sd_bus_slot, Deleter<sd_bus_slot_unref>>;
  using Message = std::unique_ptr<sd_bus_message, Deleter<sd_bus_message_unref>>;
  using Answer = std::function<void(sd_bus_message* reply)>;  // check sd_bus_message_get_error() first

  struct Call {
    SystemdClient* client;
    Answer answer;
    Slot slot;
  };

  struct Entry {
    UnitFact fact;
    std::string path;
    std::uint64_t id = 0;       // tells answers for this entry from those for an earlier one of the same name
    bool active = false;        // anything but inactive and failed
    bool has_settings = false;  // in its files: known as long as they are there, loaded or not
    bool files_known = false;
    bool complete = false;  // read at least once
    bool in_list = false;   // the list under way waits for it
    bool busy = false;      // queued or being read
    bool again = false;     // changed while it was read
    bool failed = false;
    unsigned awaited = 0;
    UnitChange last_change;
  };

  static int on_reply(sd_bus_message* reply, void* userdata, sd_bus_error* error);
  static int on_systemd_signal(sd_bus_message* signal, void* userdata, sd_bus_error* error);
  static int on_owner_signal(sd_bus_message* signal, void* userdata, sd_bus_error* error);
  void report(const Error& error) const;
  void report_exception() const;

  void add_match(const char* rule, sd_bus_message_handler_t handler);
  [[nodiscard]] Message new_call(const char* path, const char* interface, const char* member);
  void send(Message call, Answer answer);
  void subscribe();

  void send_list();
  void search_answered(sd_bus_message* reply);
  void list_answered(sd_bus_message* reply);
  void add_listed(ListedUnit unit);
  void list_failed(const std::string& why);
  void deliver_list();

  void set_reloading(sd_bus_message* signal);
  void read_ahead();
  void unit_removed(sd_bus_message* signal);
  void unit_changed(sd_bus_message* signal);

  void enqueue(Entry& entry);
  void pump();
  void start_read(Entry& entry);
  void read_property(Entry& entry, const char* interface, const char* property,
                     std::function<bool(Entry&, sd_bus_message*)> take);
  void end_read(Entry& entry);
  [[nodiscard]] Entry* find(const std::string& name, std::uint64_t id);
  [[nodiscard]] std::uint64_t cgroup_id(const std::string& control_group) const;

  sd_bus* bus_;
  Listener listener_;
  std::filesystem::path cgroup_root_;
  std::string owner_;  // unique name of PID 1 on the bus: signals from anyone else are forged
  std::vector<Slot> matches_;
  std::map<Call*, std::unique_ptr<Call>> calls_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::filesystem::path> unit_path_;  // as of the last search
  std::set<std::string> with_settings_;           // as of the last search
  std::deque<std::pair<std::string, std::uint64_t>> queue_;
  std::uint64_t next_id_ = 1;
  std::uint64_t list_serial_ = 0;
  unsigned list_attempts_ = 0;
  bool list_awaited_ = false;  // asked for, not yet answered: signals before the answer are older than it
  bool list_reading_ = false;  // answered, properties being read
  unsigned list_pending_ = 0;  // entries with in_list
  bool list_damaged_ = false;  // a unit of it could not be read
  bool reloading_ = false;
  bool unread_ = false;
};

}  // namespace slo
