// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/handle.h"
#include "bus/authority.h"
#include "bus/callers.h"
#include "bus/fair_queue.h"
#include "bus/message.h"

namespace slo {

// An order is carried out as soon as its sender may give it; anything else is a question. The action of
// org.scxslo.policy that the order needs; nothing: it is a question.
[[nodiscard]] std::optional<const char*> action_of(std::string_view interface, std::string_view member);

// Why a call goes no further, whoever sent it: arguments that no method here has, or names longer than any
// name of systemd's. Leaves the message as if it had not been read.
[[nodiscard]] std::optional<Denial> malformed(sd_bus_message* call);

// Between the system bus and the objects on the inner bus: who may ask, and in which turn. Calls are taken
// off the system bus as fast as they come, so that an order is never behind questions: questions wait by
// user, 16 of each (LimitsExceeded beyond), and one at a time is let through, when nothing else is to be
// done. Signals of the objects go out to the system bus; while that takes no more, they are dropped.
class Gate {
 public:
  // Both buses and the event loop outlive this object. Throws std::system_error.
  Gate(sd_bus* system, sd_bus* inner, sd_event* event);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // On the inner bus the sender of a call is the user behind it.
  [[nodiscard]] static std::string sender_of(std::uint32_t uid);
  // UINT32_MAX, which is no user: not from a gate.
  [[nodiscard]] static std::uint32_t user_of(std::string_view sender);

 private:
  // A call that was let through and waits for the answer of the objects.
  struct Passed {
    Gate* gate;
    Message call;  // as it came
    bool is_question;
    Slot slot;
  };
  struct Question {
    std::uint32_t uid;
    Message call;
  };
  using EventSource = Handle<sd_event_source, sd_event_source_disable_unref>;

  static int on_call(sd_bus_message* call, void* userdata, sd_bus_error* error);
  static int on_answer(sd_bus_message* answer, void* userdata, sd_bus_error* error);
  static int on_signal(sd_bus_message* signal, void* userdata, sd_bus_error* error);
  static int on_turn(sd_event_source* source, void* userdata);
  void admit(const Message& call);
  void order(std::uint32_t uid, const char* action, const Message& call);
  void ask(std::uint32_t uid, Message call);
  void let_through(std::uint32_t uid, Message call, bool is_question);
  void next_turn();
  void deny(sd_bus_message* call, const Denial& denial);

  sd_bus* system_;
  sd_bus* inner_;
  Callers callers_;
  Authority authority_;
  FairQueue<Question> questions_;
  std::map<Passed*, std::unique_ptr<Passed>> passed_;
  bool asking_ = false;  // a question has been let through
  EventSource turn_;
  Slot calls_;
  Slot signals_;
};

}  // namespace slo
