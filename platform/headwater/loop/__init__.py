"""`headwater loop`: the whole circle once round, for a person to watch.

A release made without the documentation of some services is served and asked about them; monitoring
notices, the sensor refreshes what is affected from the documentation that has come in, the gate lets it
through, and the running service answers. Then a damaged source is stopped by the gate, and one command rolls
back.
"""
