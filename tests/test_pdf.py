"""Invoices on paper, drawn by either kind of wkhtmltopdf: what stands where."""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from core.text_parts import text_parts
from printing import (
    PATCHED,
    UNPATCHED,
    engine,
    lines,
    pages,
    path_with,
    pictures,
)
from steps import install_french

from tools import database

LONG = 3 * (
    "Workshop with the people of the warehouse about returns: labels that were "
    "scanned, goods that come back without an order, what the file of the carrier "
    "says and what the shop says, who decides, and how long a customer waits. "
)
TEXTS = (
    "Sketch",
    LONG,
    "Call",
    "Two lines\nand the second of them",
    "Review of the release notes with all of the team, and what came out of it",
)
# Its own lines take several pages, too.
LINES = "a line for each entry"
CLAIRE, TOM = "Claire Dubois", "Tom Becker"
WORDS = {
    "en_US": ("Date", "Who", "Task", "Description", "Quantity", "Rate", "Amount"),
    "fr_FR": (
        "Date",
        "Employé",
        "Tâche",
        "Description",
        "Quantité",
        "Tarif",
        "Montant",
    ),
}
TITLES = {"en_US": "Annex: Work in Detail", "fr_FR": "Annexe : détail des prestations"}
# Of the table, as static/report/annex.scss has it.
QUANTITY_WIDTH = 0.13
DAY = re.compile(r"\d\d/\d\d/\d{4}")


@pytest.fixture(scope="module", params=[PATCHED, UNPATCHED])
def site(start_site, request, tmp_path_factory):
    """An Odoo that takes this kind of wkhtmltopdf, and projects of three sizes."""
    kind = request.param
    program = engine(kind)
    if not program:
        pytest.skip(f"There is no wkhtmltopdf with {kind} Qt on this machine.")
    started = start_site(
        f"psa_system_pdf_{kind}",
        database.addon_template(),
        PATH=path_with(program, tmp_path_factory.mktemp(kind)),
    )
    started.kind = kind
    install_french(started)
    started.invoices = {rows: invoice(started, rows) for rows in (1, 40, 200)}
    started.invoices[LINES] = invoice(started, 40, billing_layout="entry")
    return started


def invoice(site, rows: int, **values) -> int:
    """A posted invoice of some time entries of two people on two contract lines, with
    and without a task, and of a milestone, which nobody worked on.

    :param values: of the project
    """
    customer = site.create(
        "res.partner", name=f"Customer of {rows}", is_company=True, city="Lyon"
    )
    lines = [
        product(site, "Consulting", "uom.product_uom_hour"),
        product(site, "Engineering of interfaces", "uom.product_uom_hour"),
        product(site, "Go-live", "uom.product_uom_unit", service_type="milestones"),
    ]
    project = site.create(
        "project.project",
        name=f"Rollout {rows}",
        partner_id=customer,
        allow_billable=True,
        allow_milestones=True,
        **values,
    )
    order = site.create(
        "sale.order",
        partner_id=customer,
        order_line=[
            (0, 0, {"product_id": each, "product_uom_qty": 1}) for each in lines
        ],
    )
    site.call("sale.order", "action_confirm", [order])
    ordered = [("order_id", "=", order)]
    first, second, third = site.call("sale.order.line", "search", ordered, order="id")
    site.call("project.project", "write", [project], {"sale_line_id": first})
    tasks = [
        site.create("project.task", name=name, project_id=project, sale_line_id=line)
        for name, line in (("Design", first), ("Migration of the old data", second))
    ]
    day = site.today() - timedelta(days=20)
    people = [
        site.one("hr.employee", [("name", "=", name)], "id")["id"]
        for name in (CLAIRE, TOM)
    ]
    site.call(
        "account.analytic.line",
        "create",
        [
            {
                "name": TEXTS[number % len(TEXTS)],
                "date": str(day + timedelta(days=number % 15)),
                "project_id": project,
                "task_id": tasks[number % 2] if number % 4 else False,
                "employee_id": people[number % 2],
                "unit_amount": (1.5, 0.25, 7.75)[number % 3],
            }
            for number in range(rows - 1)
        ],
    )
    site.create(
        "project.milestone",
        name="Go-live",
        project_id=project,
        sale_line_id=third,
        quantity_percentage=1,
        is_reached=True,
        reached_date=str(day),
    )
    today = str(site.today())
    made = site.call("project.project", "psa_invoice", [project], cutoff_date=today)
    site.call("account.move", "action_post", made["invoice_ids"])
    return made["invoice_ids"][0]


def product(site, name: str, unit: str, **values) -> int:
    template = site.create(
        "product.template",
        name=name,
        type="service",
        list_price=100,
        uom_id=site.ref(unit),
        invoice_policy="delivery",
        taxes_id=[(5,)],
        **{"service_type": "timesheet", **values},
    )
    found = [("product_tmpl_id", "=", template)]
    return site.one("product.product", found, "id")["id"]


