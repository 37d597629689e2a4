"""Matrix, as Synapse serves it."""
