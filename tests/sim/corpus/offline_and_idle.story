machine cpus=8 cache_cpus=7 is_6_12=1 seed=357 span_us=168353
unit budget_us=4902 response=1 importance=8227
unit budget_us=83226 importance=183
unit budget_us=2369 importance=97
unit budget_us=299 importance=1154 weight=20
task unit=1
task unit=1
task unit=0
task unit=0
task unit=0
task unit=3
task unit=2
task unit=0
3711 attach
33890 wake task=6 exec_us=2332 from=7 sync=1 times=64 every_us=246
99558 offline cpu=7
136302 wake task=7 exec_us=27 from=12
