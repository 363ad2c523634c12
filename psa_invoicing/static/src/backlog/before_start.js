import {Component, onMounted, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

const CARD = "before_start";

/** Says above the backlog what no invoice run bills: it is older than a billing start. */
export class BeforeStart extends Component {
    static template = "psa_invoicing.BeforeStart";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({card: null});
        // Counting takes time: the list does not wait for it.
        onMounted(async () => {
            this.state.card = await this.orm.silent.call("psa.start.page", "get_card", [
                CARD,
            ]);
        });
    }

    get text() {
        const {count, details} = this.state.card;
        return _t(
            "Before the billing start of their projects, so that no invoice run " +
                "bills them: %(count)s, %(amount)s.",
            {count, amount: details.join(" + ")}
        );
    }

    async open() {
        const action = await this.orm.call("psa.start.page", "open_card", [CARD]);
        await this.action.doAction(action);
    }
}
