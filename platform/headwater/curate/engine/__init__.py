"""The engine of the silver tier: steps over the parts of bronze, in processes, and only where needed.

A *unit* is one part of bronze. Which of its rows the last version saw, its digest or the digests of the
rows say (`known`). The new rows of neighbouring units are a *group* (`groups`), which a worker judges,
leaving what it found in a folder of scratch that a later run takes over (`judging`, `work`). Duplicates
are then found over the sketches of all units (`units`, `dropped`), and silver, the quarantine and the
state are written, with files of the last version where every row stayed (`output`, `refused`, `state`,
`previous`). Worker processes import nothing of this project but these modules, the steps and what those
need.
"""
