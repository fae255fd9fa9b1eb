# shellcheck shell=bash
# Installing packages with whatever package manager the machine has.
#
# Sourced by the scripts next door, so that the rules are the same in all of
# them: root installs directly; anybody else goes through sudo, which may ask
# for a password only when a person is at the terminal (never in CI); where
# nothing can be installed the caller gets the reason in $cannot_install and
# the command to name in its message from `install_command`.

# shellcheck disable=SC2034  # read by the scripts that source this one
cannot_install=
temporary_files=()

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$1"
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

package_manager() {
    local name
    for name in apt-get dnf yum apk pacman zypper brew; do
        if command -v "$name" >/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

# package_names server|pgbouncer|iproute2|npm MANAGER: what the manager calls it. Where
# the extensions that come with PostgreSQL (pg_stat_statements is one) are a
# package of their own, that one is named as well.
package_names() {
    case "$1:$2" in
        server:apt-get | server:pacman) echo postgresql ;;
        server:dnf | server:yum | server:zypper) echo postgresql-server postgresql-contrib ;;
        server:apk) echo postgresql postgresql-contrib ;;
        server:brew) echo postgresql@17 ;;
        npm:brew) echo node ;;
        iproute2:dnf | iproute2:yum) echo iproute ;;
        *) echo "$1" ;;
    esac
}

# install_command THING: the command a person would type, for messages.
install_command() {
    local manager sudo='' names
    if ! manager=$(package_manager); then
        echo "your system's package of it ($(package_names "$1" none))"
        return
    fi
    names=$(package_names "$1" "$manager")
    [ "$manager" = brew ] || [ "$(id -u)" = 0 ] || sudo='sudo '
    case "$manager" in
        pacman) echo "${sudo}pacman -S $names" ;;
        apk) echo "${sudo}apk add $names" ;;
        *) echo "$sudo$manager install $names" ;;
    esac
}

in_ci() { [ -n "${CI:-}" ] && [ "$CI" != false ]; }

# as_root COMMAND...: run it with the rights `may_become_root` found.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

may_become_root() {
    if [ "$(id -u)" = 0 ]; then
        return 0
    elif ! command -v sudo >/dev/null; then
        cannot_install='this user is not root and there is no sudo'
    elif sudo -n true 2>/dev/null; then
        return 0
    elif in_ci || ! [ -t 0 ]; then
        cannot_install='sudo would ask for a password and nobody is there to type it'
    elif sudo -v; then
        return 0
    else
        cannot_install='sudo was refused'
    fi
    return 1
}

# put_temporary PATH MODE: write stdin there as root, until the script ends.
# A file that is already there stays as it is.
put_temporary() {
    [ ! -e "$1" ] || return 0
    temporary_files+=("$1")
    trap remove_temporary EXIT
    as_root mkdir -p "${1%/*}" </dev/null && as_root tee "$1" >/dev/null && as_root chmod "$2" "$1"
}

remove_temporary() {
    [ ${#temporary_files[@]} -eq 0 ] || as_root rm -f "${temporary_files[@]}"
    temporary_files=()
}

# On Debian, installing a server also makes a cluster in /var/lib/postgresql
# and starts it, and installing pgbouncer starts that. Nobody asked for
# services here, only for programs, so for the time of the installation both
# are told not to; the two files are gone when the script ends. (A machine
# with a policy-rc.d of its own keeps that.)
hold_debian_services() {
    put_temporary /etc/postgresql-common/createcluster.d/pgtend-setup.conf 644 <<'END' || return
create_main_cluster = false
END
    put_temporary /usr/sbin/policy-rc.d 755 <<'END'
#!/bin/sh
# Temporary, from the set-up scripts of pgtend: install, but do not start.
case "$1" in
    postgresql* | pgbouncer*) exit 101 ;;
esac
exit 0
END
}

install_with_apt() {
    hold_debian_services || return
    # A third-party source that does not answer must not stop us: what is
    # needed may well be in the lists that did arrive.
    as_root apt-get update -qq || true
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

run_manager() {
    local manager=$1
    shift
    case "$manager" in
        apt-get) install_with_apt "$@" ;;
        dnf | yum) as_root "$manager" install -y -q "$@" ;;
        apk) as_root apk add --no-cache "$@" ;;
        pacman) as_root pacman -S --noconfirm --needed "$@" ;;
        zypper) as_root zypper --non-interactive install --no-recommends "$@" ;;
        brew) HOMEBREW_NO_AUTO_UPDATE=1 brew install "$@" ;;
    esac
}

# install_packages server|pgbouncer|npm: silent but for one line, unless the
# manager fails; then the end of what it said is shown.
install_packages() {
    local manager log names status=0
    if ! manager=$(package_manager); then
        cannot_install='no package manager that this script knows is on PATH'
        return 1
    fi
    [ "$manager" = brew ] || may_become_root || return
    # Word by word: none of these names has a space in it.
    read -r -a names <<<"$(package_names "$1" "$manager")"
    log=$(mktemp)
    say "installing ${names[*]} with $manager"
    run_manager "$manager" "${names[@]}" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 15 "$log" | sed 's/^/  | /' >&2
        # shellcheck disable=SC2034
        cannot_install="$manager failed (its last lines are above)"
    fi
    rm -f "$log"
    remove_temporary
    return "$status"
}