class Annex:
    """The annex of an invoice, read from its PDF."""

    def __init__(self, site, rows, language: str = "en_US", **wanted):
        """:param wanted: names, texts, amounts: whether the customer wants them"""
        self.site, self.move, self.language = site, site.invoices[rows], language
        self.wanted = {"names": True, "texts": True, "amounts": True, **wanted}
        (values,) = site.call(
            "account.move", "read", [self.move], ["name", "partner_id"]
        )
        self.number = values["name"]
        self.has_tasks = any(detail["task_name"] for detail in self.ledger())
        site.call(
            "res.partner",
            "write",
            [values["partner_id"][0]],
            {
                "lang": language,
                **{f"billing_annex_{key}": on for key, on in self.wanted.items()},
            },
        )
        answer = site.session.get(
            f"{site.url}/report/pdf/account.report_invoice/{self.move}", timeout=300
        )
        assert answer.content.startswith(b"%PDF"), answer.text
        self._keep(answer.content, f"{rows}-{language}-{''.join(map(str, wanted))}")
        self.pages = pages(answer.content)
        texts = [text_of(words) for words in self.pages]
        (self.first,) = (
            index for index, text in enumerate(texts) if TITLES[language] in text
        )
        self.headings = self._headings(self.pages[self.first])

    def _keep(self, pdf: bytes, name: str) -> None:
        if folder := os.environ.get("PSA_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            pictures(pdf, Path(folder), f"annex-{self.site.kind}-{name}")

    @property
    def columns(self) -> list[str]:
        date, who, task, text, quantity, *money = WORDS[self.language]
        return [
            date,
            *([who] if self.wanted["names"] else []),
            *([task] if self.wanted["texts"] and self.has_tasks else []),
            *([text] if self.wanted["texts"] else []),
            quantity,
            *(money if self.wanted["amounts"] else []),
        ]

    def _headings(self, words) -> dict | None:
        """The words of the line that names the columns."""
        for line in lines(words):
            if [word.text for word in line] == self.columns:
                return dict(zip(self.columns, line, strict=True))
        return None

    def bodies(self) -> list[list[list]]:
        """The lines below the headings of each page, without header and footer."""
        found = []
        for words in self.pages[self.first :]:
            headings = self._headings(words)
            top = headings and next(iter(headings.values())).bottom
            footer = [word.top for word in words if re.match("Page$", word.text)]
            bottom = footer[-1] if footer else 10_000
            inside = [word for word in words if (top or 0) < word.middle < bottom - 1]
            found.append(lines(inside))
        return found

    def rows(self) -> list[dict]:
        """What each row says in each column, and on which pages it stands."""
        rows, is_row = [], False
        for number, body in enumerate(self.bodies()):
            for line in body:
                cells = self._cells(line)
                first = cells.get(self.columns[0], "")
                if DAY.fullmatch(first):
                    rows.append({"pages": set(), **dict.fromkeys(self.columns, "")})
                    is_row = True
                elif first:
                    is_row = False
                if is_row:
                    rows[-1]["pages"].add(number)
                    for column, text in cells.items():
                        rows[-1][column] = f"{rows[-1][column]} {text}".strip()
        return rows

    def _cells(self, line) -> dict[str, str]:
        """The words of a line by column, each of which must be inside its column."""
        quantity = WORDS[self.language][4]
        left = self.columns[: self.columns.index(quantity)]
        start = self.headings[self.columns[0]].left + 5
        is_row = DAY.fullmatch(line[0].text) or line[0].left > start
        cells: dict[str, list] = {}
        for word in line:
            cells.setdefault(self._column(word, left, quantity), []).append(word)
        for column, words in cells.items() if is_row else ():
            self._assert_inside(column, words, is_left=column in left)
        return {
            column: " ".join(word.text for word in words)
            for column, words in cells.items()
        }

    def _column(self, word, left: list[str], quantity: str) -> str:
        first, last = self.headings[left[0]], self.headings[self.columns[-1]]
        width = QUANTITY_WIDTH * (last.right - first.left)
        if word.left > self.headings[quantity].right - width:
            figures = self.columns[self.columns.index(quantity) :]
            return next(
                column
                for column in figures
                if word.right < self.headings[column].right + 1.5
            )
        starts = [each for each in left if self.headings[each].left < word.left + 1]
        return starts[-1] if starts else left[0]

    def _assert_inside(self, column: str, words: list, is_left: bool) -> None:
        heading = self.headings[column]
        if not is_left:
            assert abs(words[-1].right - heading.right) < 1.5, (words, heading)
            return
        following = self.columns[self.columns.index(column) + 1]
        assert words[0].left > heading.left - 1, (words, heading)
        assert words[-1].right < self.headings[following].left, (words, following)

    def ledger(self) -> list[dict]:
        return self.site.call(
            "psa.invoice.detail",
            "search_read",
            [("move_id", "=", self.move)],
            ["date", "employee_name", "task_name", "name", "quantity", "amount"],
        )


def text_of(words) -> str:
    return "\n".join(" ".join(word.text for word in line) for line in lines(words))


def number(text: str) -> float:
    """A figure as either language writes it."""
    digits = re.sub(r"[^\d.,]", "", text)
    return float(digits.replace(",", "") if "." in digits else digits.replace(",", "."))


def words_of(text) -> str:
    return " ".join((text or "").split())


SIZES = [
    *((rows, language) for rows in (1, 40, 200) for language in WORDS),
]


@pytest.fixture(scope="module")
def annexes(site):
    """Each is drawn once for all tests."""
    drawn: dict = {}

    def draw(rows, language="en_US", **wanted) -> Annex:
        key = (rows, language, *sorted(wanted.items()))
        if key not in drawn:
            drawn[key] = Annex(site, rows, language, **wanted)
        return drawn[key]

    return draw


def assert_says_the_ledger(annex: Annex) -> None:
    day, *_others = annex.columns
    name, task, text = WORDS[annex.language][1:4]
    quantity, rate, amount = WORDS[annex.language][4:]
    pattern = "{1}/{2}/{0}" if annex.language == "en_US" else "{2}/{1}/{0}"

    def shown(detail):
        wanted = annex.wanted
        return (
            pattern.format(*detail["date"].split("-")),
            words_of(detail["employee_name"]) if wanted["names"] else "",
            words_of(detail["task_name"]) if wanted["texts"] else "",
            words_of(detail["name"]) if wanted["texts"] else "",
            round(detail["quantity"], 2),
            detail["amount"] if wanted["amounts"] else 0,
        )

    read = [
        (
            row[day],
            row.get(name, ""),
            row.get(task, ""),
            row.get(text, ""),
            number(row[quantity]),
            number(row[amount]) if annex.wanted["amounts"] else 0,
        )
        for row in annex.rows()
    ]
    assert sorted(read) == sorted(map(shown, annex.ledger()))
    if annex.wanted["amounts"]:
        assert {number(row[rate]) for row in annex.rows()} == {100}
    units = {row[quantity].split()[-1] for row in annex.rows()}
    assert units <= {"Hours", "Heures", "Units", "Unité(s)"}


@pytest.mark.parametrize(("rows", "language"), SIZES)
def test_each_value_stands_below_its_heading(annexes, rows, language):
    """Also where a row has nobody or no task: nothing slips to the left."""
    assert_says_the_ledger(annexes(rows, language))


@pytest.mark.parametrize(
    "wanted",
    [
        {"names": False},
        {"texts": False},
        {"amounts": False},
        {"names": False, "texts": False, "amounts": False},
    ],
    ids=lambda wanted: "no " + ", ".join(wanted),
)
def test_columns_that_the_customer_does_not_want(annexes, wanted):
    annex = annexes(40, **wanted)
    assert annex.headings, annex.columns
    assert_says_the_ledger(annex)


@pytest.mark.parametrize(("rows", "language"), [*SIZES, (LINES, "en_US")])
def test_nothing_is_printed_over_anything(annexes, rows, language):
    for words in annexes(rows, language).pages:
        ordered = sorted(words, key=lambda word: word.top)
        for index, word in enumerate(ordered):
            for other in ordered[index + 1 :]:
                if other.top > word.bottom:
                    break
                assert not word.overlaps(other), (word, other)


@pytest.mark.parametrize(("rows", "language"), SIZES)
def test_no_row_is_cut_in_two(annexes, rows, language):
    """But a text longer than a third of a page, between two of its lines."""
    annex = annexes(rows, language)
    text = WORDS[language][3]
    for row in annex.rows():
        parts = text_parts(row[text])
        assert len(row["pages"]) <= len(parts), row


@pytest.mark.parametrize(("rows", "language"), SIZES)
def test_headings_and_totals_are_never_alone(annexes, rows, language):
    bodies = annexes(rows, language).bodies()
    titles = ("Consulting", "Engineering", "Go-live")
    for body in filter(None, bodies):
        last, first = body[-1][0].text, body[0][0].text
        assert last not in titles, "A heading is not the last line of a page."
        assert first != "Total", "The total is not the first line of a page."
    assert bodies[-1][-1][0].text == "Total"


@pytest.mark.parametrize(("rows", "language"), SIZES)
def test_headings_and_number_on_each_page(site, annexes, rows, language):
    """As far as the engine can repeat them."""
    annex = annexes(rows, language)
    annexed = annex.pages[annex.first :]
    if site.kind == UNPATCHED:
        annexed = annexed[:1]
    assert len(annexed) > 1 or rows < 200 or site.kind == UNPATCHED
    for words in annexed:
        assert annex._headings(words), text_of(words)
        assert annex.number in [word.text for word in words]


@pytest.mark.parametrize("rows", [1, 40, 200])
def test_the_seller_on_each_page(site, annexes, rows):
    """And page numbers: what an engine without patched Qt cannot print."""
    found = annexes(rows).pages
    company = site.one(
        "res.company", [("id", "=", site.ref("base.main_company"))], "name"
    )["name"]
    for number, words in enumerate(found, start=1):
        text = text_of(words)
        has = (company in text, f"Page {number} / {len(found)}" in text)
        assert has == ((True, True) if site.kind == PATCHED else (False, False)), text


@pytest.mark.parametrize("rows", [40])
def test_nothing_leaves_the_paper(annexes, rows):
    for words in annexes(rows).pages:
        assert all(0 < word.left and word.right < 612 for word in words)
