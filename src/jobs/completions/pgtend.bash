# Completions of pgtend for bash: pgtend itself says what can stand where the cursor is. What is typed goes
# there in the environment, because it may hold a password.
_pgtend() {
    local value
    COMPREPLY=()
    while IFS= read -r value; do
        COMPREPLY+=("$value")
    done < <(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
        COMPLETE=bash command pgtend 2>/dev/null </dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _pgtend pgtend 2>/dev/null || complete -F _pgtend pgtend
