"""Baton: the project package and the engine.

One direction, no way back: definition → plan → dispatch → execute → transition → event → live view. The root modules
settings, urls, asgi and wsgi are the composition root: nobody imports them. The import order of the packages is held
by import-linter (see pyproject.toml).
"""

__version__ = "0.1.0"
