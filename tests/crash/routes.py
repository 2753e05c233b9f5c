"""Which routes write, by which methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
# The pages of Django's own admin, which does each change in one transaction; and the API's answer to a wrong path.
LEFT_OUT = ("admin/", "api/$")


def write_endpoints() -> set[tuple[str, str]]:
    """Every route with the unsafe methods its view takes."""
    return {(route, method) for route, view in _routes(get_resolver()) for method in _unsafe(view)}


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Callable[..., HttpResponse]]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if route.startswith(LEFT_OUT) or (prefix == "api/" and route == prefix):
            continue
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        else:
            yield from _routes(pattern, route)


def _unsafe(view: Callable[..., HttpResponse]) -> set[str]:
    made_from = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if made_from is not None:
        handled = {name.upper() for name in made_from.http_method_names if hasattr(made_from, name)}
        # Django's form views take PUT for POST.
        return handled & UNSAFE - ({"PUT"} if hasattr(made_from, "form_class") else set())
    # A function says what it takes when it is asked for something else, before it looks at anything.
    answer = view(RequestFactory().generic("TRACE", "/"))
    assert answer.status_code == 405, f"{view} does not say which methods it takes"
    return {name.strip() for name in answer["Allow"].split(",")} & UNSAFE
