// SPDX-License-Identifier: GPL-2.0-only
#include "bus/gate.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "base/bus_names.h"
#include "base/unit_name.h"

namespace slo {
namespace {

constexpr std::uint64_t unlimited_usec = UINT64_MAX;  // a reload lasts as long as systemd takes
constexpr std::uint64_t most_queued_signals = 1024;
constexpr std::size_t most_names = 256;
constexpr std::string_view user_prefix = ":0.";
// Orders that have not been answered; of others than root.
constexpr std::size_t most_orders = 256;

struct Action {
  std::string_view member;
  const char* action;
};

constexpr std::array<Action, 6> actions{{{"Attach", "org.scxslo.attach"},
                                         {"AttachFor", "org.scxslo.attach"},
                                         {"Confirm", "org.scxslo.attach"},
                                         {"Detach", "org.scxslo.detach"},
                                         {"Reload", "org.scxslo.reload"},
                                         {"Record", "org.scxslo.record"}}};

// What the methods here take.
constexpr std::array<std::string_view, 6> signatures{"", "s", "ss", "ssv", "t", "ast"};

Denial invalid(std::string text) {
  return {SD_BUS_ERROR_INVALID_ARGS, std::move(text)};
}

// Strings from here on, of an array or of the call itself: whether each could be a name.
bool are_names(sd_bus_message* call, std::size_t most) {
  const char* name = nullptr;
  for (std::size_t count = 0; sd_bus_message_peek_type(call, nullptr, nullptr) > 0; ++count) {
    const char* of = nullptr;
    char type = 0;
    if (sd_bus_message_peek_type(call, &type, &of) <= 0 || type != SD_BUS_TYPE_STRING) return true;
    if (count >= most || sd_bus_message_read_basic(call, SD_BUS_TYPE_STRING, &name) < 0 ||
        std::strlen(name) > unit_name_max)
      return false;
  }
  return true;
}

int copy_to(sd_bus_message* made, sd_bus_message* from) {
  const int rewound = sd_bus_message_rewind(from, 1);
  return rewound < 0 ? rewound : sd_bus_message_copy(made, from, 1);
}

void warn(int result, const char* what) {
  if (result < 0) spdlog::debug("cannot {}: {}", what, std::strerror(-result));
}

}  // namespace

std::optional<const char*> action_of(std::string_view interface, std::string_view member) {
  const auto found = std::ranges::find(actions, member, &Action::member);
  // Without an interface it is ours: no other one here has members of these names.
  if (found == actions.end() || (!interface.empty() && interface != manager_interface)) return std::nullopt;
  return found->action;
}

std::optional<Denial> malformed(sd_bus_message* call) {
  const char* const text = sd_bus_message_get_signature(call, 1);
  const std::string_view signature = text == nullptr ? "" : text;
  if (!std::ranges::contains(signatures, signature)) return invalid("no method here takes such arguments");
  bool good = true;
  if (signature == "ast") {
    good = sd_bus_message_enter_container(call, SD_BUS_TYPE_ARRAY, "s") >= 0 && are_names(call, most_names);
  } else {
    good = are_names(call, most_names);
    if (good && signature == "ssv") {
      const char* of = nullptr;
      char type = 0;
      good = sd_bus_message_peek_type(call, &type, &of) > 0 && of != nullptr && std::strcmp(of, "s") == 0 &&
             sd_bus_message_enter_container(call, SD_BUS_TYPE_VARIANT, "s") >= 0 && are_names(call, 1);
    }
  }
  if (!good)
    return invalid("a name has at most " + std::to_string(unit_name_max) + " bytes, and there are at most " +
                   std::to_string(most_names) + " of them");
  return sd_bus_message_rewind(call, 1) < 0 ? std::optional(invalid("it cannot be read")) : std::nullopt;
}

Gate::Gate(sd_bus* system, sd_bus* inner, sd_event* event)
    : system_(system), inner_(inner), callers_(system), authority_(system) {
  sd_event_source* source = nullptr;
  check(sd_event_add_defer(event, &source, on_turn, this), "prepare the turns of those who ask");
  turn_.reset(source);
  check(sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE), "put questions after orders");
  check(sd_event_source_set_enabled(source, SD_EVENT_OFF), "prepare the turns of those who ask");
  sd_bus_slot* slot = nullptr;
  check(sd_bus_add_filter(system, &slot, on_call, this), "hear what comes over the system bus");
  calls_.reset(slot);
  check(sd_bus_add_filter(inner, &slot, on_signal, this), "hear what goes to the system bus");
  signals_.reset(slot);
}

std::string Gate::sender_of(std::uint32_t uid) {
  return std::string(user_prefix) + std::to_string(uid);
}

std::uint32_t Gate::user_of(std::string_view sender) {
  std::uint32_t uid = UINT32_MAX;
  if (!sender.starts_with(user_prefix)) return uid;
  sender.remove_prefix(user_prefix.size());
  const auto read = std::from_chars(sender.data(), sender.data() + sender.size(), uid);
  return read.ec == std::errc{} && read.ptr == sender.data() + sender.size() ? uid : UINT32_MAX;
}

int Gate::on_call(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
  if (sd_bus_message_is_method_call(call, nullptr, nullptr) <= 0) return 0;
  auto* const self = static_cast<Gate*>(userdata);
  return guard_callback(
      0, [] { spdlog::error("cannot take a call off the bus"); },
      [&] {
        if (const auto denial = malformed(call)) {
          self->deny(call, *denial);
        } else {
          self->admit(share(call));
        }
        return 1;
      });
}

