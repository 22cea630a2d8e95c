// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/handle.h"
#include "settings/unit_files.h"
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
//
// A list costs one question and four for each unit that is new in it. Units that were known are asked about
// only where something may have changed:
// - their files, unless a search of the unit directories (UnitDirectories) finds the very files that systemd
//   named last, all with the stamp (FileStamp) they had then, and systemd did not say then that they need a
//   daemon-reload. systemd looks for files in the same way and in nothing else, but for a unit's other names,
//   so one that has an alias is always asked about. The content of the files is not its business;
// - whether they run, unless the list has the state (ActiveState, SubState) that was known, and their cgroup
//   is there with the inode it had: that of a unit which was started anew in between is another one.
// A signal about a unit is answered by questions in any case where it says something new.
class SystemdClient final : public UnitSource {
 public:
  struct Listener {
    // All units, once each has been read; where few of them differ from what was told before, each has been
    // told by changed() or gone() as soon as it was known. An error: PID 1 gave no list, and what was known
    // stays valid.
    std::function<void(const Result<std::vector<UnitFact>>&)> listed;
    // Of the files that the next list is of; before it.
    std::function<void(const std::vector<UnitPattern>&)> patterns;
    std::function<void()> awaited;  // a list has been asked for, whoever wanted it, or soon will be
    std::function<void(const UnitFact&)> changed;
    std::function<void(std::string_view)> gone;
    std::function<void(const Error&)>
        failed;  // to be logged; a list that failed for good leaves the old one valid
  };

