# known: empty-anew
machine cpus=1 seed=989 span_us=178478
unit importance=5
unit budget_us=210813 importance=18 reserve=26
unit budget_us=2115 importance=23
task unit=2
task unit=1
task unit=2
task unit=0
task unit=2
task unit=0
task unit=0
task unit=1
task unit=1
0 attach
7829 wake task=8 exec_us=3292 from=1 times=3 every_us=2831
7830 reserve unit=2 permille=41
64102 wake task=0 exec_us=2230 times=12 every_us=8290
76237 reserve unit=2 permille=0
125833 reserve unit=2 permille=13
