"""Roles and teams, devices and guards, second factors, tokens, links, single sign-on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from migrations import rls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _tenants()
    _people()
    _sessions()
    _credentials()
    _tokens()
    _single_sign_on()
    _users()
    _user_sessions()


def downgrade() -> None:
    for column in ("previous_hash", "renewed_at", "renew", "device_id", "method", "second_factor", "proved_at"):
        op.drop_column("user_sessions", column)
    _users_as_before()
    for table in (
        "external_identities",
        "identity_providers",
        "links",
        "api_tokens",
        "refresh_tokens",
        "token_families",
        "passkeys",
        "recovery_codes",
        "totp_secrets",
        "challenges",
        "sign_in_guards",
        "devices",
        "team_members",
        "teams",
        "roles",
    ):
        op.drop_table(table)
    _tenants_as_before()


def _tenants() -> None:
    op.add_column("tenants", sa.Column("policy", JSONB, nullable=False, server_default="{}"))
    op.add_column("tenants", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    # Every tenant can be read by all, and changed by its own people only; slug and suspension by nobody here.
    op.execute("alter table tenants enable row level security")
    op.execute("alter table tenants force row level security")
    op.execute("create policy everyone_reads on tenants for select using (true)")
    own = "id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)"
    op.execute(f"create policy own_changes on tenants for update using ({own}) with check ({own})")
    op.execute(f"grant update (name, zone, locale, region, currency, policy, version) on tenants to {rls.APP}")


def _tenants_as_before() -> None:
    op.execute(f"revoke update (name, zone, locale, region, currency, policy, version) on tenants from {rls.APP}")
    op.execute("drop policy own_changes on tenants")
    op.execute("drop policy everyone_reads on tenants")
    op.execute("alter table tenants no force row level security")
    op.execute("alter table tenants disable row level security")
    op.drop_column("tenants", "version")
    op.drop_column("tenants", "policy")


def _people() -> None:
    op.create_table(
        "roles",
        *_keys(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("permissions", ARRAY(sa.Text), nullable=False),
        sa.Column("reach", JSONB, nullable=False),
        *_versioned(),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_roles_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_roles"),
        sa.UniqueConstraint("tenant_id", "name_key", name="uq_roles_tenant_id_name_key"),
    )
    rls.protect("roles")
    op.create_table(
        "teams",
        *_keys(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        *_versioned(),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_teams_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_teams"),
        sa.UniqueConstraint("tenant_id", "name_key", name="uq_teams_tenant_id_name_key"),
    )
    rls.protect("teams")
    op.create_table(
        "team_members",
        *_keys(),
        sa.Column("team_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "team_id"],
            ["teams.tenant_id", "teams.id"],
            name="fk_team_members_tenant_id_team_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_team_members_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_team_members"),
        sa.UniqueConstraint("tenant_id", "team_id", "user_id", name="uq_team_members_tenant_id_team_id_user_id"),
    )
    op.create_index("ix_team_members_user", "team_members", ["tenant_id", "user_id"])
    rls.protect("team_members")


def _sessions() -> None:
    op.create_table(
        "devices",
        *_keys(),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("first_seen_at", _INSTANT, nullable=False),
        sa.Column("last_seen_at", _INSTANT, nullable=False),
        sa.Column("ip", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_devices_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_devices"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_devices_tenant_id_token_hash"),
    )
    op.create_index("ix_devices_user", "devices", ["tenant_id", "user_id"])
    rls.protect("devices")
    op.create_table(
        "sign_in_guards",
        *_keys(),
        sa.Column("account_key", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("rounds", sa.Integer, nullable=False),
        sa.Column("last_failed_at", _INSTANT, nullable=False),
        sa.Column("locked_until", _INSTANT),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_sign_in_guards_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sign_in_guards"),
        sa.UniqueConstraint(
            "tenant_id", "account_key", "source", name="uq_sign_in_guards_tenant_id_account_key_source"
        ),
    )
    op.create_index("ix_sign_in_guards_last_failed_at", "sign_in_guards", ["tenant_id", "last_failed_at"])
    rls.protect("sign_in_guards")
    op.create_table(
        "challenges",
        *_keys(),
        sa.Column("token_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_challenges_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_challenges_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_challenges"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_challenges_tenant_id_token_hash"),
    )
    op.create_index("ix_challenges_expires_at", "challenges", ["tenant_id", "expires_at"])
    op.create_index("ix_challenges_user", "challenges", ["tenant_id", "user_id"])
    rls.protect("challenges")


def _credentials() -> None:
    op.create_table(
        "totp_secrets",
        *_keys(),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("secret_sealed", sa.Text, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("confirmed_at", _INSTANT),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_totp_secrets_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_totp_secrets"),
        sa.UniqueConstraint("tenant_id", "user_id", name="uq_totp_secrets_tenant_id_user_id"),
    )
    rls.protect("totp_secrets")
    op.create_table(
        "recovery_codes",
        *_keys(),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("code_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_recovery_codes_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_recovery_codes"),
        sa.UniqueConstraint("tenant_id", "user_id", "code_hash", name="uq_recovery_codes_tenant_id_user_id_code_hash"),
    )
    rls.protect("recovery_codes")
    op.create_table(
        "passkeys",
        *_keys(),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("credential_id", sa.Text(collation="C"), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("transports", ARRAY(sa.Text), nullable=False),
        sa.Column("backed_up", sa.Boolean, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("last_used_at", _INSTANT),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_passkeys_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_passkeys"),
        sa.UniqueConstraint("tenant_id", "credential_id", name="uq_passkeys_tenant_id_credential_id"),
    )
    op.create_index("ix_passkeys_user", "passkeys", ["tenant_id", "user_id"])
    rls.protect("passkeys")


def _tokens() -> None:
    op.create_table(
        "token_families",
        *_keys(),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("last_used_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT),
        sa.Column("revoked_for", sa.Text),
        sa.Column("ip", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_token_families_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_token_families"),
    )
    op.create_index("ix_token_families_user", "token_families", ["tenant_id", "user_id"])
    rls.protect("token_families")
    op.create_table(
        "refresh_tokens",
        *_keys(),
        sa.Column("family_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT),
        sa.Column("successor_id", sa.Uuid),
        sa.ForeignKeyConstraint(
            ["tenant_id", "family_id"],
            ["token_families.tenant_id", "token_families.id"],
            name="fk_refresh_tokens_tenant_id_family_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_refresh_tokens"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_refresh_tokens_tenant_id_token_hash"),
    )
    op.create_index("ix_refresh_tokens_family", "refresh_tokens", ["tenant_id", "family_id"])
    rls.protect("refresh_tokens")
    op.create_table(
        "api_tokens",
        *_keys(),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("last_used_at", _INSTANT),
        sa.Column("revoked_at", _INSTANT),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_api_tokens_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_api_tokens"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_api_tokens_tenant_id_token_hash"),
    )
    op.create_index("ix_api_tokens_user", "api_tokens", ["tenant_id", "user_id"])
    rls.protect("api_tokens")
    op.create_table(
        "links",
        *_keys(),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_links_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_links"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_links_tenant_id_token_hash"),
    )
    op.create_index("ix_links_expires_at", "links", ["tenant_id", "expires_at"])
    op.create_index("ix_links_user", "links", ["tenant_id", "user_id"])
    rls.protect("links")


def _single_sign_on() -> None:
    op.create_table(
        "identity_providers",
        *_keys(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text(collation="C"), nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("client_secret_sealed", sa.Text, nullable=False),
        sa.Column("domains", ARRAY(sa.Text), nullable=False),
        sa.Column("group_claim", sa.Text, nullable=False),
        sa.Column("group_roles", JSONB, nullable=False),
        sa.Column("default_role", sa.Text),
        sa.Column("trust_second_factor", sa.Boolean, nullable=False),
        sa.Column("saved_by", sa.Uuid),
        sa.Column("enabled", sa.Boolean, nullable=False),
        *_versioned(),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_identity_providers_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_identity_providers"),
        sa.UniqueConstraint("tenant_id", "issuer", name="uq_identity_providers_tenant_id_issuer"),
    )
    rls.protect("identity_providers")
    op.create_table(
        "external_identities",
        *_keys(),
        sa.Column("provider_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("last_seen_at", _INSTANT),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provider_id"],
            ["identity_providers.tenant_id", "identity_providers.id"],
            name="fk_external_identities_tenant_id_provider_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_external_identities_tenant_id_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_external_identities"),
        sa.UniqueConstraint(
            "tenant_id", "provider_id", "subject", name="uq_external_identities_tenant_id_provider_id_subject"
        ),
    )
    op.create_index("ix_external_identities_user", "external_identities", ["tenant_id", "user_id"])
    rls.protect("external_identities")


def _users() -> None:
    op.add_column("users", sa.Column("role_id", sa.Uuid))
    op.add_column("users", sa.Column("password_changed_at", _INSTANT))
    op.add_column("users", sa.Column("zone", sa.Text))
    op.add_column("users", sa.Column("locale", sa.Text))
    op.add_column("users", sa.Column("invited_at", _INSTANT))
    op.add_column("users", sa.Column("joined_at", _INSTANT))
    op.add_column("users", sa.Column("email_confirmed_at", _INSTANT))
    op.add_column("users", sa.Column("last_sign_in_at", _INSTANT))
    op.create_index("ix_users_role_id", "users", ["tenant_id", "role_id"])
    op.create_foreign_key("fk_users_tenant_id_role_id", "users", "roles", ["tenant_id", "role_id"], ["tenant_id", "id"])
    op.drop_constraint(op.f("ck_users_ck_users_role"), "users")
    roles = "role in ('owner', 'admin', 'manager', 'agent', 'viewer', 'custom')"
    op.create_check_constraint(op.f("ck_users_ck_users_role"), "users", roles)
    op.create_check_constraint(op.f("ck_users_custom_role"), "users", "(role = 'custom') = (role_id is not null)")


def _users_as_before() -> None:
    op.drop_constraint(op.f("ck_users_custom_role"), "users")
    op.drop_constraint(op.f("ck_users_ck_users_role"), "users")
    op.create_check_constraint(
        op.f("ck_users_ck_users_role"), "users", "role in ('owner', 'admin', 'manager', 'agent', 'viewer')"
    )
    op.drop_constraint(op.f("fk_users_tenant_id_role_id"), "users")
    for column in (
        "role_id",
        "password_changed_at",
        "zone",
        "locale",
        "invited_at",
        "joined_at",
        "email_confirmed_at",
        "last_sign_in_at",
    ):
        op.drop_column("users", column)


def _user_sessions() -> None:
    op.add_column("user_sessions", sa.Column("previous_hash", sa.Text(collation="C")))
    op.add_column("user_sessions", sa.Column("renewed_at", _INSTANT))
    op.add_column("user_sessions", sa.Column("renew", sa.Boolean, nullable=False, server_default="false"))
    op.add_column("user_sessions", sa.Column("device_id", sa.Uuid))
    op.add_column("user_sessions", sa.Column("method", sa.Text, nullable=False, server_default="password"))
    op.add_column("user_sessions", sa.Column("second_factor", sa.Boolean, nullable=False, server_default="false"))
    op.add_column("user_sessions", sa.Column("proved_at", _INSTANT, nullable=False, server_default=sa.func.now()))
    op.create_index("ix_user_sessions_previous", "user_sessions", ["tenant_id", "previous_hash"])


def _keys() -> tuple[sa.Column, sa.Column]:
    return sa.Column("tenant_id", sa.Uuid, nullable=False), sa.Column("id", sa.Uuid, nullable=False)


def _versioned() -> tuple[sa.Column, sa.Column, sa.Column]:
    return (
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
