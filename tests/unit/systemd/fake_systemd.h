// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/handle.h"

namespace slo::fakes {

inline void must(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + " failed");
}

// PID 1 and the bus driver at the other end of a socket: answers what the client asks, and sends what the
// test says. Keeps count of what it was asked.
class Systemd {
 public:
  struct Unit {
    std::string active_state = "active";
    std::string sub_state = "any";
    std::string fragment = {};
    std::vector<std::string> drop_ins = {};
    std::string control_group = {};
    bool needs_daemon_reload = false;
    bool loaded = true;  // else not in lists, but loaded while it is asked about
  };

  Systemd() {
    sd_event* event = nullptr;
    must(sd_event_new(&event), "sd_event_new");
    event_.reset(event);
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), "socketpair");
    server_ = connect(ends[0], true);
    client_ = connect(ends[1], false);
    sd_bus_slot* slot = nullptr;
    must(sd_bus_add_filter(server_.get(), &slot, on_message, this), "sd_bus_add_filter");
    filter_.reset(slot);
  }

  // Given by the test.
  std::map<std::string, Unit, std::less<>> units;
  std::vector<std::string> unit_path;  // where unit files are
  std::string owner = ":1.1";          // unique name of PID 1
  bool hold = false;                   // keep questions about properties until release()
  bool hold_lists = false;             // keep questions for a list until release()
  int refuse_lists = 0;
  int refuse_reads = 0;

  // Kept for the test.
  int subscriptions = 0;
  int lists = 0;
  int reads = 0;
  std::map<std::string, int> reads_of;  // by property
  [[nodiscard]] std::size_t held() const { return held_.size(); }

  [[nodiscard]] sd_bus* client() { return client_.get(); }

  // Until both ends have nothing left to do: nothing here waits for anything but the other end.
  void settle() {
    while (true) {
      const int ran = sd_event_run(event_.get(), 0);
      must(ran, "sd_event_run");
      if (ran == 0) return;
    }
  }

  // The same with what time brings in the next usec.
  void settle_for(std::uint64_t usec) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(usec);
    while (std::chrono::steady_clock::now() < end) must(sd_event_run(event_.get(), 1000), "sd_event_run");
    settle();
  }

  // The first of the questions that were kept.
  void release(std::size_t most = SIZE_MAX) {
    for (auto left = std::min(most, held_.size()); left > 0; --left) {
      const Message question = std::move(held_.front());
      held_.pop_front();
      if (sd_bus_message_get_member(question.get()) == std::string_view("Get"))
        answer_read(question.get());
      else
        answer_list(question.get());
    }
  }

  void set_state(const std::string& name, const std::string& state, const std::string& sender = ":1.1") {
    if (const auto unit = units.find(name); unit != units.end()) unit->second.active_state = state;
    const Message signal =
        new_signal(path_of(name), "org.freedesktop.DBus.Properties", "PropertiesChanged", sender);
    must(sd_bus_message_append(signal.get(), "sa{sv}as", "org.freedesktop.systemd1.Unit", 3, "ActiveState",
                               "s", state.c_str(), "Job", "(uo)", 7, "/job", "SubState", "s", "any", 0),
         "append");
    send(signal);
  }
  void announce(const char* member, const std::string& name, const std::string& sender = ":1.1") {
    const Message signal = new_signal(manager_path, manager_interface, member, sender);
    must(sd_bus_message_append(signal.get(), "so", name.c_str(), path_of(name).c_str()), "append");
    send(signal);
  }
  void reloading(bool active, const std::string& sender = ":1.1") {
    const Message signal = new_signal(manager_path, manager_interface, "Reloading", sender);
    must(sd_bus_message_append(signal.get(), "b", static_cast<int>(active)), "append");
    send(signal);
  }
  void change_owner(const std::string& before, const std::string& after) {
    const Message signal = new_signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged",
                                      "org.freedesktop.DBus");
    must(
        sd_bus_message_append(signal.get(), "sss", "org.freedesktop.systemd1", before.c_str(), after.c_str()),
        "append");
    send(signal);
  }
  void hang_up() {
    filter_.reset();
    server_.reset();
  }

 private:
  using Message = std::unique_ptr<sd_bus_message, Deleter<sd_bus_message_unref>>;
  using Bus = std::unique_ptr<sd_bus, Deleter<sd_bus_close_unref>>;
  static constexpr const char* manager_path = "/org/freedesktop/systemd1";
  static constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";

  static std::string path_of(const std::string& name) {
    char* path = nullptr;
    must(sd_bus_path_encode("/org/freedesktop/systemd1/unit", name.c_str(), &path), "sd_bus_path_encode");
    const std::unique_ptr<char, Deleter<std::free>> owned(path);
    return path;
  }

  Bus connect(int end, bool server) {
    sd_bus* bus = nullptr;
    must(sd_bus_new(&bus), "sd_bus_new");
    Bus owned(bus);
    must(sd_bus_set_fd(bus, end, end), "sd_bus_set_fd");
    if (server) {
      sd_id128_t id{};
      must(sd_id128_randomize(&id), "sd_id128_randomize");
      must(sd_bus_set_server(bus, 1, id), "sd_bus_set_server");
    }
    must(sd_bus_set_anonymous(bus, 1), "sd_bus_set_anonymous");
    must(sd_bus_start(bus), "sd_bus_start");
    must(sd_bus_attach_event(bus, event_.get(), SD_EVENT_PRIORITY_NORMAL), "sd_bus_attach_event");
    return owned;
  }

  Message new_signal(const std::string& path, const char* interface, const char* member,
                     const std::string& sender) {
    sd_bus_message* signal = nullptr;
    must(sd_bus_message_new_signal(server_.get(), &signal, path.c_str(), interface, member), "new signal");
    Message owned(signal);
    must(sd_bus_message_set_sender(signal, sender.c_str()), "set sender");
    return owned;
  }
  void send(const Message& message) { must(sd_bus_send(server_.get(), message.get(), nullptr), "send"); }

  static int on_message(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
    auto* const self = static_cast<Systemd*>(userdata);
    return guard_callback(-EIO, [] {}, [&] { return self->answer(message) ? 1 : 0; });
  }

  bool answer(sd_bus_message* call) {
    const char* member = sd_bus_message_get_member(call);
    const std::string_view asked = member == nullptr ? "" : member;
    if (asked == "GetNameOwner") {
      must(sd_bus_reply_method_return(call, "s", owner.c_str()), "reply");
    } else if (asked == "Subscribe") {
      ++subscriptions;
      must(sd_bus_reply_method_return(call, ""), "reply");
    } else if (asked == "ListUnitsByPatterns" && hold_lists) {
      held_.emplace_back(sd_bus_message_ref(call));
    } else if (asked == "ListUnitsByPatterns") {
      answer_list(call);
    } else if (asked == "Get" && sd_bus_message_get_path(call) == std::string_view(manager_path)) {
      answer_strings(call, unit_path);
    } else if (asked == "Get" && hold) {
      held_.emplace_back(sd_bus_message_ref(call));
    } else if (asked == "Get") {
      answer_read(call);
    } else {
      return false;
    }
    return true;
  }

  void answer_list(sd_bus_message* call) {
    ++lists;
    if (refuse_lists > 0) {
      --refuse_lists;
      must(sd_bus_reply_method_errorf(call, SD_BUS_ERROR_NO_REPLY, "PID 1 is busy"), "reply");
      return;
    }
    sd_bus_message* reply = nullptr;
    must(sd_bus_message_new_method_return(call, &reply), "new reply");
    const Message owned(reply);
    must(sd_bus_message_open_container(reply, 'a', "(ssssssouso)"), "open");
    for (const auto& [name, unit] : units) {
      if (!unit.loaded) continue;
      must(sd_bus_message_append(reply, "(ssssssouso)", name.c_str(), "A unit", "loaded",
                                 unit.active_state.c_str(), unit.sub_state.c_str(), "", path_of(name).c_str(),
                                 0, "", "/"),
           "append");
    }
    must(sd_bus_message_close_container(reply), "close");
    send(owned);
  }

  void answer_read(sd_bus_message* call) {
    const char* interface = nullptr;
    const char* property = nullptr;
    must(sd_bus_message_read(call, "ss", &interface, &property), "read");
    ++reads;
    ++reads_of[property];
    char* decoded = nullptr;
    must(sd_bus_path_decode(sd_bus_message_get_path(call), "/org/freedesktop/systemd1/unit", &decoded),
         "decode");
    const std::unique_ptr<char, Deleter<std::free>> name(decoded);
    const auto unit = units.find(std::string_view(name.get()));
    const std::string_view asked = property;
    if (refuse_reads > 0) {
      --refuse_reads;
      must(sd_bus_reply_method_errorf(call, SD_BUS_ERROR_NO_REPLY, "PID 1 is busy"), "reply");
    } else if (unit == units.end()) {
      must(sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_OBJECT, "no such unit"), "reply");
    } else if (asked == "FragmentPath") {
      must(sd_bus_reply_method_return(call, "v", "s", unit->second.fragment.c_str()), "reply");
    } else if (asked == "NeedDaemonReload") {
      const int truth = unit->second.needs_daemon_reload ? 1 : 0;
      must(sd_bus_reply_method_return(call, "v", "b", truth), "reply");
    } else if (asked == "ControlGroup") {
      must(sd_bus_reply_method_return(call, "v", "s", unit->second.control_group.c_str()), "reply");
    } else {
      answer_strings(call, unit->second.drop_ins);
    }
  }

  void answer_strings(sd_bus_message* call, const std::vector<std::string>& paths) {
    sd_bus_message* reply = nullptr;
    must(sd_bus_message_new_method_return(call, &reply), "new reply");
    const Message owned(reply);
    must(sd_bus_message_open_container(reply, 'v', "as"), "open");
    must(sd_bus_message_open_container(reply, 'a', "s"), "open");
    for (const auto& path : paths) must(sd_bus_message_append(reply, "s", path.c_str()), "append");
    must(sd_bus_message_close_container(reply), "close");
    must(sd_bus_message_close_container(reply), "close");
    send(owned);
  }

  std::unique_ptr<sd_event, Deleter<sd_event_unref>> event_;
  Bus server_;
  Bus client_;
  std::unique_ptr<sd_bus_slot, Deleter<sd_bus_slot_unref>> filter_;
  std::deque<Message> held_;
};

}  // namespace slo::fakes
