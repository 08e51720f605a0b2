#!/usr/bin/env bash
# Drains both datasets once; for cron. Extra arguments go to both importers.
# Exits with the worst code of the two; 6 (another run holds the lock) only if nothing worse happened.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2

python=python3
[[ -x .venv/bin/python ]] && python=.venv/bin/python

# The importers read .env of this folder themselves, with a parser: a password may hold $ or &.
worst=0
for dataset in inc crq; do
    "$python" -m "$dataset.import_$dataset" --from-bucket --apply "$@"
    code=$?
    if ((code == 130 || code == 143)); then
        exit "$code" # stopped by request: not the moment to begin the next dataset
    fi
    if ((code != 0)) && ((worst == 0 || worst == 6 || (code != 6 && code > worst))); then
        worst=$code
    fi
done
exit "$worst"
