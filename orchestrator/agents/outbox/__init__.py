"""Agents that live on files: each has an `outbox.json` in which Baton puts its tasks and the agent says how they went.

`shape`, `entries`, `merging` and `outcomes` are pure. `folder` opens and replaces the files, `postman` carries between
them and the engine.
"""
