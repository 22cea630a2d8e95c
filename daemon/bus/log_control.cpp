// SPDX-License-Identifier: GPL-2.0-only
#include "bus/log_control.h"

#include <org.freedesktop.LogControl1_adaptor.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

namespace slo {
namespace {

using spdlog::level::level_enum;

// The first word of a level is what it is called; the others are taken for it.
constexpr std::array<std::pair<std::string_view, level_enum>, 8> levels{{
    {"debug", level_enum::debug},
    {"info", level_enum::info},
    {"notice", level_enum::info},
    {"warning", level_enum::warn},
    {"err", level_enum::err},
    {"crit", level_enum::critical},
    {"emerg", level_enum::off},
    {"alert", level_enum::off},
}};

}  // namespace

std::string log_level() {
  const level_enum now = std::max(spdlog::get_level(), level_enum::debug);
  return std::string(std::ranges::find(levels, now, &decltype(levels)::value_type::second)->first);
}

bool set_log_level(std::string_view word) {
  const auto level = std::ranges::find(levels, word, &decltype(levels)::value_type::first);
  if (level == levels.end()) return false;
  spdlog::set_level(level->second);
  return true;
}

class BusLogControl::Object final : public sdbus::AdaptorInterfaces<org::freedesktop::LogControl1_adaptor> {
 public:
  Object(sdbus::IConnection& connection, std::string target)
      : AdaptorInterfaces(connection, sdbus::ObjectPath{"/org/freedesktop/LogControl1"}),
        target_(std::move(target)) {
    registerAdaptor();
  }
  ~Object() { unregisterAdaptor(); }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

 private:
  std::string LogLevel() override { return log_level(); }
  void LogLevel(const std::string& value) override {
    if (!set_log_level(value))
      throw sdbus::Error{sdbus::Error::Name{"org.freedesktop.DBus.Error.InvalidArgs"},
                         "no log level; accepted is debug, info, notice, warning, err, crit, alert or emerg"};
  }
  std::string LogTarget() override { return target_; }
  std::string SyslogIdentifier() override { return "scx-slod"; }

  std::string target_;
};

BusLogControl::BusLogControl(sdbus::IConnection& connection, std::string target)
    : object_(std::make_unique<Object>(connection, std::move(target))) {}

BusLogControl::~BusLogControl() = default;

}  // namespace slo
