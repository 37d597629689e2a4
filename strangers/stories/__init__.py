"""Each break as a program of its own, with the system's usual client: no part of the harness is used."""
