// SPDX-License-Identifier: GPL-2.0-only
#include "dsq.h"

#include "../machine/task.h"

namespace slo::sim {

void Dsq::insert(Task& task, std::uint64_t at, bool to_head) {
  task.ext.dsq = this;
  task.ext.at = at;
  task.ext.nth = to_head ? --at_head : ++inserted;
  entries.insert({at, task.ext.nth, &task});
}

void Dsq::remove(Task& task) {
  entries.erase({task.ext.at, task.ext.nth, &task});
  task.ext.dsq = nullptr;
}

bool is_parked(const Task& task) {
  return task.ext.dsq != nullptr && is_parking_queue(*task.ext.dsq);
}

}  // namespace slo::sim
