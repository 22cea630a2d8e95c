// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/object_path.h"

#include <systemd/sd-bus.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "base/handle.h"

namespace slo {
namespace {

using Text = std::unique_ptr<char, Deleter<std::free>>;

}  // namespace

std::string object_path(const char* prefix, const std::string& name) {
  char* path = nullptr;
  if (sd_bus_path_encode(prefix, name.c_str(), &path) < 0) throw std::bad_alloc();
  return Text(path).get();
}

std::optional<std::string> name_of_path(const char* prefix, const char* path) {
  char* name = nullptr;
  if (path == nullptr || sd_bus_path_decode(path, prefix, &name) <= 0) return std::nullopt;
  return Text(name).get();
}

}  // namespace slo
