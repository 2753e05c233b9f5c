"""Delegations: who decides in whose place while somebody is away."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import engine
from orchestrator.api.answers import DelegationPageSerializer, DelegationSerializer
from orchestrator.api.base import ApiView, page
from orchestrator.api.openapi import operation
from orchestrator.api.requests import DelegationQuery, NewDelegationSerializer
from orchestrator.definition.issues import Issue, show
from orchestrator.exceptions import InvalidError
from orchestrator.permissions import delegations_for, require, require_own
from orchestrator.reads.delegations import to_come


class DelegationsView(ApiView):
    @operation(
        "delegations_list", "List delegations", answers=DelegationPageSerializer, query=DelegationQuery
    )
    def get(self, request: Request) -> Response:
        """Your own and those given to you, for administrators all; newest first, without those that are over."""
        query = self.query(DelegationQuery)
        rows = delegations_for(request.user)
        shown = rows.select_related("person", "to", "created_by") if query["past"] else to_come(rows)
        return page(shown, query, DelegationSerializer)

    @operation(
        "delegations_create",
        "Delegate your approvals",
        answers=DelegationSerializer,
        takes=NewDelegationSerializer,
        errors=(403, 409, 415),
        code=201,
    )
    def post(self, request: Request) -> Response:
        """Administrators may name another `person` than themselves. 409 when it does not go with another delegation."""
        given = self.body(NewDelegationSerializer)
        person = _person(request.user, given.pop("person", ""))
        made = engine.delegate(person, given.pop("to"), by=request.user, **given)
        return Response(DelegationSerializer(made).data, status=201)


def _person(user: User, name: str) -> User:
    if name in {"", user.get_username()}:
        return user
    require(user, "admin")
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        message = f"There is no user {show(name)}."
        raise InvalidError(message, [Issue("person", "no_such_user", message)])
    return found


class DelegationView(ApiView):
    @operation("delegations_revoke", "Revoke a delegation", answers=None, code=204, errors=(403, 404))
    def delete(self, request: Request, pk: int) -> Response:
        """It ends at once; what was decided by it stays decided."""
        delegation = get_object_or_404(delegations_for(request.user), pk=pk)
        require_own(request.user, delegation)
        engine.revoke_delegation(delegation)
        return Response(status=204)
