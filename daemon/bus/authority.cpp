// SPDX-License-Identifier: GPL-2.0-only
#include "bus/authority.h"

#include <systemd/sd-bus.h>

#include <chrono>
#include <map>
#include <utility>

#include "base/bus_names.h"

namespace slo {
namespace {

constexpr auto prompt_timeout = std::chrono::minutes(5);  // for a person to find the password
constexpr auto answer_timeout = std::chrono::seconds(25);
constexpr std::uint32_t flag_allow_interaction = 1;  // CheckAuthorizationFlags of polkit

sdbus::Error access_denied(const std::string& text) {
  return sdbus::Error{sdbus::Error::Name{"org.freedesktop.DBus.Error.AccessDenied"}, text};
}

}  // namespace

Authority::Authority(sd_bus* bus, sdbus::IConnection& connection)
    : bus_(bus),
      bus_driver_(
          sdbus::createProxy(connection, sdbus::ServiceName{driver_name}, sdbus::ObjectPath{driver_path})),
      polkit_(sdbus::createProxy(connection, sdbus::ServiceName{"org.freedesktop.PolicyKit1"},
                                 sdbus::ObjectPath{"/org/freedesktop/PolicyKit1/Authority"})) {}

Authority::~Authority() = default;

void Authority::check(const std::string& action, Verdict verdict) {
  // The library does not show whether the caller allows a prompt, so the message itself is asked.
  sd_bus_message* const call = sd_bus_get_current_message(bus_);
  const char* const name = call == nullptr ? nullptr : sd_bus_message_get_sender(call);
  if (name == nullptr) {
    verdict(access_denied("scx-slo cannot tell who is asking"));
    return;
  }
  const bool interactive = sd_bus_message_get_allow_interactive_authorization(call) > 0;
  // Asking the sender's process would be racy, and the library's own query blocks; the bus knows.
  bus_driver_->callMethodAsync("GetConnectionUnixUser")
      .onInterface(driver_name)
      .withArguments(std::string{name})
      .uponReplyInvoke([this, sender = std::string{name}, action, interactive, verdict = std::move(verdict)](
                           std::optional<sdbus::Error> error, std::uint32_t uid) {
        if (error) {
          verdict(access_denied("scx-slo cannot tell who is asking: " + error->getMessage()));
        } else if (uid == 0) {
          verdict(std::nullopt);
        } else {
          ask_polkit(sender, action, interactive, verdict);
        }
      });
}

void Authority::when_allowed(const std::string& action, sdbus::Result<>&& result,
                             std::function<std::optional<sdbus::Error>()> order) {
  auto caller = std::make_shared<sdbus::Result<>>(std::move(result));
  check(action, [caller, order = std::move(order)](std::optional<sdbus::Error> denied) {
    const auto error = denied ? std::move(denied) : order();
    if (error) {
      caller->returnError(*error);
    } else {
      caller->returnResults();
    }
  });
}

void Authority::ask_polkit(const std::string& sender, const std::string& action, bool interactive,
                           Verdict verdict) {
  using Details = std::map<std::string, std::string>;
  const sdbus::Struct subject{std::string{"system-bus-name"},
                              std::map<std::string, sdbus::Variant>{{"name", sdbus::Variant{sender}}}};
  polkit_->callMethodAsync("CheckAuthorization")
      .onInterface("org.freedesktop.PolicyKit1.Authority")
      .withTimeout(interactive ? std::chrono::duration_cast<std::chrono::seconds>(prompt_timeout)
                               : answer_timeout)
      .withArguments(subject, action, Details{}, interactive ? flag_allow_interaction : 0U, std::string{})
      .uponReplyInvoke(
          [action, verdict = std::move(verdict)](std::optional<sdbus::Error> error,
                                                 const sdbus::Struct<bool, bool, Details>& answer) {
            const auto& [authorized, challenge, details] = answer;
            if (error) {
              verdict(access_denied(
                  "only root may do this: polkit, which could allow it to others, does not answer (" +
                  error->getMessage() + ")"));
            } else if (authorized) {
              verdict(std::nullopt);
            } else if (challenge) {
              verdict(sdbus::Error{
                  sdbus::Error::Name{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"},
                  "this needs a password, and the caller does not allow asking for it"});
            } else {
              verdict(access_denied("only root may do this; a polkit rule for " + action +
                                    " can allow it to others"));
            }
          });
}

}  // namespace slo
