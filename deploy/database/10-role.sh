#!/bin/sh
# Run once by the image of PostgreSQL, when the database is made: a plain role that owns it.
# Plain, since the rules of who reads what (row-level security) do not hold a superuser.
set -eu
psql --set ON_ERROR_STOP=1 --set name="$DATABASE_NAME" --set password="$DATABASE_PASSWORD" \
     --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
