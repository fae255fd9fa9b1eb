# shellcheck shell=bash
# Finding PostgreSQL server binaries, in the places where pgtend looks too:
# PATH, `pg_config --bindir`, /usr/lib/postgresql/*/bin, Homebrew.

oldest_major=14

# server_major DIR: the major version of the server there; fails if there is
# none or it does not run.
server_major() {
    local program version
    for program in initdb pg_ctl postgres; do
        [ -x "$1/$program" ] || return
    done
    version=$("$1/postgres" --version 2>/dev/null) || return
    # "postgres (PostgreSQL) 15.13 (Debian ...)", "postgres (PostgreSQL) 18beta1"
    [[ $version =~ [0-9]+ ]] && echo "${BASH_REMATCH[0]}"
}

# has_statements DIR: is pg_stat_statements installed with that server?
# pg_config knows where to look; without one, the file is searched for.
has_statements() {
    local share
    if [ -x "$1/pg_config" ] && share=$("$1/pg_config" --sharedir 2>/dev/null); then
        [ -e "$share/extension/pg_stat_statements.control" ]
    else
        [ -n "$(find -L "$1/../share" /usr/share -maxdepth 4 \
            -path '*/extension/pg_stat_statements.control' 2>/dev/null | head -n 1)" ]
    fi
}

# candidate_dirs: every folder that may hold a server, one a line. A link on
# PATH counts as the folder it leads to, because the rest of the installation
# (the extensions, say) is beside that one.
candidate_dirs() {
    local found dir
    if found=$(command -v postgres); then
        dirname "$(readlink -f "$found" 2>/dev/null || echo "$found")"
        dirname "$found"
    fi
    if command -v pg_config >/dev/null; then
        pg_config --bindir 2>/dev/null || true
    fi
    for dir in /usr/lib/postgresql/*/bin \
        {/opt/homebrew,/usr/local,/home/linuxbrew/.linuxbrew}/opt/postgresql*/bin; do
        [ ! -d "$dir" ] || echo "$dir"
    done
}

# find_server [MAJOR]: the first usable server (of that major), if any.
find_server() {
    local dir major
    while read -r dir; do
        major=$(server_major "$dir") || continue
        [ "$major" -ge "$oldest_major" ] || continue
        [ "$major" = "${1:-$major}" ] || continue
        has_statements "$dir" || continue
        echo "$dir"
        return
    done < <(candidate_dirs)
    return 1
}

have_server() { find_server '' >/dev/null; }

# found_but_unusable: why each server that is there was passed over.
found_but_unusable() {
    local dir major
    while read -r dir; do
        major=$(server_major "$dir") || continue
        if [ "$major" -lt "$oldest_major" ]; then
            echo "$dir has PostgreSQL $major, which is older than $oldest_major."
        elif ! has_statements "$dir"; then
            echo "$dir has PostgreSQL $major, but without the extension pg_stat_statements."
        fi
    done < <(candidate_dirs | sort -u)
}
