"""Events: the form, reading, recording, replaying."""
