import {formView} from "@web/views/form/form_view";
import {registry} from "@web/core/registry";
import {useExternalListener} from "@odoo/owl";

/** What Enter means something of its own for. */
const OWN_ENTER = "button, a, textarea, select, [aria-expanded=true]";

export class ManualInvoiceFormController extends formView.Controller {
    setup() {
        super.setup();
        useExternalListener(window, "keydown", this.onKeydown, {capture: true});
    }

    /** Enter is Next, wherever the focus is in the settings. */
    onKeydown(ev) {
        const dialog = ev.target.closest?.(".modal");
        if (ev.key !== "Enter" || !dialog?.querySelector(".o_psa_manual_invoice")) {
            return;
        }
        const next = dialog.querySelector("button[name=action_next]:enabled");
        const isDate = ev.target.closest("[name=cutoff_date]");
        if (!next || (ev.target.closest(OWN_ENTER) && !isDate)) {
            return;
        }
        if (ev.target.matches("input[type=checkbox], button")) {
            // Odoo's own checkbox would be ticked by it.
            ev.preventDefault();
            ev.stopImmediatePropagation();
        }
        // What was typed is noted first.
        setTimeout(() => next.click());
    }
}

registry.category("views").add("psa_manual_invoice_form", {
    ...formView,
    Controller: ManualInvoiceFormController,
});
