# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs keep what became of each of their rows."""


def migrate(cr, _version):
    """Runs of before have their rows, as these stand now."""
    cr.execute(
        """INSERT INTO psa_invoice_run_line (
               run_id, schedule_id, project_id, company_id, run_date, cutoff_date,
               chunk, turn, state, reason)
           SELECT rel.psa_invoice_run_id, due.id, due.project_id, due.company_id,
                  due.run_date, due.cutoff_date, 1, 0,
                  CASE due.state WHEN 'done' THEN 'billed' WHEN 'nothing' THEN 'nothing'
                                 WHEN 'failed' THEN 'failed' ELSE 'skipped' END,
                  due.error
             FROM psa_invoice_run_psa_invoice_schedule_rel AS rel
             JOIN psa_invoice_schedule AS due ON due.id = rel.psa_invoice_schedule_id
            WHERE NOT EXISTS (SELECT FROM psa_invoice_run_line)"""
    )
    cr.execute("DROP TABLE psa_invoice_run_psa_invoice_schedule_rel")
