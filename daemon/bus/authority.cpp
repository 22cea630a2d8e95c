// SPDX-License-Identifier: GPL-2.0-only
#include "bus/authority.h"

#include <cstring>
#include <utility>

namespace slo {
namespace {

constexpr std::uint64_t prompt_timeout_usec = 300'000'000;  // for a person to find the password
constexpr std::uint64_t answer_timeout_usec = 25'000'000;
constexpr std::uint32_t flag_allow_interaction = 1;  // CheckAuthorizationFlags of polkit

Denial access_denied(std::string text) {
  return {"org.freedesktop.DBus.Error.AccessDenied", std::move(text)};
}

std::optional<Denial> judge(sd_bus_message* reply, const std::string& action) {
  int authorized = 0;
  int challenge = 0;
  if (const sd_bus_error* error = sd_bus_message_get_error(reply); error != nullptr)
    return access_denied("only root may do this: polkit, which could allow it to others, does not answer (" +
                         std::string(error->message != nullptr ? error->message : error->name) + ")");
  if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "bba{ss}") < 0 ||
      sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
    return access_denied("only root may do this: polkit's answer cannot be read");
  if (authorized != 0) return std::nullopt;
  if (challenge != 0)
    return Denial{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                  "this needs a password, and the caller does not allow asking for it"};
  return access_denied("only root may do this; a polkit rule for " + action + " can allow it to others");
}

}  // namespace

void Authority::check(std::uint32_t uid, const char* action, sd_bus_message* call, Verdict verdict) {
  if (uid == 0) {
    verdict(std::nullopt);
    return;
  }
  if (checks_.contains(uid) || checks_.size() >= most_checks) {
    verdict(
        Denial{SD_BUS_ERROR_LIMITS_EXCEEDED, "polkit is still being asked about an order before this one"});
    return;
  }
  Check& open = checks_[uid];
  open.authority = this;
  open.uid = uid;
  open.action = action;
  open.verdict = std::move(verdict);
  if (const int sent = ask_polkit(open, call); sent < 0) {
    const auto node = checks_.extract(uid);
    node.mapped().verdict(access_denied(std::string("polkit cannot be asked: ") + std::strerror(-sent)));
  }
}

int Authority::ask_polkit(Check& check, sd_bus_message* call) {
  const bool interactive = sd_bus_message_get_allow_interactive_authorization(call) > 0;
  sd_bus_message* made = nullptr;
  int result = sd_bus_message_new_method_call(bus_, &made, "org.freedesktop.PolicyKit1",
                                              "/org/freedesktop/PolicyKit1/Authority",
                                              "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
  const Message question(made);
  if (result >= 0)
    result = sd_bus_message_append(made, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                   sd_bus_message_get_sender(call), check.action.c_str(), 0,
                                   interactive ? flag_allow_interaction : 0U, "");
  sd_bus_slot* slot = nullptr;
  if (result >= 0)
    result = sd_bus_call_async(bus_, &slot, made, on_answer, &check,
                               interactive ? prompt_timeout_usec : answer_timeout_usec);
  check.slot.reset(slot);
  return result;
}

int Authority::on_answer(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto* const check = static_cast<Check*>(userdata);
  const auto node = check->authority->checks_.extract(check->uid);
  node.mapped().verdict(judge(reply, node.mapped().action));
  return 1;
}

}  // namespace slo
