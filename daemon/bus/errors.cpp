// SPDX-License-Identifier: GPL-2.0-only
#include "bus/errors.h"

#include <utility>

#include "base/bus_names.h"

namespace slo {
namespace {

sdbus::Error error_named(const char* name, const std::string& text) {
  return sdbus::Error{sdbus::Error::Name{name}, text};
}

}  // namespace

sdbus::Error no_such_unit(const Manager& manager, const std::string& name) {
  return error_named(
      no_such_unit_error,
      manager.knows(name)
          ? "no SLO holds for " + name + ": give it SloBudget= in a section [X-Slo] with: systemctl edit " +
                name
          : "systemd has not loaded a service, scope or slice named " + name + ": see systemctl list-units");
}

sdbus::Error invalid_arguments(const std::string& text) {
  return error_named("org.freedesktop.DBus.Error.InvalidArgs", text);
}

sdbus::Error not_attached(const Error& error) {
  return error_named("org.scxslo.Error.NotAttached", error.message());
}

sdbus::Error not_kept(const Error& error) {
  return error_named("org.scxslo.Error.NotKept", error.message());
}

sdbus::Error unsupported(const Error& error) {
  return error_named("org.scxslo.Error.Unsupported", error.message());
}

sdbus::Error failed(const Error& error) {
  return error_named("org.freedesktop.DBus.Error.Failed", error.message());
}

sdbus::Error refused(const Manager& manager, const RecordingRefusal& refusal) {
  switch (refusal.reason) {
    case RecordingRefusal::Reason::invalid:
      return invalid_arguments(refusal.text);
    case RecordingRefusal::Reason::unknown_unit:
      return no_such_unit(manager, refusal.text);
    case RecordingRefusal::Reason::under_way:
      return error_named("org.scxslo.Error.Recording", refusal.text);
  }
  std::unreachable();
}

}  // namespace slo
