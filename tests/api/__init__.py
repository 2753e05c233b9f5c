"""The REST API: access, envelopes, answers, hostile bodies."""
