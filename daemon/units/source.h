// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace slo {

// What systemd knows about one unit: loaded, or with settings in its files.
struct UnitFact {
  std::string name;                  // "nginx.service"
  std::string control_group;         // "/system.slice/nginx.service"; empty: no cgroup now
  std::uint64_t cgroup_id = 0;       // inode of the cgroup's directory; 0: no cgroup now
  std::vector<std::string> files;    // FragmentPath, then DropInPaths in systemd's order
  bool needs_daemon_reload = false;  // the files have changed since systemd read them
  std::string waiting = {};          // then, one with settings, whether systemd knows it or not
  std::uint64_t reload = 0;  // of systemd's, by number, from which this is: another may find other content
  friend bool operator==(const UnitFact&, const UnitFact&) = default;
};

// Where units come from. Answers reach the manager as facts (units_listed, unit_changed, unit_gone).
class UnitSource {
 public:
  virtual ~UnitSource() = default;
  virtual void request_list() = 0;  // asynchronous: ends in Manager::units_listed
};

}  // namespace slo
