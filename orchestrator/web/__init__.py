"""The pages: thin views that load an object once through `permissions`, call the engine or `reads`, and render.

What lives here: routes, views, forms, the frame around every page, sign-in. What must not: queries that `reads` could
answer, and any change of a run that does not go through `orchestrator.engine`.
"""
