"""The organisations of the installation: which there are, what they use, made, suspended and resumed."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.core import hx, localities
from app.core.access import operator
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.operator import actions, queries, store
from app.operator.actions import Actor
from app.operator.actions.tenants import NewTenant
from app.operator.forms import OwnerForm, ReasonForm, TenantForm
from app.operator.gate import current_operator

_STATUSES = (("", "Any"), ("active", "Active"), ("suspended", "Suspended"))
_MOST_PAGES = 10_000


def add_to(blueprint: Blueprint) -> None:
    @blueprint.get("/")
    @operator
    def home() -> Response:
        return hx.redirect(url_for(".list_tenants"))

    @blueprint.get("/tenants")
    @operator
    def list_tenants() -> Response:
        search, status = request.args.get("q", "")[:100], request.args.get("status", "")
        number = min(max(request.args.get("page", 1, type=int), 1), _MOST_PAGES)
        with store.reading() as session:
            page = queries.list_tenants(session, search=_storable(search), status=status, page=number)
        usage = queries.list_usage(row.id for row in page.rows)
        return hx.page(
            "operator/tenants.html", page=page, usage=usage, statuses=_STATUSES, q=search, chosen_status=status
        )

    @blueprint.get("/tenants/new")
    @operator
    def new_tenant() -> Response:
        return _new_page(TenantForm(tenant_id=str(new_id()), zone="UTC", locale="en", region="US", currency="USD"))

    @blueprint.post("/tenants")
    @operator
    def create_tenant() -> Response:
        form = TenantForm()
        if not form.validate():
            return _new_page(form, form.problems(), 422)
        new = NewTenant(UUID(form.tenant_id.data or ""), *(form[name].data for name in _FACTS))
        actor = current_operator()
        try:
            with store.transaction(new.id) as session:
                actions.create_tenant(session, actor, new)
        except (Invalid, Conflict) as refused:
            problems = refused.errors if isinstance(refused, Invalid) else {"slug": refused.message}
            return _new_page(form, problems, 422)
        _invite(actor, new.id, form)
        return hx.redirect(url_for(".show_tenant", tenant_id=new.id))

    @blueprint.get("/tenants/<uuid:tenant_id>")
    @operator
    def show_tenant(tenant_id: UUID) -> Response:
        return _tenant_page(tenant_id, OwnerForm())

    @blueprint.post("/tenants/<uuid:tenant_id>/owners")
    @operator
    def invite_owner(tenant_id: UUID) -> Response:
        form = OwnerForm()
        with store.reading() as session:
            queries.get_tenant(session, tenant_id)
        if not form.validate():
            return _tenant_page(tenant_id, form, form.problems(), 422)
        _invite(current_operator(), tenant_id, form)
        return hx.redirect(url_for(".show_tenant", tenant_id=tenant_id))

    @blueprint.post("/tenants/<uuid:tenant_id>/owners/<uuid:user_id>/invite")
    @operator
    def send_invitation(tenant_id: UUID, user_id: UUID) -> Response:
        actor = current_operator()
        with store.reading() as session:
            queries.get_tenant(session, tenant_id)
        with store.transaction(tenant_id) as session:
            actions.record_invitation(session, actor, tenant_id, user_id)
        actions.send_owner_again(actor, tenant_id, user_id)
        hx.flash("The invitation is on its way; the link sent before does not work any more.")
        return hx.redirect(url_for(".show_tenant", tenant_id=tenant_id))

    @blueprint.get("/tenants/<uuid:tenant_id>/suspend")
    @operator
    def ask_suspend(tenant_id: UUID) -> Response:
        return _reason_page(tenant_id, ReasonForm())

    @blueprint.post("/tenants/<uuid:tenant_id>/suspend")
    @operator
    def suspend(tenant_id: UUID) -> Response:
        form = ReasonForm()
        if not form.validate():
            return _reason_page(tenant_id, form, form.problems(), 422)
        with store.transaction(tenant_id) as session:
            done = actions.suspend_tenant(session, current_operator(), tenant_id, form.reason.data or "")
        hx.flash(
            "It is suspended, at once and everywhere. Its owners are told." if done else "It was suspended already."
        )
        return hx.redirect(url_for(".show_tenant", tenant_id=tenant_id))

    @blueprint.post("/tenants/<uuid:tenant_id>/resume")
    @operator
    def resume(tenant_id: UUID) -> Response:
        with store.transaction(tenant_id) as session:
            done = actions.resume_tenant(session, current_operator(), tenant_id)
        hx.flash("It is open again. Its owners are told." if done else "It was open already.")
        return hx.redirect(url_for(".show_tenant", tenant_id=tenant_id))


_FACTS = ("slug", "name", "zone", "locale", "region", "currency")


def _invite(actor: Actor, tenant_id: UUID, form: OwnerForm) -> None:
    """Says in the operators' log what is about to be done, then does it as the application."""
    email, name = form.owner_email.data or "", form.owner_name.data or ""
    with store.transaction() as session:
        row = queries.get_tenant(session, tenant_id)
        actions.record(session, actor, "owner.invited", about=(row.id, row.name))
    if actions.invite_owner(actor, tenant_id, email=email, name=name):
        hx.flash(f"The invitation for {email} is on its way.")
    else:
        hx.flash(f"{email} is in this organisation already.", "info")


def _tenant_page(
    tenant_id: UUID, form: OwnerForm, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    with store.reading(tenant_id) as session:
        row = queries.get_tenant(session, tenant_id)
        owners = queries.list_owners(session)
        events = queries.list_events(session, about=tenant_id, limit=20)
    return hx.page(
        "operator/tenant.html",
        status=status,
        tenant=row,
        owners=owners,
        events=events,
        usage=queries.find_usage(tenant_id),
        form=form,
        problems=problems or {},
    )


def _new_page(form: TenantForm, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    choices = {
        "zones": localities.zones(),
        "locale": localities.locales(),
        "region": localities.regions(),
        "currency": localities.currencies(),
    }
    return hx.page("operator/new_tenant.html", status=status, form=form, choices=choices, problems=problems or {})


def _reason_page(
    tenant_id: UUID, form: ReasonForm, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    with store.reading() as session:
        row = queries.get_tenant(session, tenant_id)
    return hx.page("operator/suspend.html", status=status, tenant=row, form=form, problems=problems or {})


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()
