import {Component, onWillStart, useState} from "@odoo/owl";
import {Layout} from "@web/search/layout";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";

/** The work that waits for somebody; each card opens its list. */
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

    /** Counting a lot takes time: the page is shown first, the number follows. */
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
            // Do not wait for it: the dialog stays open until onClose is done, and a
            // page that was left never gets its answer.
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
