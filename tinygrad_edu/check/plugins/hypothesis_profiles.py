"""Profiles for hypothesis: `pytest --hypothesis-profile=gradcheck-quick`, or -thorough, or -ci.

Hypothesis calls `register` when it is imported (its entry point `hypothesis`), so that `settings.load_profile(name)` in
a conftest.py knows them, too. None is loaded by itself.
"""

PROFILES = {
    "gradcheck-quick": {"max_examples": 5},
    "gradcheck-thorough": {"max_examples": 200},
    "gradcheck-ci": {"max_examples": 20, "derandomize": True, "database": None},
}


def register():
    """Tell hypothesis of PROFILES; a gradient check takes its time, so none has a deadline."""
    from hypothesis import HealthCheck, settings

    slow = (HealthCheck.too_slow, HealthCheck.data_too_large)
    for name, options in PROFILES.items():
        settings.register_profile(
            name, settings.get_profile("default"), deadline=None, suppress_health_check=slow, **options
        )
