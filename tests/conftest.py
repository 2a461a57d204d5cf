"""What every test shares."""

from hypothesis import settings

settings.register_profile("ratchet", deadline=None)  # two cores that others share promise nothing
settings.load_profile("ratchet")
