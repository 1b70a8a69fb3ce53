"""Claim 2: the catalogue itself shows that every tenant's table is walled off."""

from migrations.rls import POLICY

# Tables that all tenants share, and why that is safe.
SHARED = {
    "alembic_version": "the revision of the schema",
    "operators": "who runs the installation; only the operator's login has rights on it",
    "operator_events": "what operators did; the operator's login adds and reads, nobody changes",
    "operator_guards": "failed tries at the console; only the operator's login",
    "operator_sessions": "who is signed in at the console; only the operator's login",
    "tenants": "names and settings of organisations; the app may read all, and change its own tenant's settings only",
}
# Functions that look below the policies. Each filters by app.tenant_id itself, or tells nothing but ids of tenants.
DEFINERS = {
    "erase_events": "nothing: blanks events of the tenant that is set, while one of its erasures runs",
    "tenants_with_privacy_due": "ids of tenants with a person's data to export or erase, for the sweep",
    "make_ticket_numbers": "nothing: gives a new tenant the sequence its tickets are numbered by",
    "next_ticket_numbers": "the next numbers for tickets of the tenant that is set",
    "search_tickets": "ids of tickets, of the tenant that is set",
    "search_leads": "ids of leads, of the tenant that is set",
    "tenants_with_lapsed_imports": "ids of tenants with an import that a crash left behind, for the sweep",
    "tenants_with_mail_due": "ids of tenants with mail to send or erase, for the sweep",
    "tenants_with_mail_in": "ids of tenants with a mailbox to poll or mail that came in, for the sweep",
    "tenants_with_sla_changes": "ids of tenants with a changed policy on its way to tickets, for the sweep",
    "tenants_with_sla_due": "ids of tenants with clocks that something has come to, for the sweep",
    "tenants_with_training_due": "ids of tenants with a classifier that waits to be trained, for the sweep",
    "tenants_with_replies_due": "ids of tenants with a reply whose time to be taken back is over, for the sweep",
    "tenants_with_unchained": "ids of tenants whose chain does not reach their newest event, for the sweep",
    "tenants_with_outbox": "ids of tenants with work waiting, for the sweep",
}
TRIGGERS = {"make_ticket_numbers"}
# Who owns a function, if not the role that only reads.
OWNERS = {"erase_events": "fairlead_keeper"}
ROLES = ("fairlead_app", "fairlead_owner")
PREDICATE = (
    "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\"))"
)

TABLES = """
    select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
           exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'
                   and not a.attisdropped) as has_tenant
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'f')
    order by c.relname
"""


def _tables(admin):
    return admin.execute(TABLES).fetchall()


def _tenant_tables(admin):
    return [row for row in _tables(admin) if row[5]]


def test_claim_02_every_tenant_table_has_the_one_policy(admin):
    for oid, name, kind, enabled, forced, _ in _tenant_tables(admin):
        assert kind in {"r", "p"}, f"{name}: views and foreign tables with tenant_id need a decision of their own"
        assert enabled, f"{name}: no row-level security; call rls.protect in its migration"
        assert forced, f"{name}: not forced on its owner"
        policies = admin.execute(
            "select polname, polcmd::text, polpermissive, polroles::text, pg_get_expr(polqual, polrelid), "
            "pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = %s",
            (oid,),
        ).fetchall()
        assert policies == [(POLICY, "*", True, "{0}", PREDICATE, PREDICATE)], f"{name}: {policies}"


def test_claim_02_tenant_id_is_never_null(admin):
    for oid, name, *_ in _tenant_tables(admin):
        (required,) = admin.execute(
            "select attnotnull from pg_attribute where attrelid = %s and attname = 'tenant_id'", (oid,)
        ).fetchone()
        assert required, name


def test_claim_02_tables_without_tenant_are_on_the_list(admin):
    without = {row[1] for row in _tables(admin) if not row[5]}
    assert without == set(SHARED), "add tenant_id, or the table and the reason to SHARED"


def test_claim_02_no_view_goes_round_the_policies(admin):
    assert not [name for _, name, kind, *_ in _tables(admin) if kind == "m"], "a materialised view has no policy"
    for oid, name, kind, *_ in _tables(admin):
        if kind == "v":
            (options,) = admin.execute("select reloptions from pg_class where oid = %s", (oid,)).fetchone()
            assert "security_invoker=true" in (options or []), f"{name}: views run as who asks"


