"""One self-contained HTML page with every table and chart, and what it takes to get the same figures again.

>>> Path("gas.html").write_text(render(result, command="consent-ledger gas report --seed 1"))
"""

from base64 import b64encode
from html import escape

from ledger.gas.charts import to_svg
from ledger.gas.result import Result
from ledger.gas.tables import Table, to_html

SECTIONS = (
    ("Measured with", ("about",), ()),
    ("Operations", ("operations", "views"), ()),
    ("Workflows", ("workflows", "workflow-steps", "workflow-payers"), ("workflows",)),
    ("Growth", ("scaling", "batches"), ("scaling", "batches")),
    ("Beside others", ("compare",), ("compare",)),
)
"""Heading, tables, charts; what begins with `projection-` follows them."""

CAPTIONS = {
    "workflows": "Cost of each workflow the first time, stacked by operation.",
    "scaling": "Gas of an act, and of all acts together, against how many came before, with the fitted lines.",
    "batches": "Gas a record against batch size, both logarithmic, with the floor.",
    "compare": "Ours beside the peers, logarithmic.",
}

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#111}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #999}h3{margin-bottom:.3rem}
table{border-collapse:collapse;font-size:13px}th,td{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:right;
white-space:nowrap;vertical-align:top}th{border-bottom:1px solid #111;vertical-align:bottom}
.text,.name{text-align:left}.text{white-space:normal}.wide{overflow-x:auto}.note{color:#444;font-size:13px;max-width:60rem}
figure{margin:1rem 0}img{max-width:100%}figcaption{font-size:13px;color:#444}code{background:#eee;padding:.1rem .3rem}
"""


def render(result: Result, *, command: str) -> str:
    """The page.

    Args:
        command: what gives the same figures again.
    """
    tables = {table.name: table for table in result.tables}
    body = []
    for heading, names, charts in SECTIONS:
        body.append(f"<h2>{escape(heading)}</h2>\n")
        body += [to_html(tables[name]) for name in names if name in tables]
        body += [_figure(result, name, CAPTIONS[name]) for name in charts if name in result.charts]
    body += _projections(result, tables)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>Gas of the consent ledger</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        "<h1>Gas of the consent ledger</h1>\n"
        "<p>What every act on the ledger costs, beside the arithmetic floor of the same calldata, slots, logs and "
        "signatures; what people's workflows cost and who pays; how cost grows; what others pay. Every figure is the "
        "gas of a receipt.</p>\n"
        f"<p>The same figures, to the unit, with the versions and the seed below: <code>{escape(command)}</code></p>\n"
        + "".join(body)
        + "</body>\n</html>\n"
    )


def _projections(result: Result, tables: dict[str, Table]) -> list[str]:
    body = []
    for name, table in tables.items():
        if not name.startswith("projection-"):
            continue
        if name.endswith("-projection"):
            body.append(f"<h2>{escape(table.title)}</h2>\n")
        if table.rows:
            body.append(to_html(table))
        if name in result.charts:
            body.append(_figure(result, name, table.title))
    return body


def _figure(result: Result, name: str, caption: str) -> str:
    data = b64encode(to_svg(result.charts[name]).encode()).decode()
    text = escape(caption, quote=True)
    return (
        f'<figure><img alt="{text}" src="data:image/svg+xml;base64,{data}"><figcaption>{text}</figcaption></figure>\n'
    )
