# For scripts whose commands are tests: runs them, counts them, says how they ended. To be sourced; "$tmp" is a directory
# of the script's own.
passed=0 failed=0

# ok NAME COMMAND...: passes when the command exits 0.
ok() {
    local name=$1
    shift
    if "$@" > "$tmp/log" 2>&1; then
        passed=$((passed + 1)); echo "ok    $name"
    else
        failed=$((failed + 1)); echo "FAIL  $name: $*"; tail -n 60 "$tmp/log" | sed 's/^/      /'
    fi
}

# finish: ends the script with the counts; one that ran nothing has failed.
finish() { echo "$passed passed, $failed failed"; [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; exit $?; }
