#!/bin/sh
# Finds, or installs, the browser that the portal's tests look through: one that is there already; else Playwright's own
# download; else Debian's package, where one may install it. Nothing but these tests needs it.
set -eu
cd "$(dirname "$0")/.."

for name in chromium chromium-browser google-chrome; do
    if command -v "$name"; then exit 0; fi
done
if timeout 300 .venv/bin/playwright install --only-shell chromium >&2; then exit 0; fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >&2
    command -v chromium && exit 0
fi
echo "install_chromium: there is no Chromium here, and none could be installed; the portal's tests will be skipped" >&2
exit 3
