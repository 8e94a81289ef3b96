#!/bin/sh
# Builds the pinned Kubo (the IPFS node that the tests of offchain_store/ipfs.py talk to) where Go is to be had.
# Prints the path of the binary; builds nothing if it is there already. Nothing but the tests needs it.
set -eu

version=v0.41.0 # needs Go >= 1.26.2; 0.39 and older do not build with Go 1.26

bin="${XDG_CACHE_HOME:-$HOME/.cache}/consent-ledger/bin"
kubo="$bin/ipfs-$version"

if [ ! -x "$kubo" ]; then
    PATH="$PATH:/usr/local/go/bin"
    if ! command -v go >/dev/null; then
        echo "install_kubo: there is no Go on this machine; the tests that need Kubo will be skipped" >&2
        exit 3
    fi
    mkdir -p "$bin"
    work=$(mktemp -d "$bin/build.XXXXXX") # on the same file system, so that the last step is one rename
    trap 'rm -rf "$work"' EXIT INT TERM
    cd "$work"
    # Not `go install ipfs@$version`: that also asks for a list of every version, which not every module proxy keeps.
    go mod init kubo.build 2>/dev/null
    go mod edit -require="github.com/ipfs/kubo@$version"
    CGO_ENABLED=0 GOFLAGS="-mod=mod -buildvcs=false" go build -trimpath -o ipfs github.com/ipfs/kubo/cmd/ipfs >&2
    mv ipfs "$kubo"
fi
ln -sf "ipfs-$version" "$bin/ipfs"
echo "$bin/ipfs"
