"""The commands of `consent-ledger gas`: measure, project, compare, report. The work is done in `ledger.gas`.

consent-ledger gas operations --runs 100
consent-ledger gas project waiting-list.csv --mix laboratory-result=2 --mix prescription=1
consent-ledger gas report gas.html
"""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.gas_inputs import account_key, load_lists, mix_times
from gateway.cli.gas_output import (
    BLOCK_GAS,
    BLOCK_TIME,
    CURRENCY,
    ETHER_PRICES,
    GAS_PRICES,
    AsCsv,
    AsJson,
    BlockGas,
    BlockTime,
    Currency,
    EtherPrices,
    GasPrices,
    Out,
    Output,
    Runs,
    Seed,
    progress_bar,
    put_out,
    reported,
    terms_of,
)
from gateway.cli.terminal import terminal
from ledger.errors import LedgerError
from ledger.gas.networks import foreign_network, measuring_devnet
from ledger.gas.projection import Mix, Stock, UnitCost, mix_of
from ledger.gas.provenance import provenance
from ledger.gas.report import render
from ledger.gas.result import Result, write_files
from ledger.gas.studies import (
    join,
    study_compare,
    study_everything,
    study_opcodes,
    study_operations,
    study_projection,
    study_scaling,
    study_workflows,
    unit_costs,
)
from ledger.gas.theatre import open_theatre
from ledger.gas.waiting_lists import Dimension
from ledger.gas.workflows import measure_workflows

app = typer.Typer(
    name="gas",
    help="What every act on the ledger costs: measured, compared, projected.",
    no_args_is_help=True,
)

MIX = ["laboratory-result=1", "prescription=1"]
MixOption = Annotated[
    list[str],
    typer.Option("--mix", help="A workflow and how often each waiting person goes through it, as prescription=2."),
]
Standing = Annotated[
    bool, typer.Option("--standing", help="The people have been here before: leave out what is done once.")
]


@app.command()
def operations(runs: Runs = 100, seed: Seed = "1", json: AsJson = False, csv: AsCsv = False, out: Out = None) -> None:
    """Every external function: least, median and most gas, its parts, and the arithmetic floor beside it."""
    with reported(), progress_bar() as tell, measuring_devnet() as network:
        put_out(study_operations(network, seed=seed, runs=runs, progress=tell), Output(json, csv, out))


@app.command()
def opcodes(
    operation: Annotated[str, typer.Argument(help="An operation's name, as `operations` lists it.")],
    seed: Seed = "1",
    json: AsJson = False,
    csv: AsCsv = False,
    out: Out = None,
) -> None:
    """One run of one operation by instruction: where every unit of its gas went."""
    with reported(), measuring_devnet() as network:
        put_out(study_opcodes(network, operation, seed=seed), Output(json, csv, out))


