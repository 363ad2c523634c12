# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values as PostgreSQL takes them best."""

from collections.abc import Iterable

from odoo.tools import SQL


def id_array(ids: Iterable[int]) -> SQL:
    """Many ids as one constant.

    A list becomes ``ARRAY[1, 2, …]``, an expression of which every element is parsed
    and simplified: of ten thousand ids that takes longer than looking them up.
    """
    return SQL("%s::int[]", f"{{{','.join(map(str, ids))}}}")
