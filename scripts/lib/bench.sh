# shellcheck shell=bash
# What the benches share: a throwaway server, the example database in it, and
# some arithmetic. Sourced after packages.sh and servers.sh; the bench sets
# $scale (customers) and calls forget_environment, ensure_tools, start_server.

pgtend=target/release/pgtend
# shellcheck disable=SC2034 # read by the benches
file=tests/fixtures/seed/add_performance_indexes.sql
# Further lines for postgresql.conf.
settings=()
# A command to run pgtend under.
memory=()
# How many customers Nova CRM has.
scale=500000

# ensure_tools: leaves the server's folder in $bin and psql in $psql.
ensure_tools() {
    [ -x "$pgtend" ] || die "$pgtend is not there." "Build it:  make release   (or run: make bench)"
    bin=${PGTEND_PG_BIN:-}
    if [ -z "$bin" ]; then
        bin=$(find_server '') ||
            die "there is no PostgreSQL server here." "Install one:  scripts/ensure-postgres"
    elif ! server_major "$bin" >/dev/null; then
        die "PGTEND_PG_BIN=$bin holds no server that runs."
    fi
    if [ -x "$bin/psql" ]; then
        psql=$bin/psql
    else
        psql=$(command -v psql) ||
            die "psql is needed, because pgtend is compared with it, and it is not on PATH." \
                "Install PostgreSQL's client programs (the package is often called postgresql-client)."
    fi
}

# forget_environment: no variable or file of the user's may change what is measured.
forget_environment() {
    local name
    for name in $(compgen -e); do
        case "$name" in
            PGTEND_CACHE | PGTEND_PG_BIN) ;;
            PG* | DATABASE_URL) unset "$name" ;;
        esac
    done
    export LC_ALL=C
}

home=
account=

# as_server COMMAND...: PostgreSQL refuses root, so under root it runs as
# another account.
as_server() {
    if [ -z "$account" ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid="$account" --regid="$(id -g "$account")" --clear-groups -- "$@"
    else
        su -s /bin/sh "$account" -c "$(printf '%q ' "$@")"
    fi
}

clean_up() {
    trap '' INT TERM
    [ -n "$home" ] || return 0
    if [ -e "$home/data/postmaster.pid" ]; then
        (cd / && as_server "$bin/pg_ctl" stop -D "$home/data" -m immediate -w) >/dev/null 2>&1 || true
    fi
    rm -rf "$home"
}

start_server() {
    local name
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    home=$(mktemp -d "${TMPDIR:-/tmp}/pgtend-bench.XXXXXX")
    mkdir -m 700 "$home/data" "$home/socket"
    : >"$home/pgtend.toml"
    : >"$home/log"
    if [ "$(id -u)" = 0 ]; then
        for name in postgres nobody; do
            if id "$name" >/dev/null 2>&1; then
                account=$name
                break
            fi
        done
        [ -n "$account" ] || die "PostgreSQL refuses root, and there is no account to run it as." \
            "Run this as an ordinary user."
        chmod 711 "$home"
        chown "$account" "$home/data" "$home/socket" "$home/log"
    fi
    (cd / && as_server "$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 \
        --no-locale --no-sync) >"$home/out" 2>&1 || failed "initdb"
    {
        echo "unix_socket_directories = '$home/socket'"
        echo "listen_addresses = ''"
        echo "fsync = off"
        echo "max_wal_size = '8GB'"
        # It would come and go as it likes, in one run and not in another.
        echo "autovacuum = off"
        printf '%s\n' "${settings[@]+"${settings[@]}"}"
    } >>"$home/data/postgresql.conf"
    (cd / && as_server "$bin/pg_ctl" start -D "$home/data" -l "$home/log" -w) >"$home/out" 2>&1 ||
        failed "starting the server"
}

# failed WHAT: ends with the last words of the command and of the server.
failed() {
    tail -n 15 "$home/out" "$home/log" | sed 's/^/  | /' >&2
    die "$1 failed (the last lines are above)."
}

# sql DATABASE [ARGUMENT...]: psql without anything of the user's.
sql() {
    local database=$1
    shift
    "$psql" -X -q -v ON_ERROR_STOP=1 -h "$home/socket" -U postgres -d "$database" "$@"
}

# tend DATABASE COMMAND [ARGUMENT...]
tend() {
    local database=$1
    shift
    "${memory[@]+"${memory[@]}"}" "$pgtend" --config "$home/pgtend.toml" \
        -d "host=$home/socket port=5432 user=postgres dbname=$database" "$@"
}

# elapsed COMMAND...: prints how many seconds it takes; ends everything if it fails.
elapsed() {
    local TIMEFORMAT=%R
    { time "$@" >"$home/out" 2>&1; } 2>&1 || failed "$*"
}

best() { printf '%s\n' "$@" | sort -g | head -n 1; }

median() {
    printf '%s\n' "$@" | sort -g |
        awk '{ v[NR] = $1 } END { printf "%.3f\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

load_nova() {
    say "loading Nova CRM with $scale customers"
    sql postgres -c 'CREATE DATABASE nova' >"$home/out" 2>&1 || failed "creating a database"
    sql nova -f sql/nova-crm/schema.sql >"$home/out" 2>&1 || failed "making the tables"
    sql nova -c "SET nova.customers = $scale" -f sql/nova-crm/data.sql >"$home/out" 2>&1 ||
        failed "filling the tables"
}

fresh_copy() {
    sql postgres -c 'DROP DATABASE IF EXISTS run' -c 'CREATE DATABASE run TEMPLATE nova' \
        -c CHECKPOINT >"$home/out" 2>&1 || failed "copying the database"
}

# must_be_complete WHO: a run that left something out is no result.
must_be_complete() {
    local found
    found=$(sql run -At -c "SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indisvalid AND (relname LIKE 'idx\_%' OR relname LIKE 'mv\_%')")
    [ "$found" = 26 ] || die "after $1 there are $found valid indexes instead of 26."
}

processor() {
    local name=
    if [ -r /proc/cpuinfo ]; then
        name=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
    elif command -v sysctl >/dev/null; then
        name=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || true)
    fi
    echo "${name:-$(uname -m)}"
}

main_memory() {
    if [ -r /proc/meminfo ]; then
        awk '/^MemTotal/ { printf "%.0f GiB\n", $2 / 1048576 }' /proc/meminfo
    else
        echo unknown
    fi
}
