# known: idle-displaced
machine cpus=2 adjacent=1 seed=477 span_us=288656
unit budget_us=141376 response=1 importance=3
unit importance=1
unit importance=7518 weight=3747
unit budget_us=965296 importance=33 slice=2
unit importance=60
unit budget_us=859 max_exec_us=2496 response=1 importance=5
task unit=5
task unit=4
task unit=0
task unit=2
task unit=1
task unit=3
task unit=3
task unit=0
task unit=5
task unit=4
0 attach
4313 wake task=3 exec_us=64154 times=3 every_us=51
93207 real_time task=9 priority=79
134277 nice task=3 nice=-20
158247 wake task=9 exec_us=21995 from=1
