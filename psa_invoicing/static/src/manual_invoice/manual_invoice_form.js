import {formView} from "@web/views/form/form_view";
import {registry} from "@web/core/registry";
import {useHotkey} from "@web/core/hotkeys/hotkey_hook";

/** Elements that do something of their own on Enter. */
const OWN_ENTER = "button, a, textarea, select, [aria-expanded=true]";

export class ManualInvoiceFormController extends formView.Controller {
    setup() {
        super.setup();
        useHotkey("enter", () => this.goOn(), {
            // The narrowest area wins: narrower than that of Odoo's own checkbox.
            area: () => document.activeElement,
            bypassEditableProtection: true,
            isAvailable: (target) => this.isNext(target),
        });
    }

    get nextButton() {
        const dialog = this.rootRef.el.closest(".modal");
        return dialog?.querySelector("button[name=action_next]:enabled");
    }

    /** Enter is Next, wherever the focus is in the settings. */
    isNext(target) {
        const isDate = target.closest("[name=cutoff_date]");
        return this.nextButton && (isDate || !target.closest(OWN_ENTER));
    }

    goOn() {
        // Fields note first what was typed.
        setTimeout(() => this.nextButton?.click());
    }
}

registry.category("views").add("psa_manual_invoice_form", {
    ...formView,
    Controller: ManualInvoiceFormController,
});
