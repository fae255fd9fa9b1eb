# Completions of pgtend for fish: pgtend itself says what can stand where the cursor is. What is typed goes
# there in the environment, because it may hold a password.
function __pgtend_complete
    set -l current (commandline --current-token --cut-at-cursor)
    set -l words (commandline --current-process --tokenize --cut-at-cursor) "$current"
    set -lx COMPLETE fish
    set -lx PGTEND_WORDS (string join \x1f -- $words)
    command pgtend 2>/dev/null </dev/null
end
complete --command pgtend --no-files --keep-order --arguments '(__pgtend_complete)'