@app.command()
def workflows(
    runs: Runs = 10,
    seed: Seed = "1",
    gas_price: GasPrices = GAS_PRICES,
    ether_price: EtherPrices = ETHER_PRICES,
    currency: Currency = CURRENCY,
    block_gas_limit: BlockGas = BLOCK_GAS,
    block_time: BlockTime = BLOCK_TIME,
    json: AsJson = False,
    csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Every workflow from beginning to end: who pays for which step, in gas, money and block space."""
    terms = terms_of(gas_price, ether_price, currency, block_gas_limit, block_time)
    with reported(), progress_bar() as tell, measuring_devnet() as network:
        put_out(study_workflows(network, terms, seed=seed, runs=runs, progress=tell), Output(json, csv, out))


@app.command()
def scaling(
    most: Annotated[int, typer.Option(min=10, max=1_000_000, help="Acts of each kind.")] = 10_000,
    seed: Seed = "1",
    json: AsJson = False,
    csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Cost against patients, consents, records and batch size, with the fitted slope and its confidence."""
    with reported(), progress_bar() as tell, measuring_devnet() as network:
        put_out(study_scaling(network, seed=seed, most=most, progress=tell), Output(json, csv, out))


@app.command()
def compare(runs: Runs = 10, seed: Seed = "1", json: AsJson = False, csv: AsCsv = False, out: Out = None) -> None:
    """Our operations beside public projects' measured figures, and what each of them leaves out."""
    with reported(), progress_bar() as tell, measuring_devnet() as network:
        put_out(study_compare(network, seed=seed, runs=runs, progress=tell), Output(json, csv, out))


@app.command()
def project(
    files: Annotated[list[Path], typer.Argument(help="Waiting-list files (CSV); each is projected by itself.")],
    mix: MixOption = MIX,
    standing: Standing = False,
    stock: Annotated[Stock, typer.Option(help="The last count, the mean of all, or all added up.")] = Stock.LATEST,
    month: Annotated[str | None, typer.Option(help="Take the counts of this month only, as 2019-03.")] = None,
    by: Annotated[list[Dimension] | None, typer.Option(help="Break down by this only; may be repeated.")] = None,
    seed: Seed = "1",
    gas_price: GasPrices = GAS_PRICES,
    ether_price: EtherPrices = ETHER_PRICES,
    currency: Currency = CURRENCY,
    block_gas_limit: BlockGas = BLOCK_GAS,
    block_time: BlockTime = BLOCK_TIME,
    json: AsJson = False,
    csv: AsCsv = False,
    out: Out = None,
) -> None:
    """A waiting list's cost per specialty, hospital, case type, age and month, were each person on it to be served.

    Rows that cannot be read are listed with line and reason; the sums reconcile with the file's totals.
    """
    terms = terms_of(gas_price, ether_price, currency, block_gas_limit, block_time)
    times = mix_times(mix)
    with reported():
        lists = load_lists(files)
        with progress_bar() as tell, measuring_devnet() as network:
            costs = measure_workflows(open_theatre(network, seed=seed), runs=3, progress=tell)
            about = provenance(network, seed=seed)
        chosen = mix_of(times, unit_costs(costs), standing=standing)
        found = [
            study_projection(name, waiting, chosen, terms, stock=stock, month=month, dimensions=by or ())
            for name, waiting in lists
        ]
        result = replace(found[0], about=about) if len(found) == 1 else join(about, found)
        put_out(result, Output(json, csv, out))


@app.command()
def profile(
    network: Annotated[str, typer.Argument(help="JSON-RPC URL of the network.")],
    key_file: Annotated[
        Path | None,
        typer.Option(help="Private key (hex) or keystore of the account that pays; none: a new one, for free gas."),
    ] = None,
    network_gas_price: Annotated[
        int | None, typer.Option(min=0, help="Wei a unit of gas to offer; the node is asked otherwise.")
    ] = None,
    runs: Runs = 3,
    seed: Seed = "1",
    gas_price: GasPrices = GAS_PRICES,
    ether_price: EtherPrices = ETHER_PRICES,
    currency: Currency = CURRENCY,
    block_gas_limit: BlockGas = BLOCK_GAS,
    block_time: BlockTime = BLOCK_TIME,
    json: AsJson = False,
    csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Operations and workflows on any network: a new ledger is deployed there for the purpose.

    The people of the run get keys that follow from the account's own, so that nobody else knows them.
    """
    terms = terms_of(gas_price, ether_price, currency, block_gas_limit, block_time)
    with reported():
        account = account_key(key_file)
        price = 0 if key_file is None and network_gas_price is None else network_gas_price
        private_seed = f"{seed} of {account.hex()}"
        with progress_bar() as tell, foreign_network(network, account, gas_price=price) as there:
            acts = study_operations(there, seed=private_seed, runs=runs, progress=tell)
            flows = study_workflows(there, terms, seed=private_seed, runs=runs, progress=tell)
    about = {**acts.about, "seed": f"{seed}, and the account's key"}
    put_out(Result(about, (*acts.tables, *flows.tables), charts=flows.charts), Output(json, csv, out))


@app.command()
def report(
    page: Annotated[Path, typer.Argument(help="The HTML file to write.")] = Path("gas.html"),
    waiting_list: Annotated[
        list[Path] | None, typer.Option(help="A waiting-list file to project; may be repeated.")
    ] = None,
    mix: MixOption = MIX,
    standing: Standing = False,
    runs: Runs = 100,
    most: Annotated[int, typer.Option(min=10, max=1_000_000, help="Acts of each kind for growth.")] = 10_000,
    seed: Seed = "1",
    gas_price: GasPrices = GAS_PRICES,
    ether_price: EtherPrices = ETHER_PRICES,
    currency: Currency = CURRENCY,
    block_gas_limit: BlockGas = BLOCK_GAS,
    block_time: BlockTime = BLOCK_TIME,
    out: Out = None,
) -> None:
    """One self-contained HTML page with everything, and what it takes to get the same figures again."""
    terms = terms_of(gas_price, ether_price, currency, block_gas_limit, block_time)
    times = mix_times(mix)
    with reported():
        lists = load_lists(waiting_list or [])
        with progress_bar() as tell, measuring_devnet() as network:
            result = study_everything(
                network,
                terms,
                seed=seed,
                runs=runs,
                most=most,
                waiting_lists=lists,
                mix=partial(_mix, times, standing),
                progress=tell,
            )
        options = [f"--waiting-list={path.name}" for path in waiting_list or []] + [f"--mix={text}" for text in mix]
        options += ["--standing"] if standing else []
        command = shlex.join(
            ["consent-ledger", "gas", "report", f"--seed={seed}", f"--runs={runs}", f"--most={most}", *options]
        )
        _write(page, render(result, command=command))
        if out:
            write_files(result, out)
    terminal(stderr=True).print(f"Written: {page}", highlight=False)


def _mix(times: Mapping[str, int], standing: bool, costs: Mapping[str, UnitCost]) -> Mix:
    return mix_of(times, costs, standing=standing)


def _write(page: Path, text: str) -> None:
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise LedgerError(f"{page.name} cannot be written: {failure.strerror}") from failure
