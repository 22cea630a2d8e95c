// SPDX-License-Identifier: GPL-2.0-only
#include "client/command/cat.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/print/cells.h"
#include "client/print/table.h"

namespace slo::client {
namespace {

using Json = nlohmann::ordered_json;

std::string origin_text(const UnitSetting& setting) {
  if (setting.file.empty()) return "default";
  return setting.line == 0 ? setting.file : setting.file + ":" + std::to_string(setting.line);
}

}  // namespace

std::string cat_text(std::string_view unit, const std::vector<UnitSetting>& settings, NotYet not_yet) {
  Table table({{"SETTING"}, {"VALUE"}, {"SET IN"}});
  // What is not there would be looked for, so say that it is not.
  if (!std::ranges::contains(settings, "SloBudget", &UnitSetting::key))
    table.add_row({"SloBudget", "none", "default"});
  for (const auto& setting : settings) table.add_row({setting.key, setting.value, origin_text(setting)});
  std::string text = table.to_string();
  if (not_yet.changed_on_disk) {
    text +=
        "\nThe files of " + std::string(unit) +
        " have changed since systemd read them; what was read before holds.\nRun: systemctl daemon-reload\n";
  }
  if (not_yet.pending) text += std::string("\nPending: ") + pending_sentence + ".\n";
  return text;
}

std::string cat_json(std::string_view unit, const std::vector<UnitSetting>& settings, NotYet not_yet) {
  Json all = Json::array();
  for (const auto& setting : settings) {
    all.push_back({{"key", setting.key},
                   {"value", setting.value},
                   {"file", setting.file.empty() ? Json(nullptr) : Json(setting.file)},
                   {"line", setting.line == 0 ? Json(nullptr) : Json(setting.line)}});
  }
  const Json object = {{"unit", unit},
                       {"need_daemon_reload", not_yet.changed_on_disk},
                       {"pending", not_yet.pending},
                       {"settings", std::move(all)}};
  // A path may hold any byte. All else is ASCII, fit for a terminal.
  return object.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace slo::client
