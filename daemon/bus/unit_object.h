// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "manager.h"

namespace slo {

// The object of a unit with settings of its own.
[[nodiscard]] sdbus::ObjectPath unit_object_path(const std::string& unit);

// The worst miss of DeadlineMissed.
[[nodiscard]] std::map<std::string, sdbus::Variant> encode_worst(const MissReport& report);

// org.scxslo.Unit1 of one unit, there while this object lives.
class BusUnit {
 public:
  // Both outlive this object, and `manager` has settings for the unit now.
  BusUnit(sdbus::IConnection& connection, const Manager& manager, const Unit& unit);
  ~BusUnit();
  BusUnit(const BusUnit&) = delete;
  BusUnit& operator=(const BusUnit&) = delete;

  [[nodiscard]] const sdbus::ObjectPath& path() const;
  // Takes over what the manager has now, and tells the bus what is different.
  void update(const Unit& unit);

 private:
  class Object;
  std::unique_ptr<Object> object_;
};

}  // namespace slo
