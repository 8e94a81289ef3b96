"""The catalogues are complete: every sentence of every page and function is there in every language, and no other."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from gateway.consents import deeds
from gateway.notices import breakglass
from gateway.portal import explaining
from gateway.portal.language import NAMES, Language, load, preferred
from gateway.portal.researcher_measured import shipped
from gateway.portal.researcher_words import is_said
from gateway.prescriptions import refusals, standing
from gateway.web.problems import PROBLEMS
from ledger.gas.history import KINDS

PORTAL = Path(explaining.__file__).parent
_SAYS = ("say", "mark", "many")
_BRACES = re.compile(r"\{[^{}]*\}")


def template_sentences() -> Iterator[str]:
    """What templates say by `_` and `n_`."""
    environment = Environment(autoescape=True)
    for path in (PORTAL / "templates").rglob("*.html"):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for _, _, message in extract_from_ast(tree, gettext_functions=("_", "n_")):
            yield from [one for one in (message if isinstance(message, tuple) else (message,)) if isinstance(one, str)]


def code_sentences() -> Iterator[str]:
    """What functions say, or mark to be said."""
    for path in PORTAL.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _SAYS:
                for argument in node.args[: 2 if name == "many" else 1]:
                    for one in ast.walk(argument):
                        if isinstance(one, ast.Constant) and isinstance(one.value, str):
                            yield one.value


def told_sentences() -> Iterator[str]:
    """What the gateway's other packages say of what they refuse: `Told("...")`."""
    for path in PORTAL.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            said = node.args[:1] if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Told" else []
            yield from (one.value for one in said if isinstance(one, ast.Constant) and isinstance(one.value, str))


def cells_of_what_was_measured() -> Iterator[str]:
    """Words in the tables that are shipped, and in those of what the ledger has cost so far."""
    for table in shipped().tables.values():
        said = [column.key for column in table.columns if is_said(column)] if table.name != "about" else []
        yield from (row[key] for row in table.rows for key in said if isinstance(row.get(key), str) and row[key])
    for kind in KINDS:
        yield from (kind.name, kind.title)


def gateway_sentences() -> set[str]:
    """What the gateway's own functions say, which pages say in the reader's language."""
    who_may_not = [sentence for _, sentence in refusals.WHO.values()]
    emergencies = (*breakglass.SENTENCES.values(), *breakglass.REASONS.values(), *breakglass.OUTCOMES.values())
    standings = (*standing.SENTENCES.values(), standing.OWING)
    return {*standings, *refusals.SENTENCES.values(), *who_may_not, *deeds.SENTENCES.values(), *emergencies}


def sentences() -> set[str]:
    of_tables = cells_of_what_was_measured()
    return {*template_sentences(), *code_sentences(), *gateway_sentences(), *told_sentences(), *of_tables}


OTHERS = [code for code in NAMES if code != "en"]


@pytest.fixture(scope="module")
def languages() -> dict[str, Language]:
    return load()


def test_sentences_are_found_at_all() -> None:
    found = sentences()
    assert len(found) > 300
    assert {"Sign in", "Who looked?", "{count} portion left", "to treat you"} <= found


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_is_translated(languages: dict[str, Language], code: str) -> None:
    assert sorted(sentences() - languages[code].catalogue.keys()) == []


@pytest.mark.parametrize("code", OTHERS)
def test_no_translation_is_left_over(languages: dict[str, Language], code: str) -> None:
    assert sorted(languages[code].catalogue.keys() - sentences()) == []


@pytest.mark.parametrize("code", OTHERS)
def test_translations_have_the_same_braces(languages: dict[str, Language], code: str) -> None:
    unlike = [
        english
        for english, said in languages[code].catalogue.items()
        if sorted(_BRACES.findall(english)) != sorted(_BRACES.findall(said)) or not said.strip()
    ]
    assert unlike == []


def test_catalogue_files_repeat_no_key() -> None:
    for path in (PORTAL / "locales").rglob("*.json"):
        pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), path.name


def test_every_kind_of_problem_has_a_sentence() -> None:
    assert {kind.slug for kind in PROBLEMS.values()} - explaining.SENTENCES.keys() <= {"rejected", "access-denied"}


def test_the_reader_gets_the_language_that_she_prefers(languages: dict[str, Language]) -> None:
    assert preferred("es-PE,es;q=0.9,en;q=0.5", languages).code == "es"
    assert preferred("de-DE,de;q=0.9", languages).code == "en"
    assert preferred("", languages).code == "en"
    assert languages["es"].day(1_772_496_000) == "3 de marzo de 2026"
    assert languages["es"].listed(["laboratorio", "imágenes"]) == "laboratorio e imágenes"
