# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Figures and names, as several rooms tell them."""

from odoo.tools import formatLang

# How many of many a message names.
NAMED = 5


def amounts(env, by_currency: dict) -> list[str]:
    """:return: an amount for each currency"""
    return [
        formatLang(env, amount, currency_obj=currency)
        for currency, amount in by_currency.items()
    ]


def some_of(names: list[str]) -> str:
    """The first of them."""
    return ", ".join(names[:NAMED]) + ("…" if len(names) > NAMED else "")
