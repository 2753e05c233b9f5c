"""The pages of API tokens, everybody's own, and of secrets, which administrators set and nobody reads."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orchestrator import tokens, vault
from orchestrator.exceptions import ConflictError
from orchestrator.models import Secret
from orchestrator.permissions import require
from orchestrator.web.account_forms import SecretForm, TokenForm
from orchestrator.web.answers import refusals_as_pages

CREATED, UNPROCESSABLE = 201, 422
EXAMPLE = "{{ secrets.name }}"


@never_cache
@require_http_methods(["GET", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """One's tokens. A new one is in the answer to the form that made it and nowhere else."""
    form = TokenForm(request.POST or None)
    if form.is_valid():
        try:
            _, text = tokens.issue(request.user, form.cleaned_data["name"], form.lifetime())
        except ConflictError as error:
            form.add_error("name", error.message)
        else:
            return _token_page(request, TokenForm(), text, CREATED)
    return _token_page(request, form, "", UNPROCESSABLE if form.is_bound else 200)


def _token_page(request: HttpRequest, form: TokenForm, text: str, status: int) -> HttpResponse:
    own = request.user.api_tokens.filter(revoked_at=None)
    context = {"form": form, "tokens": own, "new_token": text, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context, status=status)


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(request.user.api_tokens.all(), pk=pk)
    tokens.revoke(token)
    messages.success(request, f"The token {token.name} no longer works.")
    return redirect("tokens")


@refusals_as_pages
@never_cache
@sensitive_post_parameters("value")
@require_http_methods(["GET", "POST"])
def secret_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "admin")
    form = SecretForm(request.POST or None)
    if form.is_valid():
        data = form.cleaned_data
        vault.put(data["name"], data["value"], description=data["description"], user=request.user)
        messages.success(request, f"The secret {data['name']} is set.")
        return redirect("secrets")
    context = {"form": form, "secrets": Secret.objects.select_related("updated_by"), "example": EXAMPLE}
    return render(request, "accounts/secrets.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@refusals_as_pages
@require_POST
def secret_delete(request: HttpRequest, name: str) -> HttpResponse:
    require(request.user, "admin")
    if not vault.remove(name):
        raise Http404
    messages.success(request, f"The secret {name} is deleted.")
    return redirect("secrets")