void Gate::admit(const Message& call) {
  const char* const sender = sd_bus_message_get_sender(call.get());
  const auto found = [this, held = hold(call.get())](std::optional<std::uint32_t> uid) {
    const auto text = [](const char* of) { return std::string_view(of == nullptr ? "" : of); };
    const auto action = action_of(text(sd_bus_message_get_interface(held.get())),
                                  text(sd_bus_message_get_member(held.get())));
    if (!uid) {
      deny(held.get(), {SD_BUS_ERROR_LIMITS_EXCEEDED, "scx-slo cannot tell who is asking; try again"});
    } else if (*uid != 0 && text(sd_bus_message_get_member(held.get())) == "Set") {
      // Whatever the bus's own policy lets pass: at the inner bus the mark of a privileged property has no
      // effect.
      deny(held.get(), {SD_BUS_ERROR_ACCESS_DENIED, "only root may set a property"});
    } else if (action) {
      order(*uid, *action, share(held.get()));
    } else {
      ask(*uid, share(held.get()));
    }
  };
  callers_.find(sender == nullptr ? "" : sender, found);
}

void Gate::order(std::uint32_t uid, const char* action, const Message& call) {
  if (uid != 0 && passed_.size() >= most_orders) {
    deny(call.get(), {SD_BUS_ERROR_LIMITS_EXCEEDED, "too many orders wait for an answer; try again"});
    return;
  }
  authority_.check(uid, action, call.get(),
                   [this, uid, held = hold(call.get())](const std::optional<Denial>& denied) {
                     if (denied) {
                       deny(held.get(), *denied);
                     } else {
                       let_through(uid, share(held.get()), false);
                     }
                   });
}

void Gate::ask(std::uint32_t uid, Message call) {
  sd_bus_message* const asked = call.get();
  const Message held = share(asked);
  if (questions_.push(uid, {.uid = uid, .call = std::move(call)})) {
    next_turn();
  } else {
    deny(asked,
         {SD_BUS_ERROR_LIMITS_EXCEEDED, "more than " + std::to_string(FairQueue<Question>::most_per_user) +
                                            " questions of this user wait for an answer; try again"});
  }
}

void Gate::next_turn() {
  if (!asking_ && !questions_.empty())
    static_cast<void>(sd_event_source_set_enabled(turn_.get(), SD_EVENT_ONESHOT));
}

int Gate::on_turn(sd_event_source* /*source*/, void* userdata) {
  auto* const self = static_cast<Gate*>(userdata);
  if (auto question = self->questions_.pop())
    self->let_through(question->uid, std::move(question->call), true);
  return 0;
}

void Gate::let_through(std::uint32_t uid, Message call, bool is_question) {
  sd_bus_message* made = nullptr;
  int result = sd_bus_message_new_method_call(inner_, &made, nullptr, sd_bus_message_get_path(call.get()),
                                              sd_bus_message_get_interface(call.get()),
                                              sd_bus_message_get_member(call.get()));
  const Message inner(made);
  if (result >= 0) result = sd_bus_message_set_sender(made, sender_of(uid).c_str());
  if (result >= 0) result = copy_to(made, call.get());
  auto passed = std::make_unique<Passed>(Passed{this, std::move(call), is_question, nullptr});
  sd_bus_slot* slot = nullptr;
  if (result >= 0) result = sd_bus_call_async(inner_, &slot, made, on_answer, passed.get(), unlimited_usec);
  passed->slot.reset(slot);
  if (result < 0) {
    deny(passed->call.get(), invalid(std::string("it cannot be passed on: ") + std::strerror(-result)));
    if (is_question) next_turn();
    return;
  }
  if (is_question) asking_ = true;
  Passed* const key = passed.get();
  passed_.emplace(key, std::move(passed));
}

int Gate::on_answer(sd_bus_message* answer, void* userdata, sd_bus_error* /*error*/) {
  auto* const passed = static_cast<Passed*>(userdata);
  Gate* const self = passed->gate;
  const auto node = self->passed_.extract(passed);
  if (passed->is_question) {
    self->asking_ = false;
    self->next_turn();
  }
  if (sd_bus_message_get_expect_reply(passed->call.get()) <= 0) return 1;
  sd_bus_message* made = nullptr;
  int result = 0;
  if (const sd_bus_error* error = sd_bus_message_get_error(answer); error != nullptr) {
    result = sd_bus_message_new_method_error(passed->call.get(), &made, error);
  } else {
    result = sd_bus_message_new_method_return(passed->call.get(), &made);
    if (result >= 0) result = copy_to(made, answer);
  }
  const Message reply(made);
  warn(result < 0 ? result : sd_bus_send(self->system_, made, nullptr), "answer");
  return 1;
}

int Gate::on_signal(sd_bus_message* signal, void* userdata, sd_bus_error* /*error*/) {
  auto* const self = static_cast<Gate*>(userdata);
  if (sd_bus_message_is_signal(signal, nullptr, nullptr) <= 0) return 0;
  std::uint64_t queued = 0;
  if (sd_bus_get_n_queued_write(self->system_, &queued) < 0 || queued > most_queued_signals) return 1;
  sd_bus_message* made = nullptr;
  int result =
      sd_bus_message_new_signal(self->system_, &made, sd_bus_message_get_path(signal),
                                sd_bus_message_get_interface(signal), sd_bus_message_get_member(signal));
  const Message out(made);
  if (result >= 0) result = copy_to(made, signal);
  warn(result < 0 ? result : sd_bus_send(self->system_, made, nullptr), "tell the bus of a change");
  return 1;
}

void Gate::deny(sd_bus_message* call, const Denial& denial) {
  warn(sd_bus_reply_method_errorf(call, denial.name.c_str(), "%s", denial.text.c_str()), "refuse a call");
}

}  // namespace slo
