-- The roles of Fairlead and who may do what in its database. Safe to run again and again.
--
-- Run as a superuser, in the database itself, which must exist:
--     createdb fairlead
--     psql -d fairlead -v ON_ERROR_STOP=1 -f deploy/postgres/roles.sql
-- Then give the login roles their passwords (\password fairlead_migrator, fairlead_app, fairlead_operator).
-- The embedded servers run this very file; nothing in it needs psql.

-- Roles ------------------------------------------------------------------------------------------------
DO $$
BEGIN
    -- Owns every table and function; nobody signs in as it.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairlead_owner') THEN
        CREATE ROLE fairlead_owner;
    END IF;
    -- Owns the search functions (SECURITY DEFINER), which must look below the policies to use an index.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairlead_search') THEN
        CREATE ROLE fairlead_search;
    END IF;
    -- Owns the one function that may blank events, for the erasure of a person; row policies apply to it.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairlead_keeper') THEN
        CREATE ROLE fairlead_keeper;
    END IF;
    -- Migrates; used at deployment only.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairlead_migrator') THEN
        CREATE ROLE fairlead_migrator;
    END IF;
    -- The application: reads and writes rows, owns nothing, every row policy applies to it.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairlead_app') THEN
        CREATE ROLE fairlead_app;
    END IF;
    -- The operator's console: the table of organisations and its own tables. Row policies apply to it too.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairlead_operator') THEN
        CREATE ROLE fairlead_operator;
    END IF;
END
$$;

ALTER ROLE fairlead_owner    NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE fairlead_search   NOLOGIN NOSUPERUSER   BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE fairlead_keeper   NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE fairlead_migrator   LOGIN NOSUPERUSER   BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE fairlead_app        LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE fairlead_operator   LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;

-- No statement of the application may hold a connection, a lock or a transaction for long.
ALTER ROLE fairlead_app SET statement_timeout = '5s';
ALTER ROLE fairlead_app SET lock_timeout = '2s';
ALTER ROLE fairlead_app SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE fairlead_operator SET statement_timeout = '5s';
ALTER ROLE fairlead_operator SET lock_timeout = '2s';
ALTER ROLE fairlead_operator SET idle_in_transaction_session_timeout = '15s';

-- The migrator may become the owner and the search role. The owner may hand a function to the search role,
-- without gaining its rights in between.
GRANT fairlead_owner TO fairlead_migrator WITH INHERIT TRUE, SET TRUE;
GRANT fairlead_search TO fairlead_migrator WITH INHERIT FALSE, SET TRUE;
GRANT fairlead_search TO fairlead_owner WITH INHERIT FALSE, SET TRUE;
GRANT fairlead_keeper TO fairlead_migrator WITH INHERIT FALSE, SET TRUE;
GRANT fairlead_keeper TO fairlead_owner WITH INHERIT FALSE, SET TRUE;

-- This database ----------------------------------------------------------------------------------------
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO fairlead_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    -- TEMPORARY, because imports copy into a temporary table first: COPY is refused under row policies.
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO fairlead_migrator, fairlead_app', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO fairlead_operator', current_database());
END
$$;

-- Large objects have no row policies, and any role may make some: take that away.
REVOKE EXECUTE ON FUNCTION
    lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea), lo_open(oid, integer),
    lo_get(oid), lo_get(oid, bigint, integer), lo_import(text), lo_import(text, oid), lo_export(oid, text)
    FROM PUBLIC;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO fairlead_owner;
-- CREATE, because a function can only be handed to a role that may create in its schema.
GRANT USAGE, CREATE ON SCHEMA public TO fairlead_search, fairlead_keeper;
GRANT USAGE ON SCHEMA public TO fairlead_migrator, fairlead_app, fairlead_operator;
