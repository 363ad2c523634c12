import {Component, onWillStart, status, useState} from "@odoo/owl";
import {Layout} from "@web/search/layout";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";

/**
 * What needs a person today; each card opens the list behind it.
 */
export class StartPage extends Component {
    static template = "psa_invoicing.StartPage";
    static components = {Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({sections: [], problem: "", last_run: false});
        onWillStart(() => this.load());
    }

    async load() {
        const page = await this.orm.call("psa.start.page", "get_start_page", []);
        Object.assign(this.state, page);
        for (const section of this.state.sections) {
            for (const card of section.cards.filter(({is_cut}) => is_cut)) {
                this.complete(card);
            }
        }
    }

    /** Of a lot, the page says how much it is when it is there. */
    async complete(card) {
        const values = await this.orm.silent.call("psa.start.page", "get_card", [
            card.key,
        ]);
        Object.assign(card, values);
    }

    /** A dialog that leads elsewhere closes when this page is gone. */
    async reload() {
        if (status(this) !== "destroyed") {
            await this.load();
        }
    }

    async open(card) {
        const action = await this.orm.call("psa.start.page", "open_card", [card.key]);
        await this.action.doAction(action);
    }

    runDue() {
        return this.action.doAction("psa_invoicing.psa_run_due_action", {
            onClose: () => this.reload(),
        });
    }

    openLastRun() {
        return this.action.doAction("psa_invoicing.psa_invoice_run_action", {
            viewType: "form",
            props: {resId: this.state.last_run.id},
        });
    }
}

registry.category("actions").add("psa_invoicing.start_page", StartPage);
