"""The portal: what each person sees in a browser. Server-rendered; everything but live updates works without scripts.

A page is a route, one function that gathers, and a template. `site` puts them together; `view` renders; `forms` takes
what people send, once; `language` says it in their words; `live` tells an open page what has just happened.
"""
