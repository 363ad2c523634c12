# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from dataclasses import dataclass
from itertools import chain

from lxml import etree

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_datetime
from odoo.tools.safe_eval import safe_eval

from ..shared import rights, texts

INVOICES = "psa_invoicing.account_move_action"
SCHEDULE = "psa_invoicing.psa_invoice_schedule_action"
BACKLOG = "psa_invoicing.psa_backlog_action"
LEAKAGE = "psa_invoicing.psa_billing_leakage_action"
UNTAXED = "amount_untaxed_signed"
# As many as a list counts at once.
COUNT_LIMIT = 1000


@dataclass(frozen=True)
class Card:
    """Something that waits for a person, and the list behind it.

    :ivar action: the list's action
    :ivar amount: field that is summed, in the company's currency; none: its projects
        are counted
    :ivar tone: how urgent it is: a contextual colour of the client
    :ivar filters: names of filters of its search view, all of which apply (default:
        the one that is called as the card)
    """

    key: str
    label: str
    action: str
    amount: str = ""
    tone: str = "info"
    filters: tuple[str, ...] | None = None

    @property
    def filter_names(self) -> tuple[str, ...]:
        return (self.key,) if self.filters is None else self.filters


class PsaStartPage(models.AbstractModel):
    """What needs a person today, as counts and amounts that open the lists behind them.

    The conditions are those of the lists' own filters, read from their search views: a
    card cannot count anything but what its list shows.

    The page opens at once: of what is a lot it is only said that it is; the client asks
    for the rest when the page is there.
    """

    _name = "psa.start.page"
    _description = "Overview of Project Service"

    @api.model
    def get_start_page(self) -> dict:
        """What the client shows: cards with something on them, in sections.

        :raises AccessError: unless the user is a billing reviewer
        """
        rights.check_may_review(self.env)
        is_manager = rights.is_billing_manager(self.env)
        shown = [
            {"name": name, "cards": list(filter(None, map(self._card_values, cards)))}
            for name, cards in self._sections()
        ]
        return {
            "sections": [section for section in shown if section["cards"]],
            "is_manager": is_manager,
            "problem": self.env["psa.invoice.run"].get_scheduler_problem(),
            "last_run": is_manager and self._last_run(),
        }

    @api.model
    def get_card(self, key: str) -> dict | None:
        """What is on a card, however much that is.

        :return: None if there is nothing to do any more
        :raises AccessError: unless the user is a billing reviewer
        :raises UserError: if the user has no such card
        """
        card = self._card(key)
        return self._all_values(card, *self._listed(card))

    @api.model
    def open_card(self, key: str) -> dict:
        """The list behind a card.

        :raises AccessError: unless the user is a billing reviewer
        :raises UserError: if the user has no such card
        """
        return self._open(self._card(key))

    def _card(self, key: str) -> Card:
        rights.check_may_review(self.env)
        for card in chain(*(cards for _name, cards in self._sections())):
            if card.key == key:
                return card
        raise UserError(
            self.env._("This part of the overview is not for you, or is gone.")
        )

    # === Which cards ===

    def _sections(self) -> list[tuple[str, list[Card]]]:
        """The cards of the user, by what is to be done."""
        if not rights.is_billing_manager(self.env):
            return [(self.env._("Drafts"), self._reviewer_cards())]
        return [
            (self.env._("Drafts"), self._draft_cards()),
            (self.env._("To Send and Collect"), self._invoice_cards()),
            (self.env._("Not Invoiced"), self._backlog_cards()),
        ]

    def _reviewer_cards(self) -> list[Card]:
        """A reviewer sees the invoices of his projects only."""
        label = self.env._("Drafts to Review")
        return [Card("in_review", label, INVOICES, UNTAXED, "warning")]

    def _draft_cards(self) -> list[Card]:
        changed = self.env._("To Recalculate")
        filters = ("to_do", "needs_recalculation")
        waiting = self.env._("Waiting for My Review")
        return [
            Card("draft", self.env._("Drafts to Review"), INVOICES, UNTAXED),
            Card("needs_recalculation", changed, INVOICES, UNTAXED, "warning", filters),
            Card("my_reviews", waiting, INVOICES, UNTAXED, "warning"),
            Card("in_review", self.env._("Submitted for Review"), INVOICES, UNTAXED),
        ]

    def _invoice_cards(self) -> list[Card]:
        failed, overdue = self.env._("Sending Failed"), self.env._("Overdue")
        return [
            Card("approved", self.env._("Approved: to Send"), INVOICES, UNTAXED),
            Card("confirmed", self.env._("Confirmed: to Send"), INVOICES, UNTAXED),
            Card("sending_failed", failed, INVOICES, UNTAXED, "danger"),
            Card("overdue", overdue, INVOICES, "amount_residual_signed", "danger"),
        ]

    def _backlog_cards(self) -> list[Card]:
        due = self.env._("Due for Invoicing")
        failed = self.env._("Could Not Be Invoiced")
        old = self.env._("Open for More than 60 Days")
        credited = self.env._("Credited: to Review")
        early = self.env._("Before Billing Start")
        leakage = self.env._("Billing Leakage")
        return [
            Card("due", due, SCHEDULE, filters=("due", "planned")),
            Card("failed", failed, SCHEDULE, tone="danger"),
            Card("credited", credited, BACKLOG, "company_amount", "warning"),
            Card("before_start", early, BACKLOG, "company_amount", "warning"),
            Card("older_60", old, BACKLOG, "company_amount", "warning"),
            Card("leakage", leakage, LEAKAGE, "amount", "warning", ()),
        ]

    # === What is on a card ===

    def _card_values(self, card: Card) -> dict | None:
        """:return: what the client shows at once; None if there is nothing to do"""
        model, domain = self._listed(card)
        count = model.search_count(domain, limit=COUNT_LIMIT + 1)
        if not count:
            return None
        if count <= COUNT_LIMIT:
            return self._all_values(card, model, domain)
        return {
            **self._label_values(card),
            "count": f"{COUNT_LIMIT}+",
            "details": [],
            "is_cut": True,
        }

    def _all_values(self, card: Card, model, domain: Domain) -> dict | None:
        measure = f"{card.amount}:sum" if card.amount else "project_id:count_distinct"
        rows = model._read_group(domain, ["company_id"], ["__count", measure])
        if not rows:
            return None
        return {
            **self._label_values(card),
            "count": sum(count for _company, count, _sum in rows),
            "details": self._amounts(rows) if card.amount else self._projects(rows),
            "is_cut": False,
        }

    def _label_values(self, card: Card) -> dict:
        return {"key": card.key, "label": card.label, "tone": card.tone}

    def _listed(self, card: Card) -> tuple:
        """What the list of a card shows: its model, and the domain."""
        # sudo: only administrators read actions; this one is in the user's menu.
        action = self.env.ref(card.action).sudo()
        return self.env[action.res_model], self._domain(action, card.filter_names)

    def _amounts(self, rows) -> list[str]:
        """:param rows: company, count, amount in its currency
        :return: an amount for each currency"""
        sums: dict = {}
        for company, _count, amount in rows:
            # sudo: the currency of a company whose records the user may read.
            currency = company.sudo().currency_id
            sums[currency] = sums.get(currency, 0.0) + (amount or 0.0)
        return texts.amounts(self.env, sums)

    def _projects(self, rows) -> list[str]:
        number = sum(number for _company, _count, number in rows)
        if number == 1:
            return [self.env._("1 project")]
        return [self.env._("%(count)s projects", count=number)]

    def _domain(self, action, filters: tuple[str, ...]) -> Domain:
        """What the list of an action shows when these filters are on."""
        domain = self._evaluated(action.domain)
        if not filters:
            return domain
        view = self.env[action.res_model].get_view(action.search_view_id.id, "search")
        tree = etree.fromstring(view["arch"])
        for name in filters:
            (node,) = tree.xpath("//filter[@name=$name]", name=name)
            domain &= self._evaluated(node.get("domain"))
        return domain

    def _evaluated(self, domain: str | None) -> Domain:
        return Domain(safe_eval(domain or "[]", {"uid": self.env.uid}))

    def _open(self, card: Card) -> dict:
        """The card's list, with its filters in place of those that it opens with."""
        action = self.env["ir.actions.act_window"]._for_xml_id(card.action)
        context = safe_eval(action["context"] or "{}", {"uid": self.env.uid})
        if card.filter_names:
            context = {
                key: value
                for key, value in context.items()
                if not key.startswith(("search_default_", "searchpanel_default_"))
            }
        context |= {f"search_default_{name}": 1 for name in card.filter_names}
        return {**action, "context": context}

    # === The last run ===

    def _last_run(self) -> dict | bool:
        """How the last invoice run came out; False if there was none."""
        run = self.env["psa.invoice.run"].search([("is_dry_run", "=", False)], limit=1)
        if not run:
            return False
        figures = {"done": run.done, "total": run.total}
        points = [self.env._("%(done)s of %(total)s processed", **figures)]
        if run.failed:
            points.append(self.env._("%(count)s failed", count=run.failed))
        if run.skipped:
            points.append(self.env._("%(count)s left out", count=run.skipped))
        if run.state == "running":
            points.append(self.env._("still running"))
        elif run.finished_at:
            time = format_datetime(self.env, run.finished_at, dt_format="short")
            points.append(self.env._("finished %(time)s", time=time))
        return {"id": run.id, "name": run.name, "points": points}