  // The bus, attached to an event loop, and the files outlive this object. Subscribes at once; throws
  // std::system_error when not even that can be sent. At least list_pause_usec is between the beginnings of
  // two lists.
  SystemdClient(sd_bus* bus, UnitFiles& files, Listener listener,
                std::filesystem::path cgroup_root = "/sys/fs/cgroup",
                std::uint64_t list_pause_usec = 300'000);
  ~SystemdClient() override;
  SystemdClient(const SystemdClient&) = delete;
  SystemdClient& operator=(const SystemdClient&) = delete;

  // While a list is under way, and for some time after it began, however many of these and of systemd's
  // reloads lead to one more list, and that one ends in listed().
  void request_list() override;
  // About once a second: asks systemd about units whose files, or drop-in directories, are no longer as they
  // were, since it does not announce that they need a daemon-reload; of those without settings where these
  // are the first. Looks at no more files and directories than about that many of each of the two, and goes
  // on where the last call ended.
  void look_at_files(std::size_t most = 200);
  // Whether a unit could not be read since the last call, other than because it is gone.
  [[nodiscard]] bool take_unread() { return std::exchange(unread_, false); }
  // How many units are kept track of.
  [[nodiscard]] std::size_t known_units() const { return entries_.size(); }

 private:
  using Slot = std::unique_ptr<sd_bus_slot, Deleter<sd_bus_slot_unref>>;
  using Message = std::unique_ptr<sd_bus_message, Deleter<sd_bus_message_unref>>;
  using EventSource = std::unique_ptr<sd_event_source, Deleter<sd_event_source_disable_unref>>;
  using Answer = std::function<void(sd_bus_message* reply)>;  // check sd_bus_message_get_error() first

  struct Call {
    SystemdClient* client;
    Answer answer;
    Slot slot;
  };

  struct Entry {
    UnitFact fact;     // as of the last read that ended; told
    UnitFact reading;  // what is being read
    std::string path;
    std::uint64_t id = 0;       // tells answers for this entry from those for an earlier one of the same name
    bool active = false;        // anything but inactive and failed
    bool has_settings = false;  // in its files: known as long as they are there, loaded or not
    bool looked_at = false;     // has settings, of whatever file: look_at_files() comes to it sooner
    bool complete = false;      // read at least once
    bool in_list = false;       // the list under way waits for it
    bool queued = false;        // to be read
    bool hurried = false;       // before the others
    bool again = false;         // changed while it was read
    bool failed = false;
    bool vanished = false;  // the reason: systemd does not know it
    unsigned awaited = 0;   // answers; not 0: it is being read
    // As of which reload of systemd fact.files are known, and those that are being read; 0: they are not.
    std::uint64_t files_of = 0;
    std::uint64_t reading_files_of = 0;
    bool reads_files = false;
    std::vector<std::optional<FileStamp>> stamps;   // of fact.files
    std::optional<std::vector<std::string>> found;  // as a search found them then; not set: the same
    UnitChange state;                               // systemd's last word
  };

  // The list that comes next: not wanted, to be asked for after a pause, asked for and not answered, or
  // answered and its units being read.
  enum class ListStage { none, deferred, awaited, reading };

  static int on_reply(sd_bus_message* reply, void* userdata, sd_bus_error* error);
  static int on_systemd_signal(sd_bus_message* signal, void* userdata, sd_bus_error* error);
  static int on_owner_signal(sd_bus_message* signal, void* userdata, sd_bus_error* error);
  void report(const Error& error) const;
  void report_exception() const;

  void add_match(const char* rule, sd_bus_message_handler_t handler);
  [[nodiscard]] Message new_call(const char* path, const char* interface, const char* member);
  void send(Message call, Answer answer);
  void subscribe();

  static int on_pause_over(sd_event_source* source, std::uint64_t usec, void* userdata);
  void begin_list();
  void send_list();
  void search_answered(sd_bus_message* reply);
  void search(std::vector<std::string> unit_path);
  [[nodiscard]] std::uint64_t realtime_ns() const;
  void list_answered(sd_bus_message* reply);
  void add_listed(const ListedUnit& unit, bool loaded);
  void forget_all_but(const std::set<std::string_view>& names);
  [[nodiscard]] bool has_files_as_read(const Entry& entry) const;
  [[nodiscard]] bool is_as_read(const Entry& entry, const UnitChange& state) const;
  [[nodiscard]] std::size_t look_at_files_of(Entry& entry);
  void look_at_files_of(bool with_settings, std::size_t most);
  [[nodiscard]] bool any_has_settings(std::span<const std::string> files) const;
  [[nodiscard]] std::vector<std::optional<FileStamp>> stamps_of(std::span<const std::string> files) const;
  void list_failed(const std::string& why);
  void end_list();

  void set_reloading(sd_bus_message* signal);
  void doubt_all();
  void read_ahead();
  void unit_removed(sd_bus_message* signal);
  void unit_changed(sd_bus_message* signal);
  [[nodiscard]] bool is_news(const Entry& entry, const UnitChange& change) const;

  void go_on();
  void enqueue(Entry& entry, bool hurry);
  void pump();
  void start_read(Entry& entry);
  void ask_for_files(Entry& entry);
  void read_property(Entry& entry, const char* interface, const char* property,
                     std::function<bool(UnitFact&, sd_bus_message*)> take);
  void end_read(Entry& entry);
  [[nodiscard]] bool take_read(Entry& entry);
  static void note_found(Entry& entry, std::vector<std::string> found, const std::vector<std::string>& files);
  [[nodiscard]] std::string waiting(const Entry& entry) const;
  [[nodiscard]] Entry* find(const std::string& name, std::uint64_t id);
  [[nodiscard]] std::uint64_t cgroup_id(const std::string& control_group) const;

  sd_bus* bus_;
  UnitFiles& files_;
  Listener listener_;
  std::filesystem::path cgroup_root_;
  std::string owner_;  // unique name of PID 1 on the bus: signals from anyone else are forged
  std::vector<Slot> matches_;
  std::map<Call*, std::unique_ptr<Call>> calls_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> unit_path_;          // as of the last search
  std::optional<UnitDirectories> directories_;  // the last search
  std::set<std::string> with_settings_;         // as of the last search
  std::deque<std::pair<std::string, std::uint64_t>> hurried_;
  std::deque<std::pair<std::string, std::uint64_t>> queue_;
  std::uint64_t next_id_ = 1;
  std::uint64_t reloads_ = 1;  // of systemd's, and when it executed itself anew
  ListStage list_ = ListStage::none;
  bool list_wanted_ = false;  // one more, as it has been asked for while one is under way
  unsigned list_attempts_ = 0;
  unsigned list_pending_ = 0;      // entries with in_list
  unsigned lists_superseded_ = 0;  // one after the other, and so not delivered
  bool listed_once_ = false;
  bool tells_each_ = false;    // of those that a list asks about
  bool list_damaged_ = false;  // a unit of it could not be read
  std::uint64_t list_pause_usec_;
  std::uint64_t next_list_usec_ = 0;  // not before
  EventSource pause_;
  // The unit that look_at_files() came to last; [1]: of those with settings.
  std::array<std::string, 2> looked_at_;
  bool reloading_ = false;
  bool unread_ = false;
};

}  // namespace slo
