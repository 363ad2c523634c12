# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time
from lxml import etree

from odoo.fields import Command

from odoo.addons.psa_invoicing.tests.common import BillingCase

JANUARY = date(2026, 1, 31)
# From the date of the invoice to the day when it is due.
ODOO_PERIOD = ("20260202", "20260331")
UBL = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
CII = {
    "ram": "urn:un:unece:uncefact:data:standard:"
    "ReusableAggregateBusinessInformationEntity:100",
}


@freeze_time("2026-02-02")
class TestBillingPeriod(BillingCase):
    """Work of 1 to 3 January, billed up to 31 January, on 2 February."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        company = cls.env.company
        company.write({"vat": "BE0477472701", "country_id": cls.env.ref("base.be").id})
        company.partner_id.write(
            {
                "phone": "+32 2 290 34 90",
                "email": "info@firm.example.com",
                "street": "Rue des Bourlottes 9",
                "bank_ids": [
                    Command.create({"acc_number": "BE15001559627230"}),
                ],
            }
        )
        cls.customer.write(
            {
                "country_id": cls.env.ref("base.be").id,
                "vat": "BE0246697724",
                "street": "Rue Haute 1",
                "invoice_sending_method": "manual",
                "property_payment_term_id": cls.pay_terms_b.id,
            }
        )

    def project_invoice(self):
        return self.time_project(2, 3, 1)._psa_invoice(JANUARY)

    def invoice(self):
        return self.init_invoice(
            "out_invoice",
            partner=self.customer,
            products=self.product_a,
            invoice_date="2026-02-02",
        )

    def export(self, move, kind):
        """The e-invoice as its builder makes it, without complaints.

        :param kind: of format, as chosen on a customer
        """
        builder = self.env["res.partner"]._get_edi_builder(kind)
        content, errors = builder._export_invoice(move)
        self.assertFalse(errors)
        return content

    def ubl_period(self, content):
        """Start and end as the document says them, for each period in it."""
        return [
            (
                node.findtext("cbc:StartDate", namespaces=UBL),
                node.findtext("cbc:EndDate", namespaces=UBL),
            )
            for node in etree.fromstring(content).iterfind(
                "cac:InvoicePeriod", namespaces=UBL
            )
        ]

    def cii_period(self, content):
        (settlement,) = etree.fromstring(content).iterfind(
            ".//ram:ApplicableHeaderTradeSettlement", namespaces=CII
        )
        return [
            tuple(text.strip() for text in node.itertext() if text.strip())
            for node in settlement.iterfind(
                "ram:BillingSpecifiedPeriod", namespaces=CII
            )
        ]

    def test_peppol(self):
        move = self.project_invoice()
        move.action_post()
        self.assertEqual(
            self.ubl_period(self.export(move, "ubl_bis3")),
            [("2026-01-01", "2026-01-31")],
        )

    def test_an_eighth_of_a_fixed_price(self):
        """Quantity times price is the net amount, in every format."""
        project = self.project()
        line = self.contract(
            project, self.milestone_product, product_uom_qty=1, price_unit=10000
        )
        self.milestone(project, line, 0.125, date(2026, 1, 8))
        self.milestone(project, line, 1 / 12, date(2026, 1, 9))
        move = project._psa_invoice(JANUARY)
        move.action_post()
        tree = etree.fromstring(self.export(move, "ubl_bis3"))
        paths = (
            "cbc:InvoicedQuantity",
            "cbc:LineExtensionAmount",
            "cac:Price/cbc:PriceAmount",
        )
        self.assertEqual(
            [
                [float(node.findtext(path, namespaces=UBL)) for path in paths]
                for node in tree.iterfind("cac:InvoiceLine", namespaces=UBL)
            ],
            [[1, 1250, 1250], [1, 833.33, 833.33]],
        )
        tree = etree.fromstring(self.export(move, "facturx"))
        lines = tree.xpath("//ram:IncludedSupplyChainTradeLineItem", namespaces=CII)
        found = [
            [float(line.findtext(f".//ram:{name}", namespaces=CII)) for line in lines]
            for name in ("BilledQuantity", "LineTotalAmount")
        ]
        self.assertEqual(found, [[1, 1], [1250, 833.33]])

    def test_every_other_ubl_format(self):
        move = self.project_invoice()
        move.action_post()
        for kind in ("xrechnung", "nlcius", "ubl_a_nz", "ubl_sg"):
            with self.subTest(kind):
                builder = self.env["res.partner"]._get_edi_builder(kind)
                content, _errors = builder._export_invoice(move)
                self.assertEqual(
                    self.ubl_period(content), [("2026-01-01", "2026-01-31")]
                )

    def test_the_period_is_where_the_schema_wants_it(self):
        """After the currency and before the order reference and the parties."""
        move = self.project_invoice()
        move.action_post()
        names = [
            etree.QName(node).localname
            for node in etree.fromstring(self.export(move, "ubl_bis3"))
        ]
        place = names.index("InvoicePeriod")
        self.assertLess(names.index("DocumentCurrencyCode"), place)
        self.assertLess(place, names.index("OrderReference"))
        self.assertLess(place, names.index("AccountingSupplierParty"))

    def test_factur_x(self):
        move = self.project_invoice()
        move.action_post()
        self.assertEqual(
            self.cii_period(self.export(move, "facturx")), [("20260101", "20260131")]
        )

    def test_the_second_month_starts_after_the_first_cutoff(self):
        project = self.time_project(2)
        project._psa_invoice(JANUARY).action_post()
        self.log(project, date(2026, 2, 10), 4)
        move = project._psa_invoice(date(2026, 2, 28))
        move.action_post()
        self.assertEqual(
            self.ubl_period(self.export(move, "ubl_bis3")),
            [("2026-02-01", "2026-02-28")],
        )

    def test_what_the_customer_gets(self):
        """Sent: the UBL is attached, the Factur-X is for the PDF."""
        self.customer.invoice_edi_format = "ubl_bis3"
        move = self.project_invoice()
        action = move.action_psa_send()
        wizard = (
            self.env[action["res_model"]].with_context(**action["context"]).create({})
        )
        wizard.action_send_and_print()
        self.assertEqual(
            self.ubl_period(move.ubl_cii_xml_id.raw), [("2026-01-01", "2026-01-31")]
        )
        facturx = self.env["ir.attachment"].search(
            [("res_id", "=", move.id), ("name", "=", "factur-x.xml")]
        )
        self.assertEqual(self.cii_period(facturx.raw), [("20260101", "20260131")])

    def test_another_invoice_is_as_odoo_makes_it(self):
        move = self.invoice()
        move.action_post()
        self.assertEqual(self.ubl_period(self.export(move, "ubl_bis3")), [])
        self.assertEqual(self.cii_period(self.export(move, "facturx")), [ODOO_PERIOD])

    def test_nothing_else_is_touched(self):
        """Without its period, a project invoice is any invoice, byte for byte."""
        move = self.project_invoice()
        move.action_post()
        ours = {kind: self.export(move, kind) for kind in ("ubl_bis3", "facturx")}
        move.sudo().is_project_invoice = False
        plain = {kind: self.export(move, kind) for kind in ours}
        move.sudo().is_project_invoice = True
        period = (
            b"<cac:InvoicePeriod><cbc:StartDate>2026-01-01</cbc:StartDate>"
            b"<cbc:EndDate>2026-01-31</cbc:EndDate></cac:InvoicePeriod>"
        )
        self.assertEqual(ours["ubl_bis3"].count(period), 1)
        self.assertEqual(ours["ubl_bis3"].replace(period, b""), plain["ubl_bis3"])
        start, end = (day.encode() for day in ODOO_PERIOD)
        settlement = plain["facturx"].index(b"<ram:BillingSpecifiedPeriod>")
        head, tail = plain["facturx"][:settlement], plain["facturx"][settlement:]
        tail = tail.replace(start, b"20260101", 1).replace(end, b"20260131", 1)
        self.assertEqual(ours["facturx"], head + tail)

    def test_without_a_period_it_is_as_odoo_makes_it(self):
        """The start is not known, or the cut-off date was moved before it."""
        move = self.project_invoice()
        move.action_post()
        for values in (
            {"billing_period_start": False},
            {
                "billing_period_start": date(2026, 1, 1),
                "billing_cutoff_date": date(2025, 12, 31),
            },
        ):
            with self.subTest(**values):
                move.sudo().write(values)
                self.assertEqual(self.ubl_period(self.export(move, "ubl_bis3")), [])
                self.assertEqual(
                    self.cii_period(self.export(move, "facturx")), [ODOO_PERIOD]
                )

    # === Credit notes ===

    def credit_notes(self):
        """``(how it was made, the credit note, its invoice, when the work was)``."""
        invoice = self.project_invoice()
        invoice.action_post()
        january = date(2026, 1, 1), JANUARY
        for how in ("correct", "reversal"):
            if how == "correct":
                correction = invoice._psa_correction()
                correction.line_ids[0].quantity = 1
                action = correction.action_apply()
                move = self.env["account.move"].browse(action["res_id"])
            else:
                move = invoice._reverse_moves([{"invoice_date": date(2026, 2, 2)}])
            move.action_post()
            yield how, move, invoice, january
        project = self.time_project(4)
        invoice = project._psa_invoice(JANUARY)
        invoice.action_post()
        self.log(project, date(2026, 1, 20), -3)
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": JANUARY}
        )
        wizard.action_next()
        wizard.action_finish()
        move = project.sale_line_id.invoice_lines.move_id - invoice
        move.action_post()
        yield "wizard", move, invoice, (date(2026, 1, 20), date(2026, 1, 20))

    def ubl_references(self, content):
        return [
            node.text
            for node in etree.fromstring(content).iterfind(
                "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID",
                namespaces=UBL,
            )
        ]

    def test_credit_notes_in_ubl(self):
        for how, move, invoice, (start, end) in self.credit_notes():
            with self.subTest(how):
                self.assertEqual(move.move_type, "out_refund")
                content = self.export(move, "ubl_bis3")
                self.assertEqual(self.ubl_period(content), [(str(start), str(end))])
                self.assertEqual(self.ubl_references(content), [invoice.name])

    def test_credit_notes_in_factur_x(self):
        for how, move, invoice, (start, end) in self.credit_notes():
            with self.subTest(how):
                content = self.export(move, "facturx")
                days = f"{start:%Y%m%d}", f"{end:%Y%m%d}"
                self.assertEqual(self.cii_period(content), [days])
                tree = etree.fromstring(content)
                (reference,) = tree.iterfind(
                    ".//ram:InvoiceReferencedDocument", namespaces=CII
                )
                self.assertEqual(
                    [text.strip() for text in reference.itertext() if text.strip()],
                    [invoice.name, "20260202"],
                )
                self.assertEqual(
                    etree.QName(reference.getprevious()).localname,
                    "SpecifiedTradeSettlementHeaderMonetarySummation",
                )
                (delivery,) = tree.iterfind(
                    ".//ram:ActualDeliverySupplyChainEvent", namespaces=CII
                )
                self.assertEqual("".join(delivery.itertext()).strip(), days[1])

    def test_credit_notes_of_others(self):
        """Are as Odoo makes them."""
        invoice = self.invoice()
        invoice.action_post()
        move = invoice._reverse_moves([{"invoice_date": date(2026, 2, 2)}])
        move.action_post()
        self.assertEqual(self.ubl_period(self.export(move, "ubl_bis3")), [])
        content = self.export(move, "facturx")
        self.assertNotIn(b"InvoiceReferencedDocument", content)

    def test_credit_notes_of_the_netherlands(self):
        """Odoo states its own reference there, whatever that says."""
        for how, move, invoice, _period in self.credit_notes():
            with self.subTest(how):
                move.company_id.country_id = self.env.ref("base.nl")
                move.ref = "As agreed"
                builder = self.env["res.partner"]._get_edi_builder("ubl_bis3")
                content, _errors = builder._export_invoice(move)
                self.assertEqual(self.ubl_references(content), [invoice.name])
