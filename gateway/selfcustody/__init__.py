"""People who keep their own keys: prepared here, signed outside, checked and submitted."""
