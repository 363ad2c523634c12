# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def uninstall_hook(env):
    """Take back the jobs: the scheduled action goes on with their runs."""
    domain = [("model_name", "=", "psa.invoice.run")]
    env["queue.job"].search(domain).button_cancelled()