def test_claim_02_keys_carry_the_tenant(admin):
    """A unique index or foreign key without it tells of, or accepts, another tenant's row."""
    for oid, name, *_ in _tenant_tables(admin):
        uniques = admin.execute(
            "select i.indexrelid::regclass::text, array(select a.attname::text from pg_attribute a where a.attrelid "
            "= i.indrelid and a.attnum = any(i.indkey)) from pg_index i where i.indrelid = %s and i.indisunique",
            (oid,),
        ).fetchall()
        for index, columns in uniques:
            assert "tenant_id" in columns, f"{index} on {name}: unique across tenants"
        foreign = admin.execute(
            "select conname, confrelid::regclass::text, array(select a.attname::text from pg_attribute a "
            "where a.attrelid = conrelid and a.attnum = any(conkey)) from pg_constraint "
            "where contype = 'f' and conrelid = %s",
            (oid,),
        ).fetchall()
        for constraint, other, columns in foreign:
            assert "tenant_id" in columns or other in SHARED, f"{constraint} on {name}: crosses tenants"


def test_claim_02_app_role_can_do_rows_and_nothing_else(admin):
    flags = admin.execute(
        "select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication from pg_roles "
        "where rolname = 'fairlead_app'"
    ).fetchone()
    assert flags == (False, False, False, False, False)
    owned = admin.execute(
        "select count(*) from pg_class "
        "where relowner = 'fairlead_app'::regrole and relnamespace = 'public'::regnamespace"
    ).fetchone()
    assert owned == (0,)
    for _, name, _kind, *_ in _tables(admin):
        for right in ("truncate", "references", "trigger"):
            has = admin.execute("select has_table_privilege('fairlead_app', %s, %s)", (f"public.{name}", right))
            assert has.fetchone() == (False,), f"fairlead_app may {right} {name}"
    create = admin.execute("select has_schema_privilege('fairlead_app', 'public', 'create')").fetchone()
    assert create == (False,)


def test_claim_02_app_role_is_member_of_nothing(admin):
    members = admin.execute(
        "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid "
        "where m.member = 'fairlead_app'::regrole"
    ).fetchall()
    assert members == []


def test_claim_02_definer_functions_are_listed_and_fixed(admin):
    found = admin.execute(
        "select p.oid, p.proname::text, p.proconfig, r.rolname from pg_proc p join pg_roles r on r.oid = p.proowner "
        "where p.pronamespace = 'public'::regnamespace and p.prosecdef"
    ).fetchall()
    assert {name for _, name, _, _ in found} == set(DEFINERS), "add the function and what it tells to DEFINERS"
    for oid, name, settings, owner in found:
        assert settings == ["search_path=pg_catalog, public, pg_temp"], f"{name}: {settings}"
        assert owner == OWNERS.get(name, "fairlead_search"), f"{name} is owned by {owner}"
        (source,) = admin.execute("select prosrc from pg_proc where oid = %s", (oid,)).fetchone()
        assert "app.tenant_id" in source or name.startswith("tenants_with_") or name in TRIGGERS, (
            f"{name} must filter by the tenant"
        )
        public = admin.execute(
            "select count(*) from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a "
            "where p.oid = %s and a.grantee = 0",
            (oid,),
        ).fetchone()
        assert public == (0,), f"{name}: anyone may call it"


def test_claim_02_events_and_deliveries_are_append_only(admin):
    for table in ("events", "event_deliveries"):
        for right, expected in (("select", True), ("insert", True), ("update", False), ("delete", False)):
            has = admin.execute("select has_table_privilege('fairlead_app', %s, %s)", (table, right)).fetchone()
            assert has == (expected,), f"{right} on {table}"


def test_owner_role_cannot_sign_in_or_bypass(admin):
    flags = admin.execute(
        "select rolcanlogin, rolsuper, rolbypassrls from pg_roles where rolname = 'fairlead_owner'"
    ).fetchone()
    assert flags == (False, False, False)


def test_claim_02_partitions_have_the_policy_too(admin):
    """A partition that is read directly skips its parent's policy: each needs its own."""
    parts = "select inhrelid::regclass::text from pg_inherits"
    protected = {row[1] for row in _tenant_tables(admin) if row[3] and row[4]}
    assert {name for (name,) in admin.execute(parts).fetchall()} <= protected


def test_claim_02_large_objects_are_out_of_reach(admin):
    """They have no policies, and outlive every tenant."""
    for function in ("lo_create(oid)", "lo_creat(integer)", "lo_from_bytea(oid, bytea)", "lo_get(oid)"):
        has = admin.execute("select has_function_privilege('fairlead_app', %s, 'execute')", (function,))
        assert has.fetchone() == (False,), function
