#!/bin/sh
# What the official image's entrypoint does: begin as root, take the data folder, become postgres.
set -eu
data=/var/lib/postgresql/data

if [ "$(id -u)" = 0 ]; then
  POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  export POSTGRES_PASSWORD
  mkdir -p "$data"
  chown postgres:postgres "$data"
  chmod 700 "$data"
  exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi

if [ ! -s "$data/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  # shellcheck disable=SC2086 - several options in one variable, as in the official image
  initdb --pgdata="$data" --username=postgres --pwfile=/tmp/password $POSTGRES_INITDB_ARGS
  rm /tmp/password
  echo "listen_addresses = '*'" >> "$data/postgresql.conf"
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
fi
unset POSTGRES_PASSWORD
exec "$@" -D "$data"
