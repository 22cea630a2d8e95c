// SPDX-License-Identifier: GPL-2.0-only
#include "simulate.h"

#include "edf.h"
#include "engine.h"
#include "policy_scheduler.h"

namespace slo::sim {

Record run_policy(const Experiment& experiment, const Policy& policy) {
  Engine engine(experiment.machine, experiment.workload, experiment.seed);
  PolicyScheduler scheduler(engine, policy, experiment.seed);
  return engine.run(scheduler, experiment.span_ns);
}

Record run_edf(const Experiment& experiment, const Policy& policy) {
  Machine machine = experiment.machine;
  machine.shard_cpus = machine.cpus;  // it has one queue for all
  Engine engine(machine, experiment.workload, experiment.seed);
  Policy without_servers = policy;
  without_servers.has_servers = false;
  EdfScheduler scheduler(engine, without_servers, experiment.seed);
  return engine.run(scheduler, experiment.span_ns);
}

}  // namespace slo::sim
