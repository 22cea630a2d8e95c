// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-bus.h>

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bus/message.h"
#include "manager.h"

namespace slo {

// The object of a unit with settings of its own.
[[nodiscard]] sdbus::ObjectPath unit_object_path(const std::string& unit);

// The worst miss of DeadlineMissed.
[[nodiscard]] std::map<std::string, sdbus::Variant> encode_worst(const MissReport& report);

// org.scxslo.Unit1 of all units with settings, by one table for all of them: sdbus-c++ makes one for each
// object, and with ten thousand of these the daemon would need 90 MiB more.
class BusUnits {
 public:
  // Both outlive this object. Throws std::system_error.
  BusUnits(sd_bus* bus, const Manager& manager);
  ~BusUnits();
  BusUnits(const BusUnits&) = delete;
  BusUnits& operator=(const BusUnits&) = delete;

  // Of these units the bus shows from now on what the manager says; others hear of what is different.
  void follow(const NameSet& names);

 private:
  class Table;
  struct Shown;

  static int find(sd_bus* bus, const char* path, const char* interface, void* userdata, void** found,
                  sd_bus_error* error);
  static int enumerate(sd_bus* bus, const char* prefix, void* userdata, char*** nodes, sd_bus_error* error);
  static int get(sd_bus* bus, const char* path, const char* interface, const char* property,
                 sd_bus_message* reply, void* userdata, sd_bus_error* error);
  static int get_stats(sd_bus_message* call, void* userdata, sd_bus_error* error);
  void follow_one(const std::string& name);
  void appear(const std::string& name, const Unit& unit);
  void vanish(const std::string& name);

  sd_bus* bus_;
  const Manager& manager_;
  std::map<std::string, std::unique_ptr<Shown>, std::less<>> shown_;
  std::vector<Slot> slots_;
};

}  // namespace slo
