# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Our changes to views of others: a neighbour's change does not lead them astray."""

from lxml import etree

from odoo.tests import TransactionCase, tagged


def places_of(arch, spec) -> int:
    """How many nodes an anchor may mean; Odoo takes the first."""
    if spec.tag == "xpath":
        return len(etree.ETXPath(spec.get("expr"))(arch))
    wanted = {key: spec.get(key) for key in spec.attrib if key != "position"}
    nodes = arch.iter(spec.tag)
    return sum(wanted.items() <= dict(node.attrib).items() for node in nodes)


def written(spec) -> str:
    return spec.get("expr") or f"<{spec.tag} {dict(spec.attrib)}>"


@tagged("post_install", "-at_install")
class TestViews(TransactionCase):
    def doubtful_anchors(self, view) -> list[str]:
        """The anchors of a view that mean several nodes of what it changes."""
        view = view.with_context(ir_ui_view_tree_cut_off_view=view)
        arch = view._get_combined_arch()
        doubtful = []

        def look(spec):
            if (places := places_of(arch, spec)) != 1:
                doubtful.append(f"{view.xml_id}: {written(spec)}: {places}")

        view.apply_inheritance_specs(arch, etree.fromstring(view.arch), look)
        return doubtful

    def test_an_anchor_means_one_node(self):
        views = self.env["ir.ui.view"].search([("inherit_id", "!=", False)])
        ours = views.filtered(lambda view: view.xml_id.startswith("psa_invoicing"))
        self.assertIn(self.env.ref("psa_invoicing.account_move_view_form"), ours)
        doubtful = [line for view in ours for line in self.doubtful_anchors(view)]
        self.assertFalse(doubtful, "\n".join(doubtful))
