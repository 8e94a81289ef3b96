"""The access log: lines, tree, signed checkpoints, audits."""
