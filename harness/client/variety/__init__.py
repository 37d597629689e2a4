"""What varies from one send, poll and user to the next: all that the contract allows a client, by class.

It is drawn from the run's seed. `docs/traffic.md` says which row of the plan uses what.
"""
