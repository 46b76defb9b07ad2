"""The engine of the silver tier: steps over the parts of bronze, in processes, and only where needed.

A *unit* is one part of bronze. A worker judges it and leaves what it found in a folder of scratch, which a
later run takes over (`unit`, `work`). Duplicates are then found over the sketches of all units, and the
parts of silver are planned and written (`output`). Rows that the last version made from the same bronze row
with the same steps are taken from it (`previous`). Worker processes import nothing of this project but these
modules, the steps and what those need.
"""
