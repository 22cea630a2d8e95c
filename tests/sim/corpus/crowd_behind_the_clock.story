machine cpus=1 seed=6136 span_us=12000000
unit budget_us=514767 importance=290 weight=2858
unit importance=2
unit importance=1 weight=2006 slice=0
unit importance=5730 reserve=420 weight=257 operator=1
task unit=3
task unit=0
task unit=0
task unit=1
task unit=1
task unit=1
task unit=2
0 attach
10 wake task=0 exec_us=12000000
10 wake task=5 exec_us=12000000
10 wake task=6 exec_us=12000000
846375 fork task=0 exec_us=1082 times=11741 every_us=1022
