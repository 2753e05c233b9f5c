"""The routes of accounts; included at the root, so that names have no prefix."""

from __future__ import annotations

from django.urls import path

from orchestrator.web import accounts, away, credentials, notices

urlpatterns = [
    path("setup/", accounts.setup, name="setup"),
    path("sign-in/", accounts.SignInView.as_view(), name="sign-in"),
    path("sign-out/", accounts.SignOutView.as_view(), name="sign-out"),
    path("profile/", accounts.ProfileView.as_view(), name="profile"),
    path("profile/tokens/", credentials.token_list, name="tokens"),
    path("profile/tokens/<int:pk>/revoke/", credentials.token_revoke, name="token-revoke"),
    path("profile/away/", away.away, name="away"),
    path("profile/away/<int:pk>/revoke/", away.revoke, name="delegation-revoke"),
    path("profile/notices/", notices.notice_settings, name="notice-settings"),
    path("settings/chats/", notices.chat_list, name="chats"),
    path("settings/chats/<int:pk>/<slug:verb>/", notices.chat_action, name="chat-action"),
    path("settings/secrets/", credentials.secret_list, name="secrets"),
    path("settings/secrets/<slug:name>/delete/", credentials.secret_delete, name="secret-delete"),
]
