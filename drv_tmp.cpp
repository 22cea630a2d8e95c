#include <chrono>
#include <cstdio>
#include "tests/sim/simulate.h"
#include "tests/sim/samples.h"
#include "tests/sim/sets.h"
using namespace slo::sim; using samples::second;
int main(){ for (unsigned cpus:{4u,64u}) { System s({.machine={.cpus=cpus},.workload=three_units(cpus,1)},{}); s.daemon().attach(); auto b=std::chrono::steady_clock::now(); clock_t c=clock(); (void)s.run(cpus==4?10*second:second); double t=std::chrono::duration<double>(std::chrono::steady_clock::now()-b).count(); double ct=(double)(clock()-c)/CLOCKS_PER_SEC; std::printf("%u cpus: %zu callbacks, wall %.2f s cpu %.2f s: %.0f/s of cpu time\n",cpus,(size_t)s.ext().callbacks().count(),t,ct,s.ext().callbacks().count()/ct);} }
