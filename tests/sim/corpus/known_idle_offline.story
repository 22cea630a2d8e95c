# known: idle-offline
machine cpus=8 cache_cpus=4 seed=419 span_us=360781
unit budget_us=22047 max_exec_us=15445 importance=3268
unit budget_us=890622 importance=11
unit budget_us=11540 importance=119 weight=3 slice=0
unit budget_us=1229 response=1 importance=1096
task unit=3
task unit=0
task unit=0
task unit=2
task unit=3
task unit=2
task unit=1
3251 attach
9702 offline cpu=4
172609 wake task=6 exec_us=55537 from=25
187547 wake task=4 exec_us=18752
198351 wake task=5 exec_us=3655 from=5 times=7 every_us=498
214335 offline cpu=6
