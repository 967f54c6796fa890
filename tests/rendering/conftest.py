"""One hypothesis profile: the same examples in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile("rendering", deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
settings.load_profile("rendering")
