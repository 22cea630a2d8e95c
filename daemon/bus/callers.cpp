// SPDX-License-Identifier: GPL-2.0-only
#include "bus/callers.h"

#include <string_view>
#include <utility>

#include "base/bus_names.h"

namespace slo {

Callers::Callers(sd_bus* bus) : bus_(bus) {
  sd_bus_slot* slot = nullptr;
  check(sd_bus_add_match_async(bus, &slot,
                               "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                               "member='NameOwnerChanged',arg2=''",
                               on_gone, nullptr, this),
        "follow who leaves the bus");
  gone_.reset(slot);
}

void Callers::find(const std::string& sender, Found found) {
  if (const auto known = known_.find(sender); known != known_.end()) {
    found(known->second);
    return;
  }
  const auto asked = asked_.find(sender);
  if (asked == asked_.end() ? asked_.size() >= most_asked : asked->second.waiting.size() >= most_per_sender) {
    found(std::nullopt);
  } else if (asked != asked_.end()) {
    asked->second.waiting.push_back(std::move(found));
  } else {
    ask(sender, std::move(found));
  }
}

void Callers::ask(const std::string& sender, Found found) {
  Question& question = asked_[sender];
  question.callers = this;
  question.sender = sender;
  question.waiting.push_back(std::move(found));
  sd_bus_slot* slot = nullptr;
  const int sent =
      sd_bus_call_method_async(bus_, &slot, driver_name, driver_path, driver_name, "GetConnectionUnixUser",
                               on_answer, &question, "s", sender.c_str());
  if (sent >= 0) {
    question.slot.reset(slot);
    return;
  }
  const auto node = asked_.extract(sender);
  for (const Found& waiting : node.mapped().waiting) waiting(std::nullopt);
}

int Callers::on_answer(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto* const question = static_cast<Question*>(userdata);
  Callers* const self = question->callers;
  const auto node = self->asked_.extract(question->sender);
  std::optional<std::uint32_t> uid;
  std::uint32_t said = 0;
  if (sd_bus_message_get_error(reply) == nullptr && sd_bus_message_read(reply, "u", &said) >= 0) {
    uid = said;
    // Who left while we asked is forgotten here.
    if (self->known_.size() >= most_known) self->known_.clear();
    self->known_.emplace(node.key(), said);
  }
  for (const Found& waiting : node.mapped().waiting) waiting(uid);
  return 1;
}

int Callers::on_gone(sd_bus_message* signal, void* userdata, sd_bus_error* /*error*/) {
  const char* name = nullptr;
  const char* sender = sd_bus_message_get_sender(signal);
  if (sender == nullptr || std::string_view(sender) != driver_name) return 0;
  if (sd_bus_message_read(signal, "s", &name) >= 0) static_cast<Callers*>(userdata)->known_.erase(name);
  return 0;
}

}  // namespace slo
