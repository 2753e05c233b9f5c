"""The REST API: parse, authorise, call the engine, answer.

What lives here: the strict body parser, the shapes that come in (`requests`) and go out (`answers`), one file of
views for each noun, and the single place where a failure becomes an answer (`errors`). What must not: writes of run
state and rules about who may what; those are asked of `orchestrator.engine` and `orchestrator.permissions`.

Callers authenticate by token alone (`Authorization: Bearer baton_…`). The session cookie of a browser is not
accepted where something changes, so that a page of another site has nothing to forge a request with.
"""
