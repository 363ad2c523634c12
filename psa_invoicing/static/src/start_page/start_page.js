import {Component, onWillStart, useState} from "@odoo/owl";
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

    async open(card) {
        const action = await this.orm.call("psa.start.page", "open_card", [card.key]);
        await this.action.doAction(action);
    }

    runDue() {
        return this.action.doAction("psa_invoicing.psa_run_due_action", {
            // Not waited for: the dialog stays open until its onClose is through, and
            // the answer never comes to a page that is gone.
            onClose: (closeInfo) => {
                if (!closeInfo?.noReload) {
                    this.load();
                }
            },
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
