"""Setting up, signing in and out, and one's own profile."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from orchestrator.reads.first_steps import is_hidden
from orchestrator.web import setup_code, throttle
from orchestrator.web.account_forms import NewPasswordForm, SetupForm, SignInForm
from orchestrator.web.middleware import open_before_setup, public

UNPROCESSABLE = 422
TOO_MANY_REQUESTS = 429


@open_before_setup
@never_cache
@sensitive_post_parameters("password1", "password2", "code")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first account; once there is one this page only leads on."""
    if get_user_model().objects.exists():
        return redirect("home")
    setup_code.announce()
    form = SetupForm(request.POST or None)
    if not form.is_valid():
        status = UNPROCESSABLE if form.is_bound else 200
        return render(
            request, "accounts/setup.html", {"form": form, "code_path": setup_code.path()}, status=status
        )
    # Of two that send the code together, the one that uses it up makes the account.
    if setup_code.spend():
        login(request, form.save(), backend="django.contrib.auth.backends.ModelBackend")
    return redirect("home")


@method_decorator(public, name="dispatch")
class SignInView(LoginView):
    template_name = "accounts/sign_in.html"
    form_class = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            attempt = throttle.begin(request.POST.get("username", ""), request.META.get("REMOTE_ADDR", ""))
        except throttle.TooManyFailuresError as error:
            return self._refuse(error)
        response = super().post(request, *args, **kwargs)
        if request.user.is_authenticated:
            throttle.succeeded(attempt)
        return response

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=UNPROCESSABLE)

    def _refuse(self, error: throttle.TooManyFailuresError) -> HttpResponse:
        """The same whether the password was right: that is what makes guessing slow."""
        form = self.form_class(self.request)
        context = self.get_context_data(form=form, refusal=str(error))
        headers = {"Retry-After": str(error.seconds)}
        return self.render_to_response(context, status=TOO_MANY_REQUESTS, headers=headers)


class SignOutView(LogoutView):
    http_method_names = ("post", "options")


class ProfileView(PasswordChangeView):
    """Who one is here, and a new password."""

    template_name = "accounts/profile.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("profile")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        roles = self.request.user.groups.order_by("name").values_list("name", flat=True)
        return super().get_context_data(
            roles=list(roles), steps_hidden=is_hidden(self.request.user), **kwargs
        )

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Other browsers have to sign in again.")
        return super().form_valid(form)

    def form_invalid(self, form: NewPasswordForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=UNPROCESSABLE)
