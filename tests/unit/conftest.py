"""Settings for every unit test."""

from hypothesis import HealthCheck, settings

# How fast examples are made depends on how busy the machine is. In CI, Hypothesis does this by itself.
settings.register_profile("unit", settings(), suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("unit")
