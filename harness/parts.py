"""The parts of a run that `doctor` looks for, by name; how each is found is in `harness.stack.finding`."""

REDIS, MONGOD, TOXIPROXY = SERVICES = ("redis", "mongod", "toxiproxy")
CHROMIUM = "chromium"
PARTS = (*SERVICES, CHROMIUM)
