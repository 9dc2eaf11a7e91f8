#!/bin/sh
# The same as scripts/deploy_model.sh, for who looks for it beside the models.
exec "$(dirname "$0")/../../scripts/deploy_model.sh" "$@"
