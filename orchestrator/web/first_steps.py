"""The first steps on the first page can be put away, and brought back from the profile."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from orchestrator.models import Hidden
from orchestrator.web.answers import go


@require_POST
def first_steps(request: HttpRequest) -> HttpResponse:
    """Hides them from this person, or with `show` shows them again; sent twice it is the same."""
    mine = {"user": request.user, "what": Hidden.What.FIRST_STEPS}
    if "show" in request.POST:
        Hidden.objects.filter(**mine).delete()
        return go(request, reverse("home"))
    Hidden.objects.get_or_create(**mine)
    return go(request, reverse("home"), "The first steps are hidden. Your profile brings them back.")
