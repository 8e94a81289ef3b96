"""Records as sealed, content-addressed bytes; README.md beside this file specifies them byte by byte."""
