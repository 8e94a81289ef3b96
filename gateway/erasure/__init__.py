"""Destroying keys and sealed bytes: on the patient's wish, or when the time for keeping is over."""
