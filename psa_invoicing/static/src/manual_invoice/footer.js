import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useChangeQueue} from "./change_queue";
import {useService} from "@web/core/utils/hooks";

/** The total of the ticked transactions; Finish, or the reason why it is disabled. */
export class ManualInvoiceFooter extends Component {
    static template = "psa_invoicing.ManualInvoiceFooter";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.change = useChangeQueue(this.props.record.model);
    }

    get review() {
        return this.props.record.data.review || {totals: [], drafts: []};
    }

    chooseDraft(value) {
        const {record} = this.props;
        const choice = this.change(async () => {
            const review = await this.orm.call(
                "psa.manual.invoice",
                "review_choose_draft",
                [[record.resId], value ? Number(value) : false]
            );
            await record.update({review});
        });
        // Show the old choice again if the server refused the new one.
        return choice.finally(() => this.render(true));
    }

    /** Do what a button of the form does. */
    press(name) {
        const {context, evalContext, resModel, resId, resIds} = this.props.record;
        return this.env.onClickViewButton({
            clickParams: {name, type: "object"},
            getResParams: () => ({context, evalContext, resModel, resId, resIds}),
        });
    }
}

registry.category("view_widgets").add("psa_manual_invoice_footer", {
    component: ManualInvoiceFooter,
});
