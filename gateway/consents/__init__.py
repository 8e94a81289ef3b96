"""Granting, withdrawing, denying, asking; delegates and teams; proposals and second signatures."""
